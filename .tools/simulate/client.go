package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

// account is a user of the platform.
type account struct {
	addr  string // address of the API
	token string
}

// signUp registers a user and signs the user in.
func signUp(addr, name string) (*account, error) {
	a := &account{addr: addr}
	password := "the password of " + name
	if err := a.post("/api/reg", map[string]any{"username": name, "password": password, "repassword": password}, nil); err != nil {
		return nil, err
	}
	var me struct{ Token string }
	if err := a.post("/api/login", map[string]any{"username": name, "password": password}, &me); err != nil {
		return nil, err
	}
	a.token = me.Token
	return a, nil
}

// goLive creates a live, puts it on air and returns its id.
func (a *account) goLive() (int64, error) {
	var made struct{ Data struct{ ID int64 } }
	if err := a.post("/api/live/create", map[string]any{"title": "simulated", "cover": ""}, &made); err != nil {
		return 0, err
	}
	return made.Data.ID, a.post("/api/live/changestatus", map[string]any{"id": made.Data.ID, "type": "play"}, nil)
}

// post sends a request and decodes the data of the response into to.
func (a *account) post(path string, body, to any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+a.addr+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		request.Header.Set("token", a.token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Msg  string
		Data json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	if answer.Msg != "ok" {
		return fmt.Errorf("POST %s: %d %s", path, response.StatusCode, answer.Msg)
	}
	if to == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, to)
}

// socket is a connection of a viewer that has joined the live. It notes when it receives a comment.
type socket struct {
	gws.BuiltinEventHandler
	conn     *gws.Conn
	joined   chan error
	replies  int
	received []arrival
	bytes    int64
	count    *atomic.Int64 // number of comments that all viewers have received
}

// enter connects to a node and joins a live.
func enter(addr string, a *account, live int64, count *atomic.Int64) (*socket, error) {
	s := &socket{joined: make(chan error, 2), count: count}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: "ws://" + addr + "/ws", ReadMaxPayloadSize: 1 << 20, ReadBufferSize: 4 << 10})
	if err != nil {
		return nil, err
	}
	s.conn = conn
	go conn.ReadLoop()
	for _, request := range []struct {
		kind string
		data map[string]any
	}{{"hello", map[string]any{"token": a.token}}, {"room.join", map[string]any{"live": live}}} {
		if err := s.send("r", "", request.kind, request.data); err != nil {
			return nil, err
		}
		if err := <-s.joined; err != nil {
			return nil, fmt.Errorf("%s: %w", request.kind, err)
		}
	}
	return s, nil
}

func (s *socket) send(id, key, kind string, data any) error {
	text, err := json.Marshal(map[string]any{"id": id, "key": key, "type": kind, "data": data})
	if err != nil {
		return err
	}
	return s.conn.WriteMessage(gws.OpcodeText, text)
}

// OnMessage counts the comments in a message.
func (s *socket) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	now := time.Now()
	s.bytes += int64(m.Data.Len())
	text := m.Bytes()
	if s.replies < 2 && bytes.Contains(text, []byte(`"re":"r"`)) {
		s.replies++
		var err error
		if !bytes.Contains(text, []byte(`"type":"ok"`)) {
			err = fmt.Errorf("the node replies %.300s", text)
		}
		s.joined <- err
		return
	}
	for {
		_, rest, found := bytes.Cut(text, []byte(`"text":"`+commentText))
		if !found {
			return
		}
		text = rest
		number := 0
		for _, c := range rest {
			if c < '0' || c > '9' {
				break
			}
			number = 10*number + int(c-'0')
		}
		s.received = append(s.received, arrival{number, now})
		s.count.Add(1)
	}
}

// OnClose implements gws.Event.
func (s *socket) OnClose(_ *gws.Conn, err error) {
	s.joined <- fmt.Errorf("the connection was closed: %w", err)
}
