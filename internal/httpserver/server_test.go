package httpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/internal/waittest"
)

// timeout bounds every wait of a test.
const timeout = 3 * time.Minute

// server is a server on a real port.
type server struct {
	*testing.T
	addr  string
	slots *limit.Slots
}

// serve starts a server whose clients must make progress within stall.
func serve(t *testing.T, stall time.Duration, slots *limit.Slots, handler http.HandlerFunc) *server {
	t.Helper()
	return serveOn(t, listen(t), stall, slots, handler)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveOn does the same as serve, with a listener.
func serveOn(t *testing.T, listener net.Listener, stall time.Duration, slots *limit.Slots, handler http.HandlerFunc) *server {
	t.Helper()
	s := httpserver.New(httpserver.Config{
		Timeouts: httpserver.Timeouts{StallTimeout: stall, HeaderTimeout: timeout, SendBuffer: 4096},
		Handler:  handler, Slots: slots, Now: time.Now, ErrorLog: log.New(io.Discard, "", 0),
	})
	s.Protocols = protocols()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(listener)
	}()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return &server{t, listener.Addr().String(), slots}
}

// protocols returns HTTP/1.1 and HTTP/2, both without TLS.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// do2 sends a request over HTTP/2. It returns the body of the response, or the text of the error.
func (s *server) do2(method string, body io.Reader) string {
	s.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(s.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.addr, body)
	if err != nil {
		s.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		s.Errorf("the response came over %s", response.Proto)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(got)
}

// dial opens a connection and sends text over it.
func (s *server) dial(text string) *net.TCPConn {
	s.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := io.WriteString(conn, text); err != nil {
		s.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// freed waits until all slots are free.
func (s *server) freed() {
	s.Helper()
	for until := time.Now().Add(timeout); s.slots.Count() > 0; <-time.After(time.Millisecond) {
		if time.Now().After(until) {
			s.Fatalf("%d slots are still taken", s.slots.Count())
		}
	}
}

func slots() *limit.Slots { return limit.NewSlots(100, 0, nil) }

const (
	stalledBody = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
	stalledGet  = "GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
	chunkedBody = "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"
)

func TestStalledBody(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"that no handler reads": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") },
		"that the handler reads": func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err == nil {
				t.Error("the body was read")
			}
			w.WriteHeader(http.StatusRequestTimeout)
		},
		"that the handler reads without a deadline of its own": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			_, _ = io.ReadAll(r.Body)
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		},
		"of a handler that sends much": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<10))
			_ = http.NewResponseController(w).Flush()
		},
	}
	for name, handler := range handlers {
		for _, request := range []string{stalledBody, stalledGet, chunkedBody} {
			t.Run("ends the connection: "+name+", "+strings.Fields(request)[0], func(t *testing.T) {
				t.Parallel()
				s := serve(t, 50*time.Millisecond, slots(), handler)
				conn := s.dial(fmt.Sprintf(request, "/any"))
				if _, err := io.ReadAll(conn); err != nil {
					t.Fatalf("the connection was not closed: %v", err)
				}
				s.freed()
			})
		}
	}
	t.Run("that trickles is ended by its average rate", func(t *testing.T) {
		t.Parallel()
		received := make(chan error, 1)
		s := serve(t, 500*time.Millisecond, slots(), func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			received <- err
		})
		const size = 200 // Each byte of the body takes 10 ms or more, and may take 1 ms on average after the first 500 ms.
		conn := s.dial(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
		for range size {
			if _, err := conn.Write([]byte("x")); err != nil {
				break
			}
			<-time.After(10 * time.Millisecond) // time passes: the body is too slow, and slower on a slow machine
		}
		if err := waittest.Receive(t, received, "the body"); err == nil {
			t.Fatal("a body slower than the average rate was received")
		}
		_ = conn.Close()
		s.freed()
	})
}

