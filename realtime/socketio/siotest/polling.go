package siotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// split returns the packets in the body of the response to a GET request.
func (c *Client) split(payload string) (packets []Packet) {
	if c.options.Version == 4 {
		for part := range strings.SplitSeq(payload, "\x1e") {
			packets = append(packets, Packet{Text: part})
		}
		return packets
	}
	for payload != "" {
		length, rest, _ := strings.Cut(payload, ":")
		n, err := strconv.Atoi(length)
		all := utf16.Encode([]rune(rest))
		if err != nil || n > len(all) {
			c.Errorf("not a payload: %.80q", payload)
			return packets
		}
		packets = append(packets, Packet{Text: unescape(string(utf16.Decode(all[:n])))})
		payload = string(utf16.Decode(all[n:]))
	}
	return packets
}

// loop sends GET requests until the Engine.IO session ends or is upgraded to WebSocket.
func (c *Client) loop() {
	defer close(c.stopped)
	for c.Open() {
		status, body := c.Do(http.MethodGet, c.address(c.sid), "", nil)
		if status != http.StatusOK {
			c.end()
			return
		}
		for _, p := range c.split(body) {
			if p.Text != "6" {
				c.take(p)
			}
		}
		c.mu.Lock()
		polling := c.polling
		c.mu.Unlock()
		if !polling {
			return
		}
	}
}

// Upgrade upgrades the Engine.IO session from polling to WebSocket, with the same packets as the official clients.
func (c *Client) Upgrade() {
	c.Helper()
	c.pinging.Lock() // no ping comes between the packets of the upgrade
	defer c.pinging.Unlock()
	if err := c.dialSocket(c.sid); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	c.polling = false // loop ends after the current GET request
	socket := c.socket
	c.mu.Unlock()
	_ = socket.WriteString("2probe")
	var early []Packet
	for p := c.Next(); p.Text != "3probe"; p = c.Next() {
		early = append(early, p)
	}
	c.early = early
	<-c.stopped
	_ = socket.WriteString("5")
}

// Second opens another WebSocket connection for the same Engine.IO session, as an attacker who knows its id could.
func (c *Client) Second() *Client {
	c.Helper()
	other := &Client{TB: c.TB, base: c.base, options: c.options, sid: c.sid, packets: make(chan Packet, 1000), closed: make(chan struct{})}
	if err := other.dialSocket(c.sid); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(other.Cut)
	return other
}

// Join opens a WebSocket connection for the Engine.IO session with the polling URL polling. It sends no packet.
func Join(t testing.TB, polling string) *Client {
	t.Helper()
	at, err := url.Parse(polling)
	if err != nil {
		t.Fatal(err)
	}
	q := at.Query()
	version, _ := strconv.Atoi(q.Get("EIO"))
	base, _, _ := strings.Cut(polling, "?")
	c := &Client{TB: t, base: base, sid: q.Get("sid"), options: Options{Version: version}}
	return c.Second()
}

var escapes = regexp.MustCompile(`\\\\|(?:\\u[0-9a-f]{4})+`)

// unescape replaces the escapes of characters beyond ASCII in JSON, so that tests compare the same texts over all transports.
func unescape(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(escaped string) string {
		var plain string
		if len(escaped) < 6 || json.Unmarshal([]byte(`"`+escaped+`"`), &plain) != nil || plain[0] < utf8.RuneSelf {
			return escaped
		}
		return plain
	})
}
