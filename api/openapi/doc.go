// Package openapi completes the OpenAPI document that huma generates from the Go types of the endpoints. The package
// adds what huma does not know:
//
//   - null for fields that refer to another schema
//   - Go names for fields whose JSON names differ only in punctuation
//   - a response for each status, with the error codes of the operation
//   - an example for every request and response
//
// It returns an error for a schema without a name and for a text without an example, so that an incomplete document
// cannot be served. It contains no rules of the product and reads no request.
package openapi
