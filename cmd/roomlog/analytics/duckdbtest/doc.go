// Package duckdbtest executes SQL with DuckDB, which `make deps` installs from npm. ROOMLOG_SKIP=node skips the tests that
// use it. Only tests may import the package.
package duckdbtest
