package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"roomlog/media"
)

const (
	dialTimeout   = 3 * time.Second
	headerTimeout = 10 * time.Second // maximum time until the response of a node begins; a broadcast that begins may need 3.2 s
)

// NewClient returns an HTTP client for requests to other nodes. It checks certificates against roots; nil means those of the
// system. It uses HTTP/1.1, follows no redirects, and uses no proxy of the environment.
func NewClient(roots *x509.CertPool) *http.Client {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newRequest returns a signed GET request to another node. path begins with Path.
func newRequest(ctx context.Context, signer *media.Signer, self string, to Origin, path string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(to.URL, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	r.Header.Set(headerSign, signer.Relay(path, self, to.Node))
	return r, nil
}

// statusError is a refusal of another node.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("relay: the node answers %d %s", int(e), http.StatusText(int(e)))
}
