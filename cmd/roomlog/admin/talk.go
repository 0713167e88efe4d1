package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"roomlog/cmd/roomlog/cli"
)

type talkCommand struct {
	URL   string        `env:"ROOMLOG_URL" default:"ws://localhost:7001/ws" help:"WebSocket address of the server."`
	Token string        `required:"" env:"TOKEN" placeholder:"TOKEN" help:"Token of the user, as POST /api/login returns it."`
	Live  int64         `min:"1" placeholder:"ID" help:"Live to join after the connection is open."`
	For   time.Duration `min:"0s" max:"8760h" default:"0s" help:"Time to keep listening after the end of the input, at most 8760h. 0: until the connection ends"`
}

func (talkCommand) Help() string {
	return `A client for trying things out, and an example of how to write one. It sends hello, joins the live, and prints every
frame: → sent, ← received. Each line of input is sent as a comment, or, if it starts with {, as a frame.

Examples:

  roomlog talk --live 1
  echo '{"type":"gift.send","key":"k1","data":{"live":1,"gift":1,"num":1}}' | roomlog talk --live 1 --for 1s`
}

// Standalone marks a command that uses no database.
func (*talkCommand) Standalone() {}

// AfterApply refuses addresses that no WebSocket has.
func (c *talkCommand) AfterApply() error {
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Hostname() == "" {
		return fmt.Errorf("--url (ROOMLOG_URL) must be the address of a WebSocket like ws://localhost:7001/ws (got %q)", c.URL)
	}
	return nil
}

// maxMessage bounds a message from the server, in bytes: the snapshot of a large live.
const maxMessage = 1 << 20

func (c *talkCommand) Run(ctx context.Context, sh cli.Shell) error {
	t := &talkClient{out: sh.Stdout, closed: make(chan error, 1)}
	conn, _, err := gws.NewClient(t, &gws.ClientOption{Addr: c.URL, HandshakeTimeout: 10 * time.Second, ReadMaxPayloadSize: maxMessage})
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.URL, err)
	}
	t.conn = conn
	reading := make(chan struct{})
	go func() { conn.ReadLoop(); close(reading) }()
	defer func() { _ = conn.NetConn().Close(); <-reading }()
	if err := t.request("hello", map[string]any{"token": c.Token}, map[string]any{"token": "…"}); err != nil {
		return err
	}
	if c.Live != 0 {
		if err := t.request("room.join", map[string]any{"live": c.Live}, nil); err != nil {
			return err
		}
	}
	return t.run(ctx, sh.Stdin, c)
}

// run sends the lines of input until input ends. It then waits for c.For, or until the connection ends. A read of
// standard input cannot be cancelled: its goroutine ends with the input or with the process.
func (t *talkClient) run(ctx context.Context, in io.Reader, c *talkCommand) error {
	input := make(chan error, 1)
	go func() { input <- t.sendLines(in, c.Live) }()
	var timeout <-chan time.Time
	for {
		select {
		case err := <-t.closed:
			return err
		case <-timeout:
			return nil
		case <-ctx.Done():
			return nil
		case err := <-input:
			if err != nil {
				return err
			}
			if input = nil; c.For > 0 {
				timeout = time.After(c.For)
			}
		}
	}
}

// talkClient is one connection that prints every frame.
type talkClient struct {
	gws.BuiltinEventHandler
	conn   *gws.Conn
	closed chan error

	mu     sync.Mutex
	out    io.Writer
	serial int
}

// sendLines sends each line of input.
func (t *talkClient) sendLines(in io.Reader, live int64) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "":
		case strings.HasPrefix(line, "{"):
			err = t.send(line, line)
		default:
			err = t.request("comment.post", map[string]any{"live": live, "text": line}, nil)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

// request sends a frame with the next id and prints it. If printed is not nil, it prints printed in place of data.
func (t *talkClient) request(kind string, data, printed map[string]any) error {
	t.serial++
	frame := func(data map[string]any) string {
		text, _ := json.Marshal(struct { // cannot fail: the frame contains only strings and numbers
			ID   string         `json:"id"`
			Type string         `json:"type"`
			Data map[string]any `json:"data"`
		}{fmt.Sprint(t.serial), kind, data})
		return string(text)
	}
	if printed == nil {
		printed = data
	}
	return t.send(frame(data), frame(printed))
}

func (t *talkClient) send(text, printed string) error {
	t.print("→", printed)
	if err := t.conn.WriteString(text); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

func (t *talkClient) print(direction, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.out, direction, text)
}

// OnMessage prints the frames of a message. Several frames arrive as a JSON array.
func (t *talkClient) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	var frames []json.RawMessage
	if err := json.Unmarshal(message.Bytes(), &frames); err != nil {
		frames = []json.RawMessage{message.Bytes()}
	}
	for _, f := range frames {
		t.print("←", string(f))
	}
}

// OnPing replies with a pong. Without it the server would close the connection.
func (t *talkClient) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnClose makes run return.
func (t *talkClient) OnClose(_ *gws.Conn, err error) {
	var closed *gws.CloseError
	switch {
	case errors.As(err, &closed):
		err = fmt.Errorf("the server closed the connection: %d %s", closed.Code, closed.Reason)
	case err != nil:
		err = fmt.Errorf("the connection to the server broke: %w", err)
	}
	t.closed <- err
}
