// Package cors permits pages of other origins to call an HTTP server: it implements the CORS protocol of the Fetch
// standard.
package cors
