package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/certificate"
)

// checkTLS returns the faults of addresses and certificates that need each other.
func (c *config) checkTLS(sources *cli.Sources) error {
	var faults []error
	for _, one := range []struct{ flag, value string }{{"https-addr", c.HTTPSAddr}, {"rtmps-addr", c.RTMPSAddr}} {
		if one.value != "" && !c.certificate.Set() {
			faults = append(faults, fmt.Errorf("%s needs --tls-cert and --tls-key, or --acme-domains", sources.NameOf(one.flag)))
		}
	}
	if c.certificate.Set() && c.HTTPSAddr == "" && c.RTMPSAddr == "" && !c.internalTLS() {
		faults = append(faults, errors.New("--tls-cert and --acme-domains need --https-addr or --rtmps-addr, or --media-internal-addr with an https:// URL"))
	}
	if c.HTTPRedirect && c.HTTPSAddr == "" {
		faults = append(faults, fmt.Errorf("%s needs --https-addr", sources.NameOf("http-redirect")))
	}
	return errors.Join(faults...)
}

var errACMEFolder = errors.New("--acme-domains needs a data folder that can be written, in which certificates are stored (--data)")

// openCertificate opens the source of the certificate of all TLS servers. It returns nil if no certificate is configured.
func (c *config) openCertificate(ctx context.Context, env *environment, l *layers) (*certificate.Source, error) {
	switch {
	case !c.certificate.Set():
		return nil, nil //nolint:nilnil // no TLS server uses it
	case len(c.certificate.ACMEDomains) > 0 && env.folderless:
		return nil, errACMEFolder
	}
	source, err := certificate.Open(certificate.Config{Settings: c.certificate, Cache: filepath.Join(env.dataDir, "acme"), Now: env.sh.Now, Log: env.log})
	if err != nil {
		return nil, err
	}
	l.run(ctx, "certificate", source.Run)
	return source, nil
}

// secure configures the server for HTTPS on a listener, which is nil if there is none. It also creates the server of
// --http-addr, which responds to the requests of ACME servers and may redirect other requests.
func (c *config) secure(s *servers, env *environment, cert *certificate.Source, listener net.Listener) {
	s.http.TLSConfig = cert.TLS("h2", "http/1.1")
	plain := s.handler
	if c.HTTPRedirect {
		plain = redirect(plain, listener.Addr(), c.api.PublicURL)
	}
	s.plain = c.newHTTPServer(cert.Challenges(plain), env, s.slots)
}

// openPaths are paths that are never redirected: their clients are probes in the same network.
var openPaths = []string{"/healthz", "/readyz", "/metrics"}

// redirect returns a handler that redirects requests to HTTPS, and passes requests of openPaths to next. The target is public if that is
// an HTTPS URL, and otherwise the host of the request at the port of at. The status 308 keeps method and body.
func redirect(next http.Handler, at net.Addr, public string) http.Handler {
	_, port, _ := net.SplitHostPort(at.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(openPaths, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		target := strings.TrimRight(public, "/")
		if !strings.HasPrefix(strings.ToLower(public), "https://") {
			if r.Host == "" {
				http.Error(w, "a header Host is needed", http.StatusBadRequest)
				return
			}
			target = "https://" + withPort(r.Host, port)
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
}

// withPort returns the host of a header Host with a port for HTTPS in place of its own.
func withPort(host, port string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]") // an IPv6 address without a port
	}
	if port == "443" {
		return strings.TrimSuffix(net.JoinHostPort(host, ""), ":")
	}
	return net.JoinHostPort(host, port)
}
