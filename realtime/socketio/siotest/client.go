package siotest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// Timeout is the maximum time that a client waits for a packet or a response.
const Timeout = 3 * time.Minute

// Packet is a received Engine.IO packet. Text begins with the packet type. Bytes is set for a binary message.
type Packet struct {
	Text  string
	Bytes []byte // content of a binary message; nil for other packets
}

// Options configures a client. The zero value uses protocol version 4 over WebSocket.
type Options struct {
	Version int  // version of Engine.IO: 3 or 4
	Polling bool // whether the client uses HTTP long-polling instead of WebSocket
	Mute    bool // whether the client does not reply to pings of version 4, and sends none of version 3 by itself
	Query   url.Values
	Header  http.Header

	Namespace string // initial value of Client.Namespace
}

// Client is a client with one Engine.IO session and its Socket.IO sockets.
type Client struct {
	testing.TB
	base    string // URL of the server: http://host:port/path/
	options Options
	// Namespace is the namespace of Emit, Call and Event; "" is the default namespace.
	Namespace string
	// Upgrades is the number of further transports that the server offered.
	Upgrades      int
	sid           string // id of the Engine.IO session
	packets       chan Packet
	closed        chan struct{}
	once, cutting sync.Once
	cut           chan struct{} // closed by Cut
	early         []Packet      // packets that were received during an upgrade
	aside         []Packet      // events that Event has skipped

	posting sync.Mutex
	pinging sync.Mutex     // locked while a ping is sent, and during an upgrade
	pings   sync.WaitGroup // the goroutine that sends pings

	mu      sync.Mutex
	socket  *gws.Conn
	polling bool
	stopped chan struct{} // closed when the goroutine that sends GET requests has ended
}

// SID returns the id of the Engine.IO session.
func (c *Client) SID() string { return c.sid }

// address returns the URL for requests over the transport of the client. If sid is "", a request opens an Engine.IO
// session.
func (c *Client) address(sid string) string {
	transport := "websocket"
	if c.options.Polling {
		transport = "polling"
	}
	return c.Address(transport, sid)
}

// Address returns the URL for requests over a transport. If sid is "", a request opens an Engine.IO session.
func (c *Client) Address(transport, sid string) string {
	q := url.Values{"EIO": {fmt.Sprint(c.options.Version)}, "transport": {transport}}
	if sid != "" {
		q.Set("sid", sid)
	}
	if c.options.Version == 3 && transport == "polling" {
		q.Set("b64", "1")
	}
	for key, values := range c.options.Query {
		q[key] = values
	}
	return c.base + "?" + q.Encode()
}

// Do sends an HTTP request and returns the status and the body of the response. Without a response it returns 0 and the error.
func (c *Client) Do(method, address, body string, header http.Header) (status int, response string) {
	c.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-c.cut: // not closed in another way if no Engine.IO session was opened
			cancel()
		case <-ctx.Done():
		}
	}()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for key, values := range c.options.Header {
		r.Header[key] = values
	}
	for key, values := range header {
		r.Header[key] = values
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, err.Error()
	}
	return a.StatusCode, string(text)
}

func (c *Client) dialSocket(sid string) error {
	address := "ws" + strings.TrimPrefix(c.Address("websocket", sid), "http")
	socket, _, err := gws.NewClient(listener{c}, &gws.ClientOption{ //nolint:bodyclose // the connection replaces the body
		Addr: address, RequestHeader: c.options.Header,
		HandshakeTimeout: Timeout, ReadMaxPayloadSize: 8 << 20})
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	c.mu.Lock()
	c.socket = socket
	c.mu.Unlock()
	go socket.ReadLoop()
	return nil
}

// listener receives the frames of a WebSocket connection.
type listener struct{ client *Client }

// OnOpen does nothing.
func (listener) OnOpen(*gws.Conn) {}

// OnPing does nothing, because Engine.IO uses its own pings.
func (listener) OnPing(*gws.Conn, []byte) {}

