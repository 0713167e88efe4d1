// Package query checks the query parameters of requests: it refuses unknown and repeated parameters, and explains wrong
// values in sentences.
//
// The documentation of an endpoint is the list of its parameters, so that the check cannot differ from it.
package query
