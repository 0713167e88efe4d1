// Package waittest contains waits for tests. Each of them has a bound: a test that waits in vain fails, and does not keep
// the others from their end. Only tests may import the package.
package waittest