// OnPong does nothing.
func (listener) OnPong(*gws.Conn, []byte) {}

// OnClose ends the Engine.IO session.
func (l listener) OnClose(*gws.Conn, error) { l.client.end() }

// OnMessage handles a received packet.
func (l listener) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	p := Packet{Text: string(m.Bytes())}
	if m.Opcode == gws.OpcodeBinary {
		p = Packet{Bytes: append([]byte{}, m.Bytes()...)}
	}
	l.client.take(p)
}

func (c *Client) take(p Packet) {
	switch {
	case p.Text == "2" && !c.options.Mute:
		go c.Send("3")
		return
	case p.Text == "3" && c.options.Version == 3 && !c.options.Mute: // the response to a ping
		return
	case p.Text == "1":
		c.packets <- p
		c.end()
		return
	}
	c.packets <- p
}

// ping sends the pings of version 3, in the given interval, until the Engine.IO session ends.
func (c *Client) ping(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.pinging.Lock()
			c.Send("2")
			c.pinging.Unlock()
		case <-c.closed:
			return
		}
	}
}

func (c *Client) end() { c.once.Do(func() { close(c.closed) }) }

// Cut closes the connection without a close packet.
func (c *Client) Cut() {
	c.end()
	c.cutting.Do(func() {
		if c.cut != nil {
			close(c.cut)
		}
	})
	c.mu.Lock()
	socket := c.socket
	c.mu.Unlock()
	if socket != nil {
		_ = socket.NetConn().Close()
	}
}

// Send sends a packet.
func (c *Client) Send(text string) {
	c.mu.Lock()
	polling, socket := c.polling, c.socket
	c.mu.Unlock()
	if !polling {
		_ = socket.WriteMessage(gws.OpcodeText, []byte(text))
		return
	}
	c.posting.Lock() // permits only one POST request at a time
	defer c.posting.Unlock()
	if c.options.Version == 3 {
		text = fmt.Sprintf("%d:%s", units(text), text)
	}
	if status, _ := c.Do(http.MethodPost, c.address(c.sid), text, http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}); status != http.StatusOK {
		c.end()
	}
}

// SendBytes sends a binary message over WebSocket, in the encoding of the protocol version.
func (c *Client) SendBytes(b []byte) {
	if c.options.Version == 3 {
		b = append([]byte{4}, b...)
	}
	_ = c.socket.WriteMessage(gws.OpcodeBinary, b)
}

// Next returns the next packet. It fails the test if no packet arrives within Timeout.
func (c *Client) Next() Packet {
	c.Helper()
	p, ok := c.Hear(Timeout)
	if !ok {
		c.Fatal("timed out waiting for a packet")
	}
	return p
}

// Hear returns the next packet. It reports false if no packet arrives within the given time.
func (c *Client) Hear(within time.Duration) (Packet, bool) {
	if len(c.early) > 0 {
		p := c.early[0]
		c.early = c.early[1:]
		return p, true
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case p := <-c.packets:
		return p, true
	case <-timer.C:
		return Packet{}, false
	case <-c.closed:
		select {
		case p := <-c.packets: // packets that were received before the Engine.IO session ended
			return p, true
		default:
			return Packet{}, false
		}
	}
}

// Expect fails the test unless the next packet is text.
func (c *Client) Expect(text string) {
	c.Helper()
	if p := c.Next(); p.Text != text {
		c.Fatalf("got %q %x, want %q", p.Text, p.Bytes, text)
	}
}

// Ended skips packets until the server ends the Engine.IO session.
func (c *Client) Ended() {
	c.Helper()
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	select {
	case <-c.closed:
	case <-timer.C:
		c.Fatal("the session does not end")
	}
}

// Open reports whether the Engine.IO session is open.
func (c *Client) Open() bool {
	select {
	case <-c.closed:
		return false
	default:
		return true
	}
}