// TestUnreadBody checks that a response does not wait for a body that its handler does not read.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"a status":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"a body":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") },
		"a flush":     func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"early hints": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
	} {
		for _, request := range []string{stalledBody, chunkedBody} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, 10*timeout, slots(), handler)
				reader := bufio.NewReader(s.dial(fmt.Sprintf(request, "/any")))
				response, err := http.ReadResponse(reader, nil)
				if err == nil && response.StatusCode == http.StatusEarlyHints {
					response, err = http.ReadResponse(reader, nil)
				}
				if err != nil || !response.Close {
					t.Errorf("got %+v, %v, want a response and the end of the connection", response, err)
				}
			})
		}
	}
}

// patiently calls attempt with the stall timeout stall, and with longer ones until attempt returns want. With a short
// timeout, even a correct client may stall on a slow machine.
func patiently(t *testing.T, stall time.Duration, want string, attempt func(stall time.Duration) string) {
	t.Helper()
	var got string
	for ; stall < timeout; stall *= 4 {
		if got = attempt(stall); got == want {
			return
		}
	}
	t.Errorf("got %q, want %q", got, want)
}

func TestBodyThatMakesProgress(t *testing.T) {
	t.Parallel()
	count := func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %v", n, err)
	}
	post := func(stall time.Duration) (got string) {
		s := serve(t, stall, slots(), count)
		conn := s.dial("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10240\r\n\r\n")
		for range 10 { // This takes twice the stall timeout.
			if _, err := conn.Write(make([]byte, 1024)); err != nil {
				return err.Error()
			}
			<-time.After(stall / 5) // time passes: patiently repeats the test if it was too much
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return string(text)
	}
	post2 := func(stall time.Duration) (got string) {
		body, feed := io.Pipe()
		defer body.Close()
		go func() {
			defer feed.Close()
			for range 10 { // This takes twice the stall timeout.
				if _, err := feed.Write(make([]byte, 1024)); err != nil {
					return
				}
				<-time.After(stall / 5) // time passes: patiently repeats the test if it was too much
			}
		}()
		return serve(t, stall, slots(), count).do2(http.MethodPost, body)
	}
	t.Run("over HTTP/1.1", func(t *testing.T) { t.Parallel(); patiently(t, time.Second, "10240 <nil>", post) })
	t.Run("over HTTP/2", func(t *testing.T) { t.Parallel(); patiently(t, time.Second, "10240 <nil>", post2) })
}

func TestStalledReader(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"one large write": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 32<<20)) },
		"a file":          func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, large) },
		"a reader": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x", time.Time{}, bytes.NewReader(make([]byte, 32<<20)))
		},
		"a handler without a deadline": func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			_, _ = w.Write(make([]byte, 32<<20))
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		},
	} {
		t.Run("is disconnected: "+name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, 100*time.Millisecond, slots(), handler)
			s.dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			for until := time.Now().Add(timeout); s.slots.Count() == 0 && time.Now().Before(until); <-time.After(time.Millisecond) {
			}
			s.freed()
		})
	}
	t.Run("is disconnected when it sends requests and reads no response", func(t *testing.T) {
		t.Parallel()
		s := serve(t, 100*time.Millisecond, slots(), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) })
		conn := s.dial("")
		pipelined := strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
		for _, err := io.WriteString(conn, pipelined); err == nil; _, err = io.WriteString(conn, pipelined) {
		}
		s.freed()
	})
}

