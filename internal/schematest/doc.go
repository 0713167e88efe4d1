// Package schematest prepares JSON Schemas for tests of what a server sends. Only tests use it.
package schematest
