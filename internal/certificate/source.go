package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"roomlog/internal/netconn"
	"roomlog/internal/wait"
)

const acmeTimeout = 30 * time.Second // maximum time of one request to the ACME server

// Source provides the certificate. It is safe for concurrent use.
type Source struct {
	config  Config
	content string                          // content of the files when they were last read
	loaded  atomic.Pointer[tls.Certificate] // certificate from files; nil with ACME
	manager *autocert.Manager               // nil with files
	expires atomic.Int64                    // Unix time at which the certificate that was used or loaded last expires; 0: none
}

// Open loads the certificate from its files, or prepares to request it when the first client connects.
func Open(c Config) (*Source, error) {
	s := &Source{config: c}
	if c.TLSCert != "" {
		cert, content, err := c.load()
		if err != nil {
			return nil, err
		}
		s.use(cert, content)
		return s, nil
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	transport := netconn.NewTransport()
	transport.TLSClientConfig.RootCAs = roots
	s.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(c.Cache), HostPolicy: autocert.HostWhitelist(c.ACMEDomains...), Email: c.ACMEEmail,
		Client: &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: &http.Client{Transport: transport, Timeout: acmeTimeout}, UserAgent: "roomlog"},
	}
	return s, nil
}

// TLS returns the configuration of a server that speaks the given application protocols, such as h2.
func (s *Source) TLS(protocols ...string) *tls.Config {
	if s.manager != nil {
		protocols = append(protocols, acme.ALPNProto)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: s.get}
}

func (s *Source) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.manager == nil {
		return s.loaded.Load(), nil
	}
	if err := s.manager.HostPolicy(hello.Context(), hello.ServerName); err != nil {
		return nil, err // scanners of the network use any name, or none: this is not logged
	}
	cert, err := s.manager.GetCertificate(hello)
	switch {
	case err != nil:
		s.config.Log.Warn("no certificate for a TLS client", slog.Any("error", err))
	case cert.Leaf != nil && !isChallenge(hello):
		s.expires.Store(cert.Leaf.NotAfter.Unix())
	}
	return cert, err
}

// isChallenge reports whether the client is the ACME server that checks a name.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// Challenges returns a handler that responds to the HTTP requests with which an ACME server checks a name, and passes all
// others to next.
func (s *Source) Challenges(next http.Handler) http.Handler {
	if s.manager == nil {
		return next
	}
	return s.manager.HTTPHandler(next)
}

// Expires returns the time at which the certificate expires, or the zero time if there is none yet.
func (s *Source) Expires() time.Time {
	if at := s.expires.Load(); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// Run reads the files again when they change, until ctx ends. A certificate of an ACME server renews itself.
func (s *Source) Run(ctx context.Context) error {
	if s.manager != nil {
		<-ctx.Done()
		return nil
	}
	for wait.Sleep(ctx, s.config.TLSReload) {
		cert, content, err := s.config.load()
		switch {
		case content == s.content:
		case err != nil:
			s.content = content // the fault is logged once
			s.config.Log.WarnContext(ctx, "new certificate refused, the old one stays in use", slog.Any("error", err))
		default:
			s.use(cert, content)
			s.config.Log.InfoContext(ctx, "certificate read again", slog.String("path", s.config.TLSCert), slog.Time("expires", s.Expires()))
		}
	}
	return nil
}

// use puts a certificate of the files into use.
func (s *Source) use(cert *tls.Certificate, content string) {
	if cert.Leaf == nil {
		cert.Leaf, _ = x509.ParseCertificate(cert.Certificate[0]) // X509KeyPair has parsed it
	}
	s.content = content
	s.expires.Store(cert.Leaf.NotAfter.Unix())
	s.loaded.Store(cert)
	if now := s.config.Now(); now.After(cert.Leaf.NotAfter) || now.Before(cert.Leaf.NotBefore) {
		s.config.Log.Warn("certificate is not valid now", slog.String("path", s.config.TLSCert), slog.Time("expires", cert.Leaf.NotAfter))
	}
}
