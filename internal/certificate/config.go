package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"time"

	"roomlog/internal/settings"
)

// Settings selects the source of the certificate.
type Settings struct {
	TLSCert       string        `placeholder:"FILE" help:"File with the certificate for HTTPS and RTMPS, with intermediate certificates, in PEM. It is read again when it changes. Default: no HTTPS and no RTMPS, or ACME."`
	TLSKey        string        `placeholder:"FILE" help:"File with the key of --tls-cert, in PEM. Default: no key, as without --tls-cert."`
	TLSReload     time.Duration `default:"10s" min:"100ms" max:"1h" help:"Interval at which the files with certificate and key are read again."`
	ACMEDomains   []string      `placeholder:"NAME" help:"Host names of this server, like live.example, for which it gets a certificate from an ACME server. With it you accept the terms of that server. Default: none."`
	ACMEEmail     string        `placeholder:"ADDRESS" help:"E-mail address that the ACME server may write to. Default: none."`
	ACMEDirectory string        `default:"https://acme-v02.api.letsencrypt.org/directory" help:"Directory URL of the ACME server; the default is Let's Encrypt."`
	ACMERoots     string        `placeholder:"FILE" help:"File with the root certificates, in PEM, that check the connection to the ACME server. Default: those of the system."`
}

// Config configures a Source.
type Config struct {
	Settings
	Cache string // folder for what the ACME server issued; it is created
	Now   func() time.Time
	Log   *slog.Logger
}

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Set reports whether a certificate is configured.
func (s *Settings) Set() bool { return s.TLSCert != "" || s.TLSKey != "" || len(s.ACMEDomains) > 0 }

// CheckSettings checks every setting. It reads the files with certificates.
func (s *Settings) CheckSettings() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, file := range []struct{ flag, path string }{{"--tls-cert", s.TLSCert}, {"--tls-key", s.TLSKey}} {
		if file.path == "" {
			continue
		}
		if _, err := readSmall(file.path); err != nil {
			add("%s: %w", file.flag, err)
		}
	}
	for _, name := range s.ACMEDomains {
		if !hostName.MatchString(name) || len(name) > 253 {
			add("--acme-domains must contain host names in lower case like live.example (got %q)", name)
		}
	}
	if address, err := mail.ParseAddress(s.ACMEEmail); s.ACMEEmail != "" && (err != nil || address.Address != s.ACMEEmail) {
		add("--acme-email must be an address like admin@live.example (got %q)", s.ACMEEmail)
	}
	if s.ACMEDirectory != "" && (!settings.IsHTTPURL(s.ACMEDirectory) || !strings.HasPrefix(s.ACMEDirectory, "https:")) {
		add("--acme-directory must be a URL that begins with https:// (got %q)", s.ACMEDirectory)
	}
	if _, err := s.roots(); err != nil {
		add("--acme-roots: %w", err)
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return s.checkTogether()
}

// checkTogether checks settings that need or exclude each other.
func (s *Settings) checkTogether() error {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key need each other")
	case s.TLSCert != "" && len(s.ACMEDomains) > 0:
		return errors.New("--tls-cert and --acme-domains exclude each other")
	case s.TLSCert == "":
		return nil
	}
	_, _, err := s.load()
	return err
}

const maxFile = 1 << 20 // maximum size of a file in bytes

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// load reads certificate and key. content identifies what was read, also after an error.
func (s *Settings) load() (cert *tls.Certificate, content string, err error) {
	chain, err := readSmall(s.TLSCert)
	if err != nil {
		return nil, err.Error(), fmt.Errorf("--tls-cert: %w", err)
	}
	key, err := readSmall(s.TLSKey)
	if err != nil {
		return nil, err.Error(), fmt.Errorf("--tls-key: %w", err)
	}
	content = string(chain) + "\x00" + string(key)
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, content, fmt.Errorf("--tls-cert and --tls-key, %s and %s, are no certificate with its key: %w", s.TLSCert, s.TLSKey, err)
	}
	return &pair, content, nil
}

// roots returns the root certificates of the ACME server, or nil for those of the system.
func (s *Settings) roots() (*x509.CertPool, error) {
	if s.ACMERoots == "" {
		return nil, nil //nolint:nilnil // package tls takes nil for the roots of the system
	}
	text, err := readSmall(s.ACMERoots)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s contains no certificate in PEM", s.ACMERoots)
	}
	return pool, nil
}
