// Package apicheck checks responses of the REST API against its OpenAPI document. Members that the document does not
// describe are faults, and so are error codes that it does not list for the operation.
//
// Only tests import it.
package apicheck
