package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestMain is the NATS server if the test started its binary as one.
func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) != "" {
		if err := serveNATS(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// message returns a message of the relay with one comment at a position.
func message(after int64, number int) string {
	event := fmt.Sprintf(`{"position":%d,"type":"comment.posted.v1","data":{"live":6,"text":%q}}`, after+1, textOf(number))
	return fmt.Sprintf(`{"format":1,"number":%d,"after":%d,"after_id":"x","checkpoint":%d,"tables":%d,"events":[%s]}`,
		after, after, after+1, after, event)
}

// TestEdges sends messages to emulated edges over a real NATS server.
func TestEdges(t *testing.T) {
	s, err := startNATS()
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	relay, err := nats.Connect("nats://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	all := subjects("store")
	announced, err := relay.SubscribeSync(all[1])
	if err == nil {
		err = relay.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	known := new(batches)
	var count atomic.Int64
	const edges, comments = 3, 200
	ended := make(chan error, edges)
	var running []*edge
	for i := range edges {
		conn, r, err := dialNATS(s.addr, fmt.Sprint("edge-", i), all...)
		if err != nil {
			t.Fatal(err)
		}
		e := &edge{conn: conn, name: fmt.Sprint("edge-", i), batches: known, viewers: 10, at: -1, count: &count}
		running = append(running, e)
		go func() { ended <- e.run(ctx, r, all[1], time.Second) }()
	}
	names := map[string]bool{}
	for len(names) < edges {
		m, err := announced.NextMsg(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		names[string(m.Data)] = true
	}
	for number := range comments {
		m := nats.NewMsg(all[0])
		m.Header.Set("Signature", "abc")
		m.Data = []byte(message(int64(number), number))
		if number == comments/2 { // a message that is larger than the buffer of a connection
			m.Data = append(m.Data, bytes.Repeat([]byte(" "), 40<<10)...)
		}
		if number == comments-1 { // the message before it is missing
			m.Data = []byte(message(int64(number)+5, number))
		}
		if err := relay.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for count.Load() < edges*comments {
		select {
		case err := <-ended:
			t.Fatalf("an edge has ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	for range running {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	for _, e := range running {
		if e.holes != 1 || e.pushes != comments*10 || e.messages != comments || len(e.received) != comments {
			t.Errorf("%s: %d holes, %d pushes, %d messages, %d comments", e.name, e.holes, e.pushes, e.messages, len(e.received))
		}
		for i, a := range e.received {
			if a.number != i {
				t.Fatalf("%s: comment %d is number %d", e.name, i, a.number)
			}
		}
	}
	if sent, err := s.sent(); err != nil || sent.messages < edges*comments || sent.bytes < edges*comments*100 {
		t.Errorf("NATS sent %v, %v", sent, err)
	}
	if own, err := cpuOf(s.cmd.Process.Pid); err != nil || own <= 0 {
		t.Errorf("the CPU time of NATS is %g, %v", own, err)
	}
}

func TestParseHead(t *testing.T) {
	for line, want := range map[string]head{
		"MSG a.b 3 11\r\n":              {[]byte("a.b"), 3, 0, 11},
		"MSG a.b 3 _INBOX.x 11\r\n":     {[]byte("a.b"), 3, 0, 11},
		"HMSG a.b 3 20 31\r\n":          {[]byte("a.b"), 3, 20, 31},
		"HMSG a.b 3 _INBOX.x 20 31\r\n": {[]byte("a.b"), 3, 20, 31},
	} {
		got, is, err := parseHead([]byte(line))
		if err != nil || !is || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, %v", line, got, is, err)
		}
	}
	for _, bad := range []string{"MSG a.b 3\r\n", "MSG a.b x 11\r\n", "HMSG a.b 3 31 20\r\n", "HMSG a.b 3 31\r\n", "MSG a b c d e\r\n"} {
		if got, is, err := parseHead([]byte(bad)); is || err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
	if _, is, err := parseHead([]byte("PING\r\n")); is || err != nil {
		t.Errorf("PING: %v, %v", is, err)
	}
}

func TestReadMessageEndsWithTheServer(t *testing.T) {
	for _, text := range []string{"", "-ERR 'Slow Consumer'\r\n", "MSG a 1 5\r\nab"} {
		var buffer []byte
		if _, _, _, err := readMessage(io.Discard, bufio.NewReader(strings.NewReader(text)), &buffer); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go func() { _, _ = io.WriteString(server, "PING\r\n") }()
	go func() {
		var buffer []byte
		_, _, _, _ = readMessage(client, bufio.NewReader(client), &buffer)
	}()
	if line, err := bufio.NewReader(server).ReadString('\n'); err != nil || line != "PONG\r\n" {
		t.Errorf("the reply to PING is %q, %v", line, err)
	}
}

func TestBatches(t *testing.T) {
	d := new(batches)
	first, err := d.decode([]byte(message(5, 0)))
	if err != nil || first.After != 5 || first.Checkpoint != 6 || len(first.comments) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := d.decode([]byte(message(5, 0))); err != nil || again != first {
		t.Errorf("the same bytes were decoded twice: %v", err)
	}
	if other, err := d.decode([]byte(message(6, 1))); err != nil || other.comments[0] != 1 {
		t.Errorf("%+v, %v", other, err)
	}
	if _, err := d.decode([]byte("{")); err == nil {
		t.Error("accepted half a message")
	}
	if _, ok := numberOf("another text"); ok {
		t.Error("another text has a number")
	}
}
