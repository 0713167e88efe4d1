package natsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"roomlog/internal/settings"
)

// Settings contains the addresses of the NATS servers and the credentials that are no secrets.
type Settings struct {
	NatsURL         []string `placeholder:"URL" help:"Addresses of NATS servers, like tls://nats1.example:4222. Other hosts need tls:// and credentials. The nodes (serve) send released events and messages to each other over them; roomlog bridge copies the log to them. Default: no NATS, every node follows the log in PostgreSQL."`
	NatsUser        string   `placeholder:"NAME" help:"User name at the NATS servers; ROOMLOG_NATS_PASSWORD is the password. Default: no user name."`
	NatsCredentials string   `placeholder:"FILE" help:"Credentials file for the NATS servers, with a JWT and a seed, as nsc writes it. Default: no credentials file."`
	NatsCA          string   `placeholder:"FILE" help:"File with the root certificates, in PEM, that check the NATS servers. Default: those of the system."`
	NatsCert        string   `placeholder:"FILE" help:"File with the certificate of this process for the NATS servers, in PEM. Default: no client certificate."`
	NatsKey         string   `placeholder:"FILE" help:"File with the key of --nats-cert, in PEM. Default: no key, as without --nats-cert."`
}

// Secrets contains the secret credentials for the NATS servers.
type Secrets struct {
	Password, Token string
}

// Set reports whether NATS servers are configured.
func (s *Settings) Set() bool { return len(s.NatsURL) > 0 }

const maxServers = 32

// CheckSettings checks every setting. It reads the files with certificates. Its errors contain no password.
func (s *Settings) CheckSettings() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(s.NatsURL) > maxServers {
		add("--nats-url may contain %d addresses (got %d)", maxServers, len(s.NatsURL))
	}
	for _, address := range s.NatsURL {
		u, err := url.Parse(address)
		switch {
		case err == nil && u.User != nil:
			add("--nats-url may not contain a password or token: use --nats-user with ROOMLOG_NATS_PASSWORD, or ROOMLOG_NATS_TOKEN (got %q)", settings.Redact(address))
		case err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
			add("--nats-url must contain addresses like tls://nats1.example:4222 or nats://127.0.0.1:4222")
		case u.Scheme != "nats" && u.Scheme != "tls":
			add("--nats-url must contain addresses that begin with tls:// or nats:// (got %q)", settings.Redact(address))
		case u.Scheme == "nats" && !loopback(u):
			add("--nats-url must begin with tls:// for another host than this one, because the messages contain texts of users (got %q)", address)
		}
	}
	if !s.Set() && (s.NatsUser != "" || s.NatsCredentials != "" || s.NatsCA != "" || s.NatsCert != "" || s.NatsKey != "") {
		add("--nats-user, --nats-credentials, --nats-ca, --nats-cert and --nats-key need --nats-url")
	}
	if s.NatsUser != "" && s.NatsCredentials != "" {
		add("--nats-user and --nats-credentials exclude each other")
	}
	if s.NatsCredentials != "" {
		if err := checkFile(s.NatsCredentials); err != nil {
			add("--nats-credentials: %w", err)
		}
	}
	if err := s.checkCertificates(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// checkCertificates reads the files with certificates.
func (s *Settings) checkCertificates() error {
	var faults []error
	if s.NatsCA != "" {
		if text, err := os.ReadFile(s.NatsCA); err != nil {
			faults = append(faults, fmt.Errorf("--nats-ca: %w", err))
		} else if !x509.NewCertPool().AppendCertsFromPEM(text) {
			faults = append(faults, fmt.Errorf("--nats-ca: %s contains no certificate in PEM", s.NatsCA))
		}
	}
	if (s.NatsCert == "") != (s.NatsKey == "") {
		faults = append(faults, errors.New("--nats-cert and --nats-key need each other"))
	} else if s.NatsCert != "" {
		if _, err := tls.LoadX509KeyPair(s.NatsCert, s.NatsKey); err != nil {
			faults = append(faults, fmt.Errorf("--nats-cert: %w", err))
		}
	}
	return errors.Join(faults...)
}

// CheckCredentials returns an error if the secrets do not fit the settings, or if a server on another host would be reached without
// credentials.
func (s *Settings) CheckCredentials(secrets Secrets) error {
	ways := 0
	for _, one := range []string{s.NatsUser, s.NatsCredentials, secrets.Token} {
		if one != "" {
			ways++
		}
	}
	switch {
	case !s.Set():
		return nil
	case (s.NatsUser != "") != (secrets.Password != ""):
		return errors.New("--nats-user and ROOMLOG_NATS_PASSWORD need each other")
	case ways > 1:
		return errors.New("--nats-user, --nats-credentials and ROOMLOG_NATS_TOKEN exclude each other")
	case ways == 0 && s.NatsCert == "" && s.remote():
		return errors.New("--nats-url on another host needs credentials: --nats-credentials, --nats-user with ROOMLOG_NATS_PASSWORD, ROOMLOG_NATS_TOKEN, or --nats-cert")
	}
	return nil
}

// remote reports whether a server is on another host.
func (s *Settings) remote() bool {
	for _, address := range s.NatsURL {
		if u, err := url.Parse(address); err != nil || !loopback(u) {
			return true
		}
	}
	return false
}

// secure reports whether a server is reached with TLS. The connection then uses TLS for every server.
func (s *Settings) secure() bool {
	for _, address := range s.NatsURL {
		if strings.HasPrefix(address, "tls:") {
			return true
		}
	}
	return s.NatsCA != "" || s.NatsCert != ""
}

// loopback reports whether an address leads to this host. Names are not resolved, because they can lead elsewhere later.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func checkFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	return err
}
