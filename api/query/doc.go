// Package query checks the query parameters of requests. It refuses unknown and repeated parameters, and explains wrong
// values in sentences.
//
// It uses the list of parameters in the documentation of an endpoint, so the check and the documentation cannot differ.
package query
