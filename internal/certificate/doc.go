// Package certificate provides the certificate of the TLS servers of a process: from two files, which it reads again when they
// change, or from an ACME server such as Let's Encrypt.
//
// It guarantees:
//
//   - Files that are missing, damaged or do not belong together are found before a port is opened. When such files replace good ones
//     while the process runs, the good ones stay in use, and the fault is logged once.
//   - No version before TLS 1.2 is accepted.
//   - Certificates are requested for the configured names only, whatever names clients send.
//
// It never generates a certificate of its own, and never logs a key.
package certificate
