package webhook_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"roomlog/internal/waittest"
	"roomlog/internal/webhook"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

const timeout = 3 * time.Minute

func post(t *testing.T, g *webhook.Guard, within time.Duration, to string) (webhook.Response, error) {
	t.Helper()
	c := webhook.NewClient(webhook.Config{Timeout: within, MaxRequests: 1, Guard: g})
	defer c.CloseIdle()
	return c.Post(t.Context(), webhook.Request{URL: to, ContentType: "application/json", Body: []byte("{}"), Sign: func(http.Header) error { return nil }})
}

func TestGuard(t *testing.T) {
	t.Parallel()
	guard := &webhook.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	for text, want := range map[string][2]bool{ // https, http
		"93.184.216.34":          {true, false},
		"2606:2800:21f:cb07::1":  {true, false},
		"10.1.2.3":               {true, true},
		"::ffff:10.1.2.3":        {true, true},
		"10.2.0.1":               {},
		"127.0.0.1":              {},
		"127.9.9.9":              {},
		"::1":                    {},
		"::ffff:127.0.0.1":       {},
		"::127.0.0.1":            {},
		"64:ff9b::7f00:1":        {}, // NAT64 of 127.0.0.1
		"2002:7f00:1::":          {}, // 6to4 of 127.0.0.1
		"2001:0:a9fe:a9fe::1":    {}, // Teredo
		"169.254.169.254":        {}, // metadata of clouds
		"::ffff:169.254.169.254": {},
		"fd00:ec2::254":          {}, // the same over IPv6
		"fe80::1%eth0":           {},
		"0.0.0.0":                {},
		"::":                     {},
		"192.168.1.1":            {},
		"172.16.0.1":             {},
		"100.100.100.200":        {},
		"224.0.0.1":              {},
		"255.255.255.255":        {},
		"ff02::1":                {},
	} {
		for i, plain := range []bool{false, true} {
			err := guard.Check(netip.MustParseAddr(text), plain)
			if (err == nil) != want[i] || err != nil && !errors.Is(err, webhook.ErrForbidden) {
				t.Errorf("%s, plain %v: got %v, want permitted: %v", text, plain, err, want[i])
			}
		}
	}
}

