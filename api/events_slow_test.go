package api_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
)

// comments posts n comments concurrently.
func (a account) comments(live domain.LiveID, n int) {
	a.Helper()
	session, err := a.queries.Session(a.Context(), a.ID)
	if err != nil {
		a.Fatal(err)
	}
	text := strings.Repeat("评论", 100)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range n / 64 {
				_, err := a.sequencer.Execute(a.Context(), domain.Request{Actor: domain.AuthenticatedActor(a.ID, session), Command: domain.PostComment{Live: live, Text: text}})
				if err != nil && !errors.Is(err, eventstore.ErrBusy) {
					a.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// startWithComments starts an API with a long log. It returns an account that reads all
// fields.
func startWithComments(t *testing.T, change func(*api.Config)) account {
	t.Helper()
	a := startAPI(t, change).account("alice").grant(domain.RoleAnalyst).grant(domain.RolePersonal)
	a.comments(a.onAir("show"), 1024)
	return a
}

// openEventStream opens a replay on a raw connection, from which the test may read.
func (a account) openEventStream() net.Conn {
	a.Helper()
	conn, err := (&net.Dialer{}).DialContext(a.Context(), "tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /api/events?follow=true HTTP/1.1\r\nHost: x\r\ntoken: %s\r\n\r\n", a.Token)
	return conn
}

// TestEventStreamOfStalledReaderIsCutOff checks the write timeout. The reader can continue from the lines that it has
// received, because they contain cursors.
func TestEventStreamOfStalledReaderIsCutOff(t *testing.T) {
	t.Parallel()
	a := startWithComments(t, func(c *api.Config) {
		c.SlowEventReader, c.EventWriteTimeout = 50*time.Millisecond, 300*time.Millisecond
	})
	a.openEventStream() // the test never reads from the connection
	a.waitForEndOfStream()
}

// waitForEndOfStream waits until the request of a replay has ended, which is then logged.
func (a account) waitForEndOfStream() {
	a.Helper()
	a.eventually(func() error {
		if !strings.Contains(a.log.String(), "path=/api/events ") {
			return errors.New("the stream is open")
		}
		return nil
	})
}

// TestReplayOfAStalledReaderEndsWhenTheRightIsLost checks that a reader without the right to read cannot keep a stream
// open by reading nothing.
func TestReplayOfAStalledReaderEndsWhenTheRightIsLost(t *testing.T) {
	t.Parallel()
	a := startWithComments(t, func(c *api.Config) {
		c.SlowEventReader, c.EventWriteTimeout = 24*time.Hour, 24*time.Hour
	})
	a.openEventStream() // the test never reads from the connection
	a.operator(domain.RevokeRole{User: a.ID, Role: domain.RoleAnalyst})
	a.waitForEndOfStream()
}

// TestEventStreamOfSlowReaderEndsWithACursor uses a clock that advances with every write, so that every chunk seems slow.
func TestEventStreamOfSlowReaderEndsWithACursor(t *testing.T) {
	t.Parallel()
	a := startWithComments(t, func(c *api.Config) {
		var readings atomic.Int64
		start := time.Now()
		c.Now = func() time.Time { return start.Add(time.Duration(readings.Add(1)) * time.Second) }
		c.SlowEventReader = 500 * time.Millisecond
		c.EventHeartbeat = 24 * time.Hour
	})
	conn := a.openEventStream()
	conn.SetReadDeadline(time.Now().Add(testTimeout))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%v after %d bytes", err, len(raw))
	}
	got := lines(t, string(raw))
	last, before := got[len(got)-1], got[len(got)-2]
	if last.End != "slow" || last.Cursor != before.Cursor {
		t.Fatalf(`the last line is %+v, want End "slow", Cursor %v`, last, before.Cursor)
	}
	for i, l := range got[:len(got)-1] {
		if l.Position != int64(i+1) {
			t.Fatalf("line %d is position %d", i, l.Position)
		}
	}
	head, err := a.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events := len(got) - 1
	for last.End == "slow" {
		rest := a.replay("?after=" + last.Cursor)
		last = rest[len(rest)-1]
		events += len(rest) - 1
	}
	if int64(events) != head {
		t.Fatalf("%d lines for %d events", events, head)
	}
}
