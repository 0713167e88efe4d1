package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"roomlog/media"
)

// FuzzHTTP sends random bytes of a player to the HTTP server, including WebSocket frames. When the player stops
// sending, the connection must end and leave nothing behind.
func FuzzHTTP(f *testing.F) {
	h := run(f, func(c *media.Config) {
		c.Log = quiet()
		c.HLS.IdleTimeout = 50 * time.Millisecond
		c.Authorizer = testAuthorizer{
			connect: func(media.ConnectRequest) error { return nil },
			publish: func(media.PublishRequest) error { return nil },
			play:    func(media.PlayRequest) error { return nil },
		}
	})
	h.publish(f, "KEY").begin(0)
	get := func(target, more string) []byte {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, more)
	}
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n"
	f.Add(get("/live/KEY.flv", ""))
	f.Add(append(get("/live/KEY.flv", upgrade), 0x89, 0x80, 0, 0, 0, 0, 0x88, 0x82, 0, 0, 0, 0, 3, 232))
	f.Add(append(get("/live/KEY.flv?sign=1-a", upgrade), 0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0))
	f.Add(append(get("/live/KEY.flv", upgrade), 0x02, 0x80, 0, 0, 0, 0, 0x00, 0x80, 0, 0, 0, 0, 0x81, 0x80))
	f.Add(get("/live/KEY/index.m3u8", ""))
	f.Add(get("/live/KEY/main_stream.m3u8?session=x&_HLS_msn=18446744073709551615&_HLS_part=-1", ""))
	f.Add(get("/live/KEY/../%2e%2e/gap.mp4?broadcast=%zz;", "Range: bytes=-1\r\n"))
	f.Add([]byte("OPTIONS /live/%zz.flv HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Headers: a\r\n\r\nPOST /live/KEY.flv HTTP/1.0\r\nContent-Length: 9\r\n\r\n"))
	f.Add([]byte("\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		conn, err := net.Dial("tcp", h.http)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			_, _ = conn.Write(b)
			_ = conn.(*net.TCPConn).CloseWrite()
		}()
		_ = conn.SetReadDeadline(time.Now().Add(timeout))
		sent, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the connection is open after %q", sent)
		}
		if bytes.Contains(sent, []byte(" 500 Internal")) {
			t.Fatalf("internal error: %q", sent)
		}
		eventually(t, "no other connections are open", func() bool { // the publisher's connection is not counted
			shot := h.Snapshot()
			return shot.Connections == 1 && shot.Players == 0
		})
	})
}
