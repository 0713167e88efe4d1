// Package tracetest receives traces in tests, as a collector does: with OTLP over HTTP.
package tracetest
