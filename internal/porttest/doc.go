// Package porttest reserves ports for servers that a test stops and starts again at the same address. Only tests may import
// the package.
package porttest
