package protocol_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// backlogLine contains the output of the program backlog.js.
type backlogLine struct {
	Event, Text string
	Number      int
	Digests     []string
}

// TestMegabyteWaitsForAnOfficialClient stops the official client of version 2 while it polls, until more than a megabyte
// of texts and attachments waits for it. It must receive all of them in order, even if it upgrades to WebSocket meanwhile.
func TestMegabyteWaitsForAnOfficialClient(t *testing.T) {
	t.Parallel()
	connected := make(chan *protocol.Socket, 2)
	h := serve(t, func(cfg *protocol.Config) {
		cfg.Engine.PingTimeout = time.Hour // the client sends no pings while it is stopped
		converse := cfg.Namespaces[0].Connected
		cfg.Namespaces[0].Connected = func(k *protocol.Socket) { converse(k); connected <- k }
	})
	texts := []string{"plain ", "é ", "你好 ", "😀👨‍👩‍👧‍👦 ", "\u2028\u0000\"\\ ", "1:2"}
	for _, mode := range []string{"poll", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			p := siotest.StartNode[backlogLine](t, "../testdata/clients", "backlog.js", strings.TrimSuffix(h.base, "/socket.io/"), fifo, mode)
			k := wstest.Receive(t, connected, "the connection")
			resume := opened(t, fifo)
			var want [][]string
			for size := 0; size < 1_300_000; {
				number := len(want)
				text := strings.Repeat(texts[number%len(texts)], 100+number%50)
				values, digests := []any{number, text}, []string{digest([]byte(text))}
				if number%7 == 0 {
					attachment := slices.Repeat([]byte{0, 255, byte(number), '4', 0x1e, ':'}, 100)
					values, digests = append(values, protocol.Binary(attachment)), append(digests, digest(attachment))
					size += len(attachment)
				}
				size += len(text)
				want = append(want, digests)
				k.Emit("waiting", values...)
			}
			if queued := h.Engine().Stats().QueuedBytes.Load(); queued < 1<<20 {
				t.Errorf("%d bytes wait, want at least 1 MiB", queued)
			}
			if err := resume.Close(); err != nil {
				t.Fatal(err)
			}
			upgraded := mode == "poll"
			for next := 0; next < len(want) || !upgraded; {
				switch line := p.Next(); {
				case line.Event == "upgrade" && line.Text == "websocket":
					upgraded = true
				case line.Event != "waiting":
					t.Fatalf("after %d of %d events, the client reports %+v", next, len(want), line)
				case line.Number != next || !slices.Equal(line.Digests, want[next]):
					t.Fatalf("event %d arrived instead of event %d, or was changed", line.Number, next)
				default:
					next++
				}
			}
			p.Send("still here 😀")
			if line := p.Next(); line.Event != "message-back" || line.Text != "still here 😀" {
				t.Errorf("the client reports %+v", line)
			}
			if k.Session().Upgraded() != (mode == "upgrade") {
				t.Errorf("upgraded is %v", k.Session().Upgraded())
			}
		})
	}
}

// opened opens a FIFO for writing. It waits until the other process reads from the FIFO.
func opened(t *testing.T, fifo string) *os.File {
	t.Helper()
	files := make(chan *os.File, 1)
	go func() {
		if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil {
			files <- f
		}
	}()
	return wstest.Receive(t, files, "the reader of the FIFO")
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
