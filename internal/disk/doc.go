// Package disk decides whether files may grow: it keeps a reserve of free space for what must not fail, such as the
// database. Everything that stores files of users asks it first.
package disk
