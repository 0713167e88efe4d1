// Package names compares the names of people as readers see them.
//
// Its functions are pure. The package never stores a name and never converts one for display.
package names
