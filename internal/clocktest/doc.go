// Package clocktest is a clock for tests: a timeout that is measured by the clock passes when the test moves the clock,
// and never because the machine is slow. Only tests may import the package.
package clocktest
