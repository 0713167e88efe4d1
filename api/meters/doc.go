// Package meters counts the HTTP requests of a server for Prometheus.
package meters
