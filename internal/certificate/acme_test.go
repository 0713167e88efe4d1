package certificate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"roomlog/internal/certificate"
	"roomlog/internal/porttest"
	"roomlog/internal/settings"
)

// start starts a program, and waits until it listens on a port.
func start(t *testing.T, port int, env []string, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: go install github.com/letsencrypt/pebble/v2/cmd/%[1]s@v2.8.0", name)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &out, append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		stop()
		<-ended
		if t.Failed() {
			t.Logf("%s: %s", name, &out)
		}
	})
	for deadline := time.Now().Add(timeout); ; <-time.After(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s has ended: %s", name, &out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen: %v", name, err)
		}
	}
}

// TestACME gets a certificate from Pebble, the test server of Let's Encrypt, and gets it from the cache after a restart. The test is
// skipped if Pebble is not installed.
func TestACME(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, rootKey := pairFor(t, t.TempDir(), 1, "localhost") // of the directory itself
	dns, dnsAdmin, directory, secure := porttest.Reserve(t), porttest.Reserve(t), porttest.Reserve(t), porttest.Reserve(t)
	start(t, dnsAdmin, nil, "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", fmt.Sprint("127.0.0.1:", dns), "-management", fmt.Sprint("127.0.0.1:", dnsAdmin),
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": fmt.Sprint("127.0.0.1:", directory), "managementListenAddress": "127.0.0.1:0",
		"certificate": root, "privateKey": rootKey, "httpPort": porttest.Reserve(t), "tlsPort": secure}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	write(t, file, config)
	start(t, directory, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, "pebble", "-config", file, "-dnsserver", fmt.Sprint("127.0.0.1:", dns))

	var c certificate.Config
	settings.Defaults(&c)
	c.ACMEDomains, c.ACMEEmail, c.ACMEDirectory, c.ACMERoots = []string{"live.example"}, "admin@live.example", fmt.Sprintf("https://localhost:%d/dir", directory), root
	c.Cache, c.Now, c.Log = filepath.Join(dir, "acme"), time.Now, slog.New(slog.NewTextHandler(&testWriter{t}, nil))
	if err := c.CheckSettings(); err != nil {
		t.Fatal(err)
	}
	var serials []string
	for range 2 { // the second time from the cache
		source, err := certificate.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		listener, err := tls.Listen("tcp", fmt.Sprint("127.0.0.1:", secure), source.TLS("http/1.1"))
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), ReadHeaderTimeout: timeout}
		go func() { _ = server.Serve(listener) }()
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{ServerName: "live.example", InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // the test looks at the certificate itself
		if err != nil {
			t.Fatal(err)
		}
		leaf := conn.ConnectionState().PeerCertificates[0]
		if err := leaf.VerifyHostname("live.example"); err != nil || bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
			t.Errorf("%v, issued by %s", err, leaf.Issuer)
		}
		if !source.Expires().Equal(leaf.NotAfter) {
			t.Errorf("expires %v, want %v", source.Expires(), leaf.NotAfter)
		}
		serials = append(serials, leaf.SerialNumber.String())
		_ = conn.Close()
		if _, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{ServerName: "other.example", InsecureSkipVerify: true}); err == nil { //nolint:gosec // as above
			t.Error("a client got a certificate for a name that is not configured")
		}
		_ = server.Close()
	}
	if serials[0] != serials[1] {
		t.Error("a restart has requested a new certificate")
	}
}

// testWriter writes to the log of a test.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}
