package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

// person is a user of the demo, as a client of the server.
type person struct {
	site  string
	name  string
	id    int64
	token string
}

// refused is the error for a response with a code.
type refused struct{ code, text string }

func (r *refused) Error() string { return r.code + ": " + r.text }

// request sends a REST request and decodes its data into target, unless target is nil.
func (p *person) request(ctx context.Context, method, path, contentType string, body io.Reader, target any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.site+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", contentType)
	if p.token != "" {
		r.Header.Set("token", p.token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var reply struct {
		Msg, Code string
		Text      string `json:"text_en"`
		Data      json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s %s: status %d: %w", method, path, response.StatusCode, err)
	}
	if reply.Msg != "ok" {
		return fmt.Errorf("%s %s: %w", method, path, &refused{reply.Code, reply.Text})
	}
	if target == nil {
		return nil
	}
	return json.Unmarshal(reply.Data, target)
}

func (p *person) post(ctx context.Context, path string, body, target any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return p.request(ctx, http.MethodPost, path, "application/json", bytes.NewReader(text), target)
}

func (p *person) get(ctx context.Context, path string, target any) error {
	return p.request(ctx, http.MethodGet, path, "application/json", nil, target)
}

// upload uploads a picture and returns its path.
func (p *person) upload(ctx context.Context, name string, content []byte) (path string, err error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return "", err
	}
	err = p.request(ctx, http.MethodPost, "/api/upload", form.FormDataContentType(), &body, &path)
	if _, name, found := strings.Cut(path, "/uploads/"); found {
		path = "/uploads/" + name
	}
	return path, err
}

// topUp buys coins for a price.
func (p *person) topUp(ctx context.Context, price int) error {
	var order struct{ Order string }
	if err := p.post(ctx, "/api/gift/wxpay", map[string]any{"price": price}, &order); err != nil {
		return err
	}
	return p.post(ctx, "/api/gift/testpay", map[string]any{"order": order.Order, "price": price}, nil)
}

// connection is the WebSocket connection of a person in a live.
type connection struct {
	gws.BuiltinEventHandler
	conn *gws.Conn

	mu     sync.Mutex
	serial int
}

// The maximum times for one request and for one handshake, also while the computer is busy.
const (
	requestTimeout   = time.Minute
	handshakeTimeout = 30 * time.Second
)

// enter connects a person and joins a live. The connection ends with ctx.
func (p *person) enter(ctx context.Context, live int64) (*connection, error) {
	s := &connection{}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: strings.Replace(p.site, "http", "ws", 1) + "/ws", HandshakeTimeout: handshakeTimeout, ReadMaxPayloadSize: 1 << 20}) //nolint:bodyclose // the connection replaces the body
	if err != nil {
		return nil, err
	}
	s.conn = conn
	go conn.ReadLoop() // ends when the connection is closed
	context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })
	if err := s.send("hello", map[string]any{"token": p.token}); err != nil {
		return nil, err
	}
	return s, s.send("room.join", map[string]any{"live": live})
}

// send sends a frame. It does not wait for the reply: a refused comment of the demo is left out.
func (s *connection) send(kind string, data map[string]any) error {
	s.mu.Lock()
	s.serial++
	text, err := json.Marshal(map[string]any{"id": fmt.Sprint(s.serial), "type": kind, "data": data})
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.conn.WriteMessage(gws.OpcodeText, text)
}

// OnPing replies with a pong. Without it the server would close the connection.
func (s *connection) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnMessage ignores what the server sends.
func (s *connection) OnMessage(_ *gws.Conn, message *gws.Message) { _ = message.Close() }
