// Package clocktest is a clock for tests: a timeout that is measured by it passes when the test says so, and never because
// the machine is slow. Only tests may import the package.
package clocktest
