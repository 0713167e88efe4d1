package main_test

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
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roomlog/internal/logtest"
)

// selfSigned writes a certificate for 127.0.0.1 and its key to dir.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "roomlog"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	chain, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// secureClient returns an HTTP client that trusts a certificate, and that follows no redirect.
func secureClient(t *testing.T, cert string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// talkOverTLS joins a live with roomlog talk over a WebSocket with TLS.
func talkOverTLS(t *testing.T, address, cert string, user *person, live int64) {
	t.Helper()
	out := &logtest.Buffer{}
	talk := exec.CommandContext(t.Context(), program(t), "talk", "--url", "wss://"+address+"/ws", "--live", fmt.Sprint(live), "--for", "1h")
	talk.Env = append(environment0(), "SSL_CERT_FILE="+cert, "TOKEN="+user.token)
	talk.Stdout, talk.Stderr = out, out
	if err := talk.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- talk.Wait() }()
	eventually(t, "a reply over a WebSocket with TLS", func() bool {
		if len(ended) > 0 {
			t.Fatalf("roomlog talk has ended: %v\n%s", <-ended, out.String())
		}
		return strings.Contains(out.String(), `← {"re":"2","type":"ok"`)
	})
	_ = talk.Process.Signal(os.Interrupt)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("roomlog talk: %v\n%s", err, out.String())
		}
	case <-time.After(timeout):
		t.Fatalf("roomlog talk does not end:\n%s", out.String())
	}
}

// TestSecureServer checks HTTPS with HTTP/2, a WebSocket over TLS, a stream from ffmpeg over RTMPS that a player gets over HTTP/2, and
// the redirect from HTTP.
func TestSecureServer(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	cert, key := selfSigned(t, t.TempDir())
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--https-addr", "127.0.0.1:0", "--rtmps-addr", "127.0.0.1:0",
		"--tls-cert", cert, "--tls-key", key, "--drain-timeout", "5m"}, unhurried...)...)
	anna := join(t, at, "anna")
	room := anna.read(anna.open("a secure evening"))
	secure, rtmps := at.port("listening for HTTPS"), at.port("listening for RTMPS")
	client := secureClient(t, cert)
	get := func(address string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}

	if response := get("https://" + secure + "/healthz"); response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Errorf("HTTPS: %s, %s", response.Proto, response.Status)
	}
	metrics, err := io.ReadAll(get("https://" + secure + "/metrics").Body)
	if err != nil || !bytes.Contains(metrics, []byte("roomlog_tls_certificate_expires_timestamp_seconds 1.")) {
		t.Errorf("the metrics do not show when the certificate expires: %v", err)
	}

	talkOverTLS(t, secure, cert, anna, room.Data.ID)

	publish(t, film(t, 20), "rtmps://"+rtmps+"/live/"+room.Data.Key+"?sign="+*room.Sign, "-stream_loop", "-1")
	play := get("https://" + secure + "/live/" + room.Data.Key + ".flv?sign=" + *anna.read(room.Data.ID).Sign)
	first := make([]byte, 200_000)
	if n, err := io.ReadFull(play.Body, first); err != nil || play.ProtoMajor != 2 || !bytes.HasPrefix(first, []byte("FLV\x01")) {
		t.Fatalf("a player over HTTP/2 has got %d bytes: %s, %v", n, play.Proto, err)
	}
	if code := at.stop(); code != 0 { // must not wait for the player
		t.Errorf("exit code %d", code)
	}
	if _, err := io.Copy(io.Discard, play.Body); err == nil {
		t.Error("the player was told that the stream has ended, not that it was cut")
	}
}

// TestRedirectToHTTPS checks the redirect, and that an RTMPS client that does not finish its handshake is disconnected.
func TestRedirectToHTTPS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, t.TempDir())
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--https-addr", "127.0.0.1:0", "--rtmps-addr", "127.0.0.1:0",
		"--tls-cert", cert, "--tls-key", key, "--http-redirect"}, unhurried...)...)
	silent, err := net.Dial("tcp", at.port("listening for RTMPS"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := secureClient(t, cert)
	for path, want := range map[string]int{"/readyz": http.StatusOK, "/metrics": http.StatusOK, "/api/live/list?page=1": http.StatusPermanentRedirect} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", path, response.Status)
		}
		if want == http.StatusPermanentRedirect && response.Header.Get("Location") != "https://"+at.port("listening for HTTPS")+path {
			t.Errorf("%s leads to %s", path, response.Header.Get("Location"))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = silent.Close() })
	defer stop()
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a client without a TLS handshake: %v", err)
	}
}