func TestResponseThatMakesProgress(t *testing.T) {
	t.Parallel()
	t.Run("is not cut over HTTP/2 when the handler waits longer than the stall timeout", func(t *testing.T) {
		t.Parallel()
		patiently(t, 50*time.Millisecond, "xxx", func(stall time.Duration) string {
			return serve(t, stall, slots(), func(w http.ResponseWriter, r *http.Request) {
				for range 3 {
					_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * stall)) // for the next part only
					_, _ = io.WriteString(w, "x")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-r.Context().Done(): // The stream was reset.
						return
					case <-time.After(3 * stall):
					}
				}
			}).do2(http.MethodGet, nil)
		})
	})
	t.Run("is cut over HTTP/2 by the deadline of the handler", func(t *testing.T) {
		t.Parallel()
		got := serve(t, timeout, slots(), func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
			_, _ = io.WriteString(w, "late")
			_ = http.NewResponseController(w).Flush()
		}).do2(http.MethodGet, nil)
		if !strings.Contains(got, "INTERNAL_ERROR") {
			t.Errorf("got %q, want a stream that was reset", got)
		}
	})
	t.Run("is complete", func(t *testing.T) {
		t.Parallel()
		content := make([]byte, 1<<20)
		for i := range content {
			content[i] = byte(i * i >> 8)
		}
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := serve(t, timeout, slots(), func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
		for _, part := range []struct{ header, want string }{
			{"bytes=0-", string(content)}, {"bytes=5-70004", string(content[5:70005])}, {"bytes=-3", string(content[len(content)-3:])},
		} {
			r, _ := http.NewRequest(http.MethodGet, "http://"+s.addr, nil)
			r.Header.Set("Range", part.header)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || string(got) != part.want {
				t.Fatalf("%s: got %d bytes, %v", part.header, len(got), err)
			}
		}
	})
	t.Run("is not cut when the handler waits longer than the stall timeout between two parts", func(t *testing.T) {
		t.Parallel()
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
			"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
		} {
			patiently(t, 50*time.Millisecond, "xxx", func(stall time.Duration) string {
				s := serve(t, stall, slots(), func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadAll(r.Body)
					for range 3 {
						_, _ = io.WriteString(w, "x")
						_ = http.NewResponseController(w).Flush()
						select {
						case <-r.Context().Done(): // The deadline of the body has ended the request.
							return
						case <-time.After(3 * stall):
						}
					}
				})
				response, err := http.ReadResponse(bufio.NewReader(s.dial(request)), nil)
				if err != nil {
					return err.Error()
				}
				defer response.Body.Close()
				got, err := io.ReadAll(response.Body)
				if err != nil {
					return err.Error()
				}
				return string(got)
			})
		}
	})
}

func TestEviction(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	entered := make(chan struct{}, 1)
	s := serve(t, timeout, limit.NewSlots(5, 0, nil), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if r.URL.Path == "/hold" {
			entered <- struct{}{}
			<-hold
		}
		_, _ = io.WriteString(w, "ok")
	})
	held := s.dial("GET /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	waittest.Receive(t, entered, "the request")
	for range 10 { // None of the requests ever gets its body.
		s.dial(fmt.Sprintf(stalledBody, "/"))
		s.dial("GET / HT")
		s.dial("")
		response, err := http.ReadResponse(bufio.NewReader(s.dial("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("a client beside held connections: %v, want response.StatusCode %v", err, http.StatusOK)
		}
		_ = response.Body.Close()
	}
	close(hold)
	response, err := http.ReadResponse(bufio.NewReader(held), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the request under way was evicted: %v, want response.StatusCode %v", err, http.StatusOK)
	}
	_ = response.Body.Close()
}

// unread is a listener whose connections wait in Close until they are released, like TLS connections whose clients do not
// read close_notify.
type unread struct {
	net.Listener
	release <-chan struct{}
}

func (l unread) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return unreadConn{conn, l.release}, err
}

type unreadConn struct {
	net.Conn
	release <-chan struct{}
}

func (c unreadConn) NetConn() net.Conn { return c.Conn }

func (c unreadConn) Close() error {
	<-c.release
	return c.Conn.Close()
}

// TestEvictionDoesNotWait checks that an evicted client that reads nothing does not keep the server from accepting others.
func TestEvictionDoesNotWait(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := serveOn(t, unread{listen(t), release}, timeout, limit.NewSlots(1, 0, nil), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	t.Cleanup(func() { close(release) })
	s.dial("")
	response, err := http.ReadResponse(bufio.NewReader(s.dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("a client whose slot was taken from another: %v", err)
	}
	_ = response.Body.Close()
}

func TestEvictionSparesProgress(t *testing.T) {
	t.Parallel()
	idle := func(t *testing.T, s *server) *net.TCPConn { // idle takes the last two slots and returns the connection that waits longer.
		t.Helper()
		conn := s.dial("")
		s.dial("") // The server accepts this connection when the first one waits.
		for until := time.Now().Add(timeout); s.slots.Count() < 3; <-time.After(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("the connections have no slots")
			}
		}
		return conn
	}
	evicted := func(t *testing.T, conn *net.TCPConn) {
		t.Helper()
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatalf("the idle connection was not evicted: %v", err)
		}
	}
	get := "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	t.Run("of a body", func(t *testing.T) {
		t.Parallel()
		received := make(chan struct{})
		s := serve(t, timeout, limit.NewSlots(3, 0, nil), func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				b := make([]byte, 1)
				for range 2 {
					if _, err := io.ReadFull(r.Body, b); err != nil {
						return
					}
					received <- struct{}{}
				}
				_, _ = io.ReadAll(r.Body)
			}
			_, _ = io.WriteString(w, "ok")
		})
		conn := s.dial("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\na")
		waittest.Receive(t, received, "the body")
		younger := idle(t, s)
		_, _ = io.WriteString(conn, "b")
		waittest.Receive(t, received, "the body")
		s.dial(get)
		evicted(t, younger)
		_, _ = io.WriteString(conn, "c")
		if response, err := io.ReadAll(conn); err != nil || !strings.Contains(string(response), "200 OK") {
			t.Fatalf("the body that made progress was not received: %q, %v", response, err)
		}
	})
	t.Run("of a response", func(t *testing.T) {
		t.Parallel()
		const size = 8 << 20
		s := serve(t, timeout, limit.NewSlots(3, 0, nil), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/large" {
				_, _ = w.Write(make([]byte, size))
			}
		})
		conn := s.dial("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		_ = conn.SetReadBuffer(64 << 10)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		younger := idle(t, s)
		if _, err := io.CopyN(io.Discard, response.Body, size*3/4); err != nil {
			t.Fatal(err)
		}
		s.dial(get)
		evicted(t, younger)
		if _, err := io.CopyN(io.Discard, response.Body, size/4); err != nil {
			t.Fatalf("the response that made progress was cut: %v", err)
		}
	})
}

