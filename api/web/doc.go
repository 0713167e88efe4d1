// Package web serves the page for viewers, streamers and operators from files inside the program.
//
// The page is written against the public API only. Its code consists of ES modules that run as they are: there is no
// build step, and nothing is loaded from other servers. All files are in one folder whose name is the hash of their
// contents, so that clients cache them for good. The Content-Security-Policy permits neither inline scripts nor inline
// styles.
//
// assets/client.js is the client module, which apps may use, too (docs/CLIENTS.md). assets/vendor has the libraries of the
// page; vendor/SHA256SUMS records their hashes and vendor/LICENSES.txt their licenses. `make vendor-web` fetches them again.
package web
