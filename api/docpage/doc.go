// Package docpage serves the page that shows the documents of the REST API and of the WebSocket protocol: Scalar, a
// viewer for OpenAPI and AsyncAPI, from files inside the program.
//
// The page loads nothing from other servers. Its Content-Security-Policy permits scripts of this server only, and no
// eval. Scripts have the hash of their content in their names, so that clients cache them for good.
//
// scalar.js.gz is the file dist/browser/standalone.js of the npm package @scalar/api-reference, compressed.
// scalar.sha256 has its SHA-256 and its version, LICENSES.txt the
// licenses of the packages in it. `make docpage` fetches another version.
package docpage