func TestHijackedConnection(t *testing.T) {
	t.Parallel()
	const stall = 50 * time.Millisecond
	s := serve(t, stall, slots(), func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer conn.Close()
			<-time.After(3 * stall) // time passes: no deadline of the request may be left
			_, _ = io.WriteString(conn, "alive")
			_, _ = io.Copy(conn, conn)
		}()
	})
	conn := s.dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	alive := make([]byte, 5)
	if _, err := io.ReadFull(conn, alive); err != nil || string(alive) != "alive" {
		t.Fatalf("got %q, %v", alive, err)
	}
	s.freed()
}

// client2 returns a client whose requests use one connection over HTTP/2.
func client2(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: timeout}
}

// status returns the status of a response, or the text of the error.
func (s *server) status(client *http.Client, path string) string {
	response, err := client.Get("http://" + s.addr + path)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.Status
}

const statusOK = "200 OK"

// TestRequestsOverHTTP2 checks that requests over HTTP/2 that run at the same time need slots like connections.
func TestRequestsOverHTTP2(t *testing.T) {
	t.Parallel()
	type running struct {
		*server
		entered, hold chan struct{}
	}
	run := func(t *testing.T, slots *limit.Slots) running {
		t.Helper()
		r := running{entered: make(chan struct{}, 100), hold: make(chan struct{})}
		r.server = serve(t, timeout, slots, func(w http.ResponseWriter, r2 *http.Request) {
			switch r2.URL.Path {
			case "/detached":
				limit.Detach(r2.Context())
			case "/waits":
				defer limit.Pause(r2.Context())()
			case "/busy":
			default:
				return
			}
			r.entered <- struct{}{}
			select {
			case <-r.hold:
			case <-r2.Context().Done():
			}
		})
		t.Cleanup(func() { close(r.hold) })
		return r
	}
	begin := func(s running, client *http.Client, path string) chan string {
		ended := make(chan string, 1)
		go func() { ended <- s.status(client, path) }()
		waittest.Receive(t, s.entered, "the request")
		return ended
	}
	t.Run("are refused without a slot", func(t *testing.T) {
		t.Parallel()
		for want, slots := range map[string]*limit.Slots{"429 Too Many Requests": limit.NewSlots(10, 2, nil), "503 Service Unavailable": limit.NewSlots(2, 0, nil)} {
			s, client := run(t, slots), client2(t)
			begin(s, client, "/busy")
			begin(s, client, "/busy")
			if got := s.status(client, "/"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
	t.Run("give way to others of their connection when they wait", func(t *testing.T) {
		t.Parallel()
		s, client := run(t, limit.NewSlots(10, 2, nil)), client2(t)
		begin(s, client, "/busy")
		waiting := begin(s, client, "/waits")
		if got := s.status(client, "/"); got != statusOK {
			t.Errorf("got %s, want the slot of the request that waits", got)
		}
		if got := waittest.Receive(t, waiting, "the end of the request that waits"); !strings.Contains(got, "stream error") {
			t.Errorf("got %s, want a stream that was reset", got)
		}
	})
	t.Run("end with their connection when all wait", func(t *testing.T) {
		t.Parallel()
		s := run(t, limit.NewSlots(2, 0, nil))
		first, second := begin(s, client2(t), "/waits"), begin(s, client2(t), "/waits")
		for range 3 {
			if got := s.status(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "/"); got != statusOK {
				t.Errorf("got %s beside requests that wait", got)
			}
		}
		select {
		case <-first:
		case <-second:
		}
	})
	t.Run("need no slot after the handler has taken another", func(t *testing.T) {
		t.Parallel()
		s, client := run(t, limit.NewSlots(1, 0, nil)), client2(t)
		for range 3 {
			begin(s, client, "/detached")
		}
		if n := s.slots.Count(); n != 0 {
			t.Errorf("%d slots are taken, want 0", n)
		}
		if got := s.status(client, "/"); got != statusOK {
			t.Errorf("got %s", got)
		}
		client.CloseIdleConnections()
	})
	t.Run("of one connection are limited", func(t *testing.T) {
		t.Parallel()
		s, client := run(t, slots()), client2(t)
		for range 32 {
			begin(s, client, "/busy")
		}
		begin(s, client, "/busy") // The transport opens another connection for it.
		if n := s.slots.Count(); n != 33 {
			t.Errorf("%d slots are taken, want 33", n)
		}
	})
	t.Run("leave one slot to their connection, and none after it", func(t *testing.T) {
		t.Parallel()
		s, client := run(t, slots()), client2(t)
		for range 5 {
			if got := s.status(client, "/"); got != statusOK {
				t.Errorf("got %s", got)
			}
		}
		client.CloseIdleConnections()
		s.freed()
	})
}

// TestPause checks that a request over HTTP/1.1 whose handler waits gives way, and that it ends then.
func TestPause(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, timeout, limit.NewSlots(1, 0, nil), func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			return
		}
		limit.Pause(r.Context())() // A pause that has ended has no effect.
		defer limit.Pause(r.Context())()
		entered <- struct{}{}
		<-r.Context().Done()
		close(ended)
	})
	s.dial("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n")
	waittest.Receive(t, entered, "the request")
	if got := s.status(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "/"); got != statusOK {
		t.Errorf("got %s beside a request that waits", got)
	}
	waittest.Receive(t, ended, "the end of the request")
	s.freed()
}

// accepted is a listener that passes on each connection that it has accepted.
type accepted struct {
	net.Listener
	conns chan *net.TCPConn
}

func (l accepted) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.conns <- conn.(*net.TCPConn)
	}
	return conn, err
}

// TestSendBuffer checks how much the kernel keeps for a client that does not read: at most twice the setting.
func TestSendBuffer(t *testing.T) {
	listener := accepted{listen(t), make(chan *net.TCPConn, 1)}
	s := serveOn(t, listener, timeout, slots(), func(http.ResponseWriter, *http.Request) {})
	client := s.dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
		t.Fatal(err)
	}
	raw, err := (<-listener.conns).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	if controlErr := raw.Control(func(fd uintptr) { size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) }); controlErr != nil {
		t.Fatal(controlErr)
	}
	if err != nil || size > 2*4096 {
		t.Errorf("the kernel buffers %d bytes (%v), want at most %d", size, err, 2*4096)
	}
}
