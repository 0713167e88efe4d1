// Package memo keeps a value for a short time, so that many callers share one read.
package memo
