package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

type talkCommand struct {
	URL   string        `env:"ROOMLOG_URL" default:"ws://localhost:7001/ws" help:"The server."`
	Token string        `required:"" env:"TOKEN" placeholder:"TOKEN" help:"Who talks: what POST /api/login answers."`
	Live  int64         `placeholder:"ID" help:"The room to enter first of all."`
	For   time.Duration `default:"0s" help:"How long to listen on after the last line of input. Default: until the connection ends."`
}

// Help implements kong.HelpProvider.
func (talkCommand) Help() string {
	return `A client to try things out with, and to read how one is written. It says hello, enters the room, and shows
every frame: → what it says, ← what it hears. A line of input is a comment, or, if it begins with {, a frame as it is.

Examples:

  roomlog talk --live 1
  echo '{"type":"gift.send","key":"k1","data":{"live":1,"gift":1,"num":1}}' | roomlog talk --live 1 --for 1s`
}

// maxTalk bounds a message from the server: a snapshot of a busy room.
const maxTalk = 1 << 20

// Run carries the command out.
func (c *talkCommand) Run(ctx context.Context, sh shell) error {
	t := &talk{out: sh.stdout, ended: make(chan error, 1)}
	conn, _, err := gws.NewClient(t, &gws.ClientOption{Addr: c.URL, HandshakeTimeout: 10 * time.Second, ReadMaxPayloadSize: maxTalk}) //nolint:bodyclose // an upgrade has no body
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.URL, err)
	}
	t.conn = conn
	go conn.ReadLoop()
	defer conn.NetConn().Close()
	if err := t.say("hello", map[string]any{"token": c.Token}, map[string]any{"token": "…"}); err != nil {
		return err
	}
	if c.Live != 0 {
		if err := t.say("room.join", map[string]any{"live": c.Live}, nil); err != nil {
			return err
		}
	}
	typed := make(chan error, 1)
	go func() { typed <- t.read(sh.stdin, c.Live) }()
	var enough <-chan time.Time
	for {
		select {
		case err := <-t.ended:
			return err
		case <-enough:
			return nil
		case <-ctx.Done():
			return nil
		case err := <-typed:
			if err != nil {
				return err
			}
			if typed = nil; c.For > 0 {
				enough = time.After(c.For)
			}
		}
	}
}

// talk is one connection that shows everything.
type talk struct {
	gws.BuiltinEventHandler
	conn  *gws.Conn
	ended chan error

	mu     sync.Mutex
	out    io.Writer
	serial int
}

// read says what is typed.
func (t *talk) read(in io.Reader, live int64) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "":
		case strings.HasPrefix(line, "{"):
			err = t.send(line, line)
		default:
			err = t.say("comment.post", map[string]any{"live": live, "text": line}, nil)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

// say sends a frame and shows it, with shown in place of data if it is given.
func (t *talk) say(kind string, data, shown map[string]any) error {
	t.serial++
	frame := func(data map[string]any) string {
		text, _ := json.Marshal(struct { // of strings and numbers: never fails
			ID   string         `json:"id"`
			Type string         `json:"type"`
			Data map[string]any `json:"data"`
		}{fmt.Sprint(t.serial), kind, data})
		return string(text)
	}
	if shown == nil {
		shown = data
	}
	return t.send(frame(data), frame(shown))
}

func (t *talk) send(text, shown string) error {
	t.show("→", shown)
	if err := t.conn.WriteString(text); err != nil {
		return fmt.Errorf("talk: %w", err)
	}
	return nil
}

func (t *talk) show(way, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.out, way, text)
}

// OnMessage implements gws.Event. Several frames may come at once, as a JSON array.
func (t *talk) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	var frames []json.RawMessage
	if err := json.Unmarshal(message.Bytes(), &frames); err != nil {
		frames = []json.RawMessage{message.Bytes()}
	}
	for _, f := range frames {
		t.show("←", string(f))
	}
}

// OnPing implements gws.Event: a server that hears nothing for long takes the connection for lost.
func (t *talk) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnClose implements gws.Event.
func (t *talk) OnClose(_ *gws.Conn, err error) {
	var said *gws.CloseError
	if errors.As(err, &said) {
		err = fmt.Errorf("the server closed the connection: %d %s", said.Code, said.Reason)
	}
	t.ended <- err
}
