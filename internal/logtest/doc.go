// Package logtest contains outputs of a logger for tests. Only tests may import the package.
package logtest
