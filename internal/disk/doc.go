// Package disk decides whether files may grow. It keeps free space in reserve for writes that must not fail, such as
// those of the database. Code that stores files of users calls Settings.Check before it writes.
package disk
