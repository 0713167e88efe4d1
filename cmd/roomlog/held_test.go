package main_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
)

// port returns the address in the log line that begins with a message.
func (p *process) port(message string) string {
	p.t.Helper()
	found := regexp.MustCompile(`msg="` + message + `" address=(\S+)`).FindStringSubmatch(p.output())
	if found == nil {
		p.t.Fatalf("no line %q in the log", message)
	}
	return found[1]
}

// heldRequests contains requests that never become complete.
var heldRequests = map[string]string{
	"nothing":           "",
	"half a header":     "POST %s HTTP/1.1\r\nHost: x\r\nContent-Le",
	"one byte of nine":  "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
	"a GET with a body": "GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
	"half a chunk":      "PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
	"an upload without an end": "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nGIF89a",
	"an upgrade with a body": "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\nContent-Length: 9\r\n\r\n{",
}

// TestHeldConnections sends incomplete requests to every port and path. The server must close each connection.
func TestHeldConnections(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	cert, key := selfSigned(t, t.TempDir())
	p := serve(t, append([]string{"DATABASE_URL=" + db.DSN}, sharedSecrets...), "--data", dataDir(t), "--pprof-addr", "127.0.0.1:0",
		"--https-addr", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--media-internal-addr", "127.0.0.1:0",
		"--stall-timeout", "1s", "--header-timeout", "1s", "--idle-timeout", "1s", "--body-timeout", "10m", "--upload-timeout", "1h")
	var conns sync.WaitGroup
	dialer := net.Dialer{Timeout: timeout}
	holdOver := func(dial func() (net.Conn, error), text string) {
		conns.Go(func() {
			conn, err := dial()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(timeout))
			_, _ = io.WriteString(conn, text)
			if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("the server holds the connection of %.60q for %v", text, timeout)
			}
		})
	}
	hold := func(addr, text string) {
		holdOver(func() (net.Conn, error) { return dialer.Dial("tcp", addr) }, text)
	}
	ports := map[string][]string{
		p.addr: {"/", "/api/reg", "/api/login", "/api/upload", "/api/gift/notify", "/api/gift/list", "/api/live/create", "/api/live/list/1",
			"/api/events", "/login", "/createRoom", "/getAllRooms", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/uploads/x.png",
			"/recordings/a/b/c", "/socket.io/socket.io.js", "/socket.io/?EIO=4&transport=polling&sid=x", "/ws/none"},
		p.port("listening for players"): {"/", "/live/KEY.flv", "/live/KEY/index.m3u8", "/recordings/a/b/c"},
		p.port("serving profiles"):      {"/", "/debug/pprof/"},

		p.port("listening for other nodes"): {"/", "/live/KEY.flv"},
	}
	for addr, paths := range ports {
		for _, path := range paths {
			for _, request := range heldRequests {
				if strings.Contains(request, "%s") {
					request = fmt.Sprintf(request, path)
				}
				hold(addr, request)
			}
		}
	}
	secure := p.port("listening for HTTPS")
	hold(secure, "")
	hold(secure, "\x16\x03\x01\x02\x00") // half a ClientHello
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, request := range heldRequests {
			if strings.Contains(request, "%s") {
				request = fmt.Sprintf(request, "/api/login")
			}
			if protocol == "h2" {
				request = strings.Repeat("PRI * HTTP/2.0", min(1, len(request))) // nothing, or half a preface
			}
			holdOver(func() (net.Conn, error) {
				return tls.DialWithDialer(&dialer, "tcp", secure, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
			}, request)
		}
	}
	greeting := "\x03" + strings.Repeat("\x00", 1536)
	for _, text := range []string{"", greeting[:700], greeting, greeting + strings.Repeat("\x00", 1536)} {
		hold(p.port("listening for RTMP"), text)
	}
	conns.Wait()
}

// TestHTTPPortsShareSlots opens more connections to two ports than the process may have.
func TestHTTPPortsShareSlots(t *testing.T) {
	t.Parallel()
	p := &person{t: t, at: serve(t, withDatabase(t), "--data", dataDir(t), "--trusted-proxies", "192.0.2.1",
		"--max-http-connections", "20", "--stall-timeout", "10m", "--header-timeout", "10m", "--idle-timeout", "1h")}
	for host, addr := range []string{p.at.addr, p.at.port("listening for players")} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(host))}}
		for range 15 {
			conn, err := dialer.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	eventually(t, "10 connections are evicted, beside one for the figures", func() bool { return p.metric("roomlog_http_evicted_total") >= 11 })
	if open := p.metric("roomlog_http_connections"); open > 20 {
		t.Errorf("%v connections are open, want at most 20", open)
	}
}

// TestHeldConnectionsRefuseNobody fills all slots with incomplete requests. Other clients are served all the same.
func TestHeldConnectionsRefuseNobody(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := serve(t, append([]string{"DATABASE_URL=" + db.DSN}, sharedSecrets...), "--data", dataDir(t), "--trusted-proxies", "192.0.2.1",
		"--max-http-connections", "20", "--max-connections-per-address", "10", "--stall-timeout", "10m", "--header-timeout", "10m", "--idle-timeout", "1h")
	for addr, path := range map[string]string{p.addr: "/healthz", p.port("listening for players"): "/live/KEY.flv"} {
		for i := range 10 {
			for host := range 5 { // from other addresses than that of the honest client
				dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(host))}}
				for _, request := range heldRequests {
					conn, err := dialer.Dial("tcp", addr)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = conn.Close() })
					if strings.Contains(request, "%s") {
						request = fmt.Sprintf(request, path)
					}
					_, _ = io.WriteString(conn, request)
				}
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: timeout}
			response, err := client.Get("http://" + addr + path)
			if err != nil {
				t.Fatalf("a client beside held connections is refused: %v", err)
			}
			_ = response.Body.Close()
		}
	}
}
