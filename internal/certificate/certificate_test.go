package certificate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/certificate"
	"roomlog/internal/settings"
	"roomlog/internal/waittest"
)

const timeout = 3 * time.Minute

// pair writes a new certificate for live.example with its key.
func pair(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	return pairFor(t, dir, serial, "live.example")
}

// pairFor writes a new certificate for a name with its key.
func pairFor(t *testing.T, dir string, serial int64, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	chain, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return cert, key
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// syncBuffer is a buffer that a logger and a test use at the same time.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var c certificate.Config
	settings.Defaults(&c)
	c.TLSCert, c.TLSKey = pair(t, dir, 1)
	var logged syncBuffer
	c.TLSReload, c.Now, c.Log = 5*time.Millisecond, time.Now, slog.New(slog.NewTextHandler(&logged, nil))
	source, err := certificate.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx) }()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", source.TLS("http/1.1"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: timeout}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	at := listener.Addr().String()
	serial := func() int64 {
		conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test looks at the certificate itself
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	await := func(what string, cond func() bool) {
		t.Helper()
		for deadline := time.Now().Add(timeout); !cond(); <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s: %s", what, &logged)
			}
		}
	}
	if serial() != 1 || source.Expires().Before(time.Now()) {
		t.Errorf("certificate %d, expires %v", serial(), source.Expires())
	}
	write(t, c.TLSCert, []byte("no certificate"))
	await("a warning", func() bool { return strings.Contains(logged.String(), "new certificate refused") })
	if serial() != 1 {
		t.Error("a damaged certificate was used")
	}
	pair(t, dir, 2)
	await("the new certificate", func() bool { return serial() == 2 })
	if n := strings.Count(logged.String(), "PRIVATE KEY"); n > 0 {
		t.Error("a key was logged")
	}
	if _, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil { //nolint:gosec // the version must be refused
		t.Error("TLS 1.1 was accepted")
	}
	stop()
	if err := waittest.Receive(t, ended, "the end of Run"); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	cert, key := pair(t, t.TempDir(), 1)
	_, other := pair(t, t.TempDir(), 2)
	none := filepath.Join(t.TempDir(), "none")
	for name, tt := range map[string]struct {
		s    certificate.Settings
		want []string
	}{
		"nothing":               {certificate.Settings{}, nil},
		"files":                 {certificate.Settings{TLSCert: cert, TLSKey: key}, nil},
		"names":                 {certificate.Settings{ACMEDomains: []string{"live.example"}, ACMEEmail: "a@live.example", ACMERoots: cert}, nil},
		"a certificate alone":   {certificate.Settings{TLSCert: cert}, []string{"--tls-cert and --tls-key need each other"}},
		"a key alone":           {certificate.Settings{TLSKey: key}, []string{"--tls-cert and --tls-key need each other"}},
		"the key of another":    {certificate.Settings{TLSCert: cert, TLSKey: other}, []string{"are no certificate with its key"}},
		"a file that is absent": {certificate.Settings{TLSCert: none, TLSKey: key}, []string{"--tls-cert: stat "}},
		"both":                  {certificate.Settings{TLSCert: cert, TLSKey: key, ACMEDomains: []string{"live.example"}}, []string{"exclude each other"}},
		"many faults": {certificate.Settings{TLSKey: "/dev/null", ACMEDomains: []string{"localhost", "*.live.example", "Live.example"}, ACMEEmail: "nobody",
			ACMEDirectory: "http://acme.example", ACMERoots: key}, []string{"--tls-key: /dev/null is not a regular file", `like live.example (got "localhost")`,
			`(got "*.live.example")`, `(got "Live.example")`, "--acme-email must be", "--acme-directory must be", "contains no certificate in PEM"}},
	} {
		err := tt.s.CheckSettings()
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tt.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want %q in %v", name, want, err)
			}
		}
	}
}
