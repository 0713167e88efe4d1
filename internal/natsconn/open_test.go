package natsconn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"roomlog/internal/logtest"
	"roomlog/internal/natsconn"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/waittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate returns a certificate for 127.0.0.1, and the path of a file with it.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "NATS"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

// open returns a connection that is closed at the end of the test.
func open(t *testing.T, c natsconn.Config) *nats.Conn {
	t.Helper()
	conn, err := natsconn.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// TestTLSAndCredentials checks that a connection needs the right certificate and password, and that the log names the reason but
// no password.
func TestTLSAndCredentials(t *testing.T) {
	t.Parallel()
	own, ca := certificate(t)
	_, otherCA := certificate(t)
	s := natstest.Start(t, func(o *server.Options) {
		o.TLS, o.TLSTimeout = true, 10
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}
		o.Username, o.Password = "roomlog", "a-password"
	})
	address := strings.Replace(s.URL, "nats:", "tls:", 1)
	with := func(ca, password string) (natsconn.Config, *logtest.Buffer) {
		var log logtest.Buffer
		return natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{address}, NatsUser: "roomlog", NatsCA: ca},
			Secrets: natsconn.Secrets{Password: password}, Log: slog.New(slog.NewTextHandler(&log, nil))}, &log
	}
	good, _ := with(ca, "a-password")
	conn := open(t, good)
	natstest.AwaitConnected(t, conn)
	if _, err := conn.TLSConnectionState(); err != nil {
		t.Errorf("TLS: %v", err)
	}
	for name, c := range map[string]struct{ ca, password, reason string }{
		"another certificate": {otherCA, "a-password", "certificate"},
		"a wrong password":    {ca, "a-wrong-one", "uthorization"},
	} {
		bad, log := with(c.ca, c.password)
		conn := open(t, bad)
		for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(log.String(), c.reason) && time.Now().Before(deadline); {
			<-time.After(5 * time.Millisecond)
		}
		if conn.IsConnected() {
			t.Errorf("connected with %s", name)
		}
		if text := log.String(); !strings.Contains(text, c.reason) || strings.Contains(text, c.password) {
			t.Errorf("with %s the log says %s", name, text)
		}
	}
}

// TestExampleOfAServer runs the example in the folder deploy.
func TestExampleOfAServer(t *testing.T) {
	own, ca := certificate(t) // not parallel: environment variables belong to the whole process
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../deploy/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, file := filepath.Join(dir, "key.pem"), filepath.Join(dir, "nats.conf")
	changed := strings.NewReplacer("/etc/nats/server.pem", ca, "/etc/nats/server-key.pem", keyFile, "0.0.0.0:4222", "127.0.0.1:-1").Replace(string(text))
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_PASSWORD", "a-password")
	s := natstest.Start(t, func(o *server.Options) {
		if err := o.ProcessConfigFile(file); err != nil {
			t.Fatal(err)
		}
		o.NoLog, o.NoSigs = true, true
	})
	conn := open(t, natsconn.Config{Secrets: natsconn.Secrets{Password: "a-password"},
		Settings: natsconn.Settings{NatsURL: []string{strings.Replace(s.URL, "nats:", "tls:", 1)}, NatsUser: "roomlog", NatsCA: ca}})
	natstest.AwaitConnected(t, conn)
}

// TestAConnectionComesBack checks that nothing that was published without a server is sent later, and that announced servers are not used.
func TestAConnectionComesBack(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.ClientAdvertise = "192.0.2.1:4222" })
	s.Stop()
	conn := open(t, natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{s.URL}}})
	if err := conn.Publish("news", []byte("lost")); err == nil {
		t.Error("a message was accepted without a server")
	}
	changed := conn.StatusChanged(nats.CONNECTED)
	s.Restart()
	waittest.Receive(t, changed, "the connection")
	if servers := conn.Servers(); len(servers) != 1 || conn.ConnectedUrl() != s.URL {
		t.Errorf("uses %v, want %s alone", servers, s.URL)
	}
	received, err := conn.SubscribeSync("news")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Publish("news", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if m, err := received.NextMsg(waittest.Timeout); err != nil || string(m.Data) != "new" {
		t.Errorf("received %v, %v, want the new message alone", m, err)
	}
}
