// Package asset serves files that are inside the program, compressed if the client accepts gzip.
package asset
