package tracing

import (
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Settings contains the URL of the collector and the fraction of the traces that are recorded.
type Settings struct {
	OTLPEndpoint    string  `placeholder:"URL" help:"Base URL of an OpenTelemetry collector that receives traces with OTLP over HTTP, like http://127.0.0.1:4318; /v1/traces is appended. ROOMLOG_OTLP_HEADERS contains headers for it. Default: no traces."`
	OTLPSampleRatio float64 `default:"0.1" min:"0.000001" max:"1" unit:"fraction" help:"Fraction of the traces that are recorded. All processes on one database need the same one."`
}

// Set reports whether traces are sent.
func (s *Settings) Set() bool { return s.OTLPEndpoint != "" }

// CheckSettings checks the URL. Its error contains no password.
func (s *Settings) CheckSettings() error {
	if !s.Set() {
		return nil
	}
	u, err := url.Parse(s.OTLPEndpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("--otlp-endpoint must be a URL like http://127.0.0.1:4318, without a query")
	case u.User != nil:
		return errors.New("--otlp-endpoint may not contain a password: use ROOMLOG_OTLP_HEADERS")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("--otlp-endpoint must begin with http:// or https:// (got %q)", s.OTLPEndpoint)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), tracesPath):
		return fmt.Errorf("--otlp-endpoint must not end with %s, which the server appends (got %q)", tracesPath, s.OTLPEndpoint)
	}
	return nil
}

// tracesPath is the path of traces below the endpoint, see the section OTLP/HTTP Request of the OTLP specification.
const tracesPath = "/v1/traces"

// maxHeaders is the maximum number of headers.
const maxHeaders = 16

// ParseHeaders returns the headers in a text of the form "name=value,name=value", with values that are percent-encoded, as in
// OTEL_EXPORTER_OTLP_HEADERS. Its errors contain no value.
func ParseHeaders(text string) (map[string]string, error) {
	headers := make(map[string]string)
	if strings.TrimSpace(text) == "" {
		return headers, nil
	}
	for i, pair := range strings.Split(text, ",") {
		name, value, found := strings.Cut(pair, "=")
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		value, err := url.PathUnescape(strings.TrimSpace(value))
		switch {
		case !found || !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("must be a list like authorization=Bearer%%20SECRET,x-tenant=7; header %d is not", i+1)
		case err != nil || value == "" || !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("contains no valid value of the header %s; characters other than letters and digits may need percent-encoding", name)
		case headers[name] != "":
			return nil, fmt.Errorf("contains the header %s twice", name)
		case reserved[name]:
			return nil, fmt.Errorf("may not contain the header %s", name)
		}
		headers[name] = value
	}
	if len(headers) > maxHeaders {
		return nil, fmt.Errorf("may contain %d headers (got %d)", maxHeaders, len(headers))
	}
	return headers, nil
}

// reserved are the headers that the exporter sets itself.
var reserved = map[string]bool{"Content-Type": true, "Content-Length": true, "Content-Encoding": true, "Host": true, "Transfer-Encoding": true, "Connection": true}

// CheckHeaders returns an error if headers are set that cannot be used with the endpoint: without an endpoint they have no use,
// and over http:// to another host everybody on the way could read them.
func (s *Settings) CheckHeaders(headers map[string]string) error {
	if len(headers) == 0 {
		return nil
	}
	if !s.Set() {
		return errors.New("ROOMLOG_OTLP_HEADERS needs --otlp-endpoint")
	}
	if u, err := url.Parse(s.OTLPEndpoint); err == nil && u.Scheme == "http" && !loopback(u) {
		return fmt.Errorf("--otlp-endpoint must begin with https:// for another host than this one, because ROOMLOG_OTLP_HEADERS is secret (got %q)", s.OTLPEndpoint)
	}
	return nil
}

// loopback reports whether a URL leads to this host. Names are not resolved, because they can lead elsewhere later.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