// TestGuardChecksTheAddressOfTheConnection sends requests to URLs that lead to this machine in several ways.
func TestGuardChecksTheAddressOfTheConnection(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0"} {
		to := "http://" + host + ":" + address.Port() + "/token"
		if _, err := post(t, &webhook.Guard{}, timeout, to); err == nil || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: got %v, want an error without the path", host, err)
		}
		if _, err := post(t, &webhook.Guard{}, timeout, strings.Replace(to, "http:", "https:", 1)); err == nil {
			t.Errorf("%s over https is permitted", host)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests have reached the server", n)
	}
	if response, err := post(t, &webhook.Guard{Networks: loopback}, timeout, "http://localhost:"+address.Port()); err != nil || response.Status != http.StatusOK {
		t.Errorf("in a permitted network: got %v, %v", response, err)
	}
	if response, err := post(t, nil, timeout, server.URL); err != nil || response.Status != http.StatusOK {
		t.Errorf("without a guard: got %v, %v", response, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inside" {
			followed.Store(true)
		}
		w.Header().Set("Retry-After", "17")
		http.Redirect(w, r, "/inside", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	response, err := post(t, nil, timeout, server.URL)
	if err != nil || response != (webhook.Response{Status: http.StatusTemporaryRedirect, RetryAfter: 17 * time.Second}) || followed.Load() {
		t.Errorf("got %+v, %v, followed: %v", response, err, followed.Load())
	}
}

func TestLongResponses(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		case "/body": // never ends, until the client closes the connection
			defer close(ended)
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/silent":
			w.WriteHeader(http.StatusAccepted)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	if _, err := post(t, nil, timeout, server.URL+"/header"); err == nil {
		t.Error("a header of 1 MiB is accepted")
	}
	if response, err := post(t, nil, timeout, server.URL+"/body"); err != nil || response.Status != http.StatusOK {
		t.Errorf("got %v, %v", response, err)
	}
	waittest.Receive(t, ended, "the end of the response")
	if response, err := post(t, nil, time.Second, server.URL+"/silent"); response.Status != http.StatusAccepted && !errors.Is(err, context.DeadlineExceeded) { // time passes: on a slow machine the request may end before the header arrives
		t.Errorf("got %v, %v", response, err)
	}
}

// TestStandardSignatures verifies requests with the library of Standard Webhooks, as a receiver does.
func TestStandardSignatures(t *testing.T) {
	t.Parallel()
	key, body := []byte("0123456789abcdef"), []byte(`{"a":1}`)
	older, newer, other := webhook.Derive(key, "a 1"), webhook.Derive(key, "a 2"), webhook.Derive(key, "b 1")
	h := http.Header{}
	if err := webhook.SignStandard(h, "a_1", time.Now(), body, []webhook.Secret{newer, older}); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		secret webhook.Secret
		body   string
		want   error
	}{{newer, string(body), nil}, {older, string(body), nil}, {other, string(body), standard.ErrNoMatchingSignature}, {newer, "{}", standard.ErrNoMatchingSignature}} {
		receiver, err := standard.NewWebhook(one.secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.Verify([]byte(one.body), h); !errors.Is(err, one.want) {
			t.Errorf("got %v, want %v", err, one.want)
		}
	}
	if text := fmt.Sprint(newer, []any{newer}); strings.Contains(text, newer.Reveal()) || text != "(secret) [(secret)]" {
		t.Errorf("a secret prints itself: %s", text)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		"https://hooks.example/a?b=c":            true,
		"http://10.0.0.1:8080":                   true,
		"ftp://x/":                               false,
		"https://":                               false,
		"https://user:password@x/":               false,
		"https://x/#a":                           false,
		"":                                       false,
		"https://x/" + strings.Repeat("a", 2000): false,
	} {
		if err := webhook.CheckURL(text); (err == nil) != valid || err != nil && strings.Contains(err.Error(), "password@") {
			t.Errorf("%.40s: got %v, want valid: %v", text, err, valid)
		}
	}
}

// TestDeadConnections sends to a receiver with HTTP/2 behind a proxy that freezes the connection of a request. A later request must reach
// the receiver over another connection.
func TestDeadConnections(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var copies sync.WaitGroup
	var frozen, accepted atomic.Int64 // number of connections that are frozen, and of all
	copies.Go(func() {
		for {
			from, err := proxy.Accept()
			if err != nil {
				return
			}
			number := accepted.Add(1)
			to, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			forward := func(to, from net.Conn) {
				defer to.Close()
				defer from.Close()
				buf := make([]byte, 1<<16)
				for {
					n, err := from.Read(buf)
					if err != nil {
						return
					}
					if number > frozen.Load() {
						_, _ = to.Write(buf[:n])
					}
				}
			}
			copies.Go(func() { forward(to, from) })
			copies.Go(func() { forward(from, to) })
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := webhook.NewClient(webhook.Config{Timeout: time.Second, MaxRequests: 1, Guard: &webhook.Guard{Networks: loopback}, Roots: roots})
	t.Cleanup(func() { c.CloseIdle(); _ = proxy.Close(); copies.Wait() })
	send := func() error {
		response, err := c.Post(t.Context(), webhook.Request{URL: "https://" + proxy.Addr().String(), Body: []byte("{}"), Sign: func(http.Header) error { return nil }})
		if err == nil && response.Status != http.StatusOK {
			err = fmt.Errorf("status %d", response.Status)
		}
		return err
	}
	deadline := time.Now().Add(timeout)
	until := func(what string, ok func(error) bool) {
		t.Helper()
		for err := send(); !ok(err); err = send() {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	until("no request has arrived", func(err error) bool { return err == nil })   // a slow machine needs more than one
	until("every request over frozen connections arrives", func(err error) bool { // the client may have made a connection that is accepted later
		frozen.Store(accepted.Load())
		return err != nil
	})
	until("no request arrives after one over a dead connection", func(err error) bool { return err == nil })
}
