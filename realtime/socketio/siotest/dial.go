package siotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Dial opens an Engine.IO session at a URL such as "http://127.0.0.1:7001/socket.io/". It fails the test if the server
// refuses.
func Dial(t testing.TB, base string, o Options) *Client {
	t.Helper()
	c, err := Try(t, base, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Try opens an Engine.IO session like Dial, but returns an error if the server refuses.
func Try(t testing.TB, base string, o Options) (*Client, error) {
	if o.Version == 0 {
		o.Version = 4
	}
	c := &Client{TB: t, base: base, options: o, Namespace: o.Namespace, packets: make(chan Packet, 100_000), closed: make(chan struct{}), stopped: make(chan struct{}), cut: make(chan struct{})}
	if o.Polling {
		status, body := c.Do(http.MethodGet, c.address(""), "", nil)
		if status != http.StatusOK {
			return nil, fmt.Errorf("%d %s", status, body)
		}
		c.polling = true
		for _, p := range c.split(body) {
			c.take(p)
		}
	} else if err := c.dialSocket(""); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		c.Cut()
		c.pings.Wait()
	})
	var opening struct {
		SID          string
		Upgrades     []string
		PingInterval int64 // in milliseconds
	}
	open := c.Next()
	if !strings.HasPrefix(open.Text, "0") || json.Unmarshal([]byte(open.Text[1:]), &opening) != nil || opening.SID == "" {
		return nil, fmt.Errorf("opened with %q", open.Text)
	}
	c.sid, c.Upgrades = opening.SID, len(opening.Upgrades)
	if o.Polling {
		go c.loop()
	} else {
		close(c.stopped)
	}
	if interval := time.Duration(opening.PingInterval) * time.Millisecond; o.Version == 3 && !o.Mute && interval > 0 {
		c.pings.Go(func() { c.ping(interval) })
	}
	return c, nil
}
