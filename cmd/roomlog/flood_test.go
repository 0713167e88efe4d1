package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/lxzan/gws"
)

// flood sends requests of every kind faster than any rate permits, with a pause after each.
func (h *hostile) flood(member *person, pause time.Duration) {
	send := func(method, path, kind, body string) func(*http.Client) {
		return func(c *http.Client) {
			r, err := http.NewRequestWithContext(h.ctx, method, "http://"+h.at.addr+path, strings.NewReader(body))
			if err != nil {
				h.Error(err)
				return
			}
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Token", member.token)
			if response, err := c.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		}
	}
	post := func(path, kind, body string) func(*http.Client) { return send(http.MethodPost, path, kind, body) }
	var form bytes.Buffer
	file := multipart.NewWriter(&form)
	part, _ := file.CreateFormFile("file", "x.gif")
	_, _ = part.Write(append([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), make([]byte, 100_000)...))
	_ = file.Close()
	const jsonType = "application/json"
	requests := []func(*http.Client){
		post("/api/login", jsonType, `{"username":"nobody","password":"wrong password"}`),
		post("/api/reg", jsonType, `{"username":"x","password":"1","repassword":"2"}`),
		post("/createRoom", jsonType, `{"name":"room of nobody"}`),
		post("/api/live/create", jsonType, `{"title":"flood","cover":""}`),
		post("/api/live/changestatus", jsonType, `{"id":1,"type":"stop"}`),
		post("/api/gift/wxpay", jsonType, `{"price":1}`),
		post("/api/upload", file.FormDataContentType(), form.String()),
		post("/api/nothing", jsonType, strings.Repeat("x", 10_000)),
	}
	var kinds [][]func(*http.Client) // each kind of request has a client
	for _, request := range requests {
		kinds = append(kinds, []func(*http.Client){request})
	}
	var all []func(*http.Client) // one client sends all requests of the API
	for _, one := range h.operations() {
		method, path, _ := strings.Cut(one, " ")
		all = append(all, send(method, path, jsonType, "{}"))
	}
	for n, requests := range append(kinds, all) {
		h.clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return h.dial(ctx, n, addr) }}}
			defer client.CloseIdleConnections()
			for n := 0; h.ctx.Err() == nil; n++ {
				requests[n%len(requests)](client)
				h.pause(pause)
			}
		})
	}
	native, hello := h.nativeFrames(), `{"id":"1","type":"hello","data":{"token":"`+member.token+`"}}`
	h.clients.Go(func() { h.floodFrames("/ws", hello, native, pause) })
	for _, query := range []string{"", "&room=demo"} { // two of the profiles of the chat
		h.clients.Go(func() {
			h.floodFrames("/socket.io/?EIO=4&transport=websocket"+query, "40", h.socketIOFrames(member), pause)
		})
	}
}

// operations returns the method and the path of every request of the API that is not a GET.
func (h *hostile) operations() (all []string) {
	h.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(h.at.fetch("/openapi.json"), &document); err != nil {
		h.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			method = strings.ToUpper(method)
			if method != http.MethodGet && path != "/api/logout" { // which would end the flood of this user
				all = append(all, method+" "+regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "1"))
			}
		}
	}
	if len(all) < 20 {
		h.Fatalf("only %d operations were found: %q", len(all), all)
	}
	return all
}

func (h *hostile) pause(d time.Duration) {
	h.sent.Add(1)
	select {
	case <-h.ctx.Done():
	case <-time.After(d):
	}
}

// nativeFrames returns a frame of each operation of the native dialect, and some that are none.
func (h *hostile) nativeFrames() []string {
	h.Helper()
	live := fmt.Sprintf(`"live":%d`, h.live)
	data := map[string]string{
		"room.join": live, "room.leave": live, "room.viewers": live, "comment.post": live + `,"text":"flood"`, "gift.send": live + `,"gift":1,"num":1`,
		"profile.change": `"nickname":"flood"`, "ack": `"cursor":"x"`, "hello": `"token":"x"`,
		"chat.post": `"text":"flood"`, "chat.private": `"user":1,"text":"flood"`, "chat.who": `"room":"demo"`, "chat.nickname": `"nickname":"flood"`,
	}
	var document struct {
		Operations map[string]json.RawMessage
	}
	if err := json.Unmarshal(h.at.fetch("/asyncapi.json"), &document); err != nil {
		h.Fatal(err)
	}
	frames := []string{`{"type":"none"}`, `[`}
	for operation := range document.Operations {
		if !strings.HasPrefix(operation, "push.") {
			frames = append(frames, fmt.Sprintf(`{"type":%q,"data":{%s}}`, operation, data[operation]))
		}
	}
	if len(frames) < len(data) {
		h.Fatalf("only %d frames: %q", len(frames), frames)
	}
	return frames
}

// socketIOFrames returns packets of Socket.IO with the events that clients may send.
func (h *hostile) socketIOFrames(member *person) []string {
	live := fmt.Sprintf(`{"live_id":%d,"token":%q,"content":"flood","gift_id":1}`, h.live, member.token)
	return []string{
		`42["joinLive",` + live + `]`, `42["comment",` + live + `]`, `42["gift",` + live + `]`, `42["leaveLive",` + live + `]`, `42["test"]`,
		`42["message","flood"]`, `42["join","demo"]`, `42["leave","demo"]`, `42["getAllMessages"]`, `42["addMessage",{"content":"flood"}]`,
		`42["exchange",{"payload":"flood"}]`, `42["nickname","flood"]`, `42["typing"]`, `421["who"]`, `42["none"]`, `49`,
	}
}

// floodFrames sends a greeting and then frames on a WebSocket, and begins again when the connection was closed.
func (h *hostile) floodFrames(path, greeting string, frames []string, pause time.Duration) {
	for h.ctx.Err() == nil {
		conn, _, err := gws.NewClient(&gws.BuiltinEventHandler{}, &gws.ClientOption{Addr: "ws://" + h.at.addr + path})
		if err != nil {
			h.pause(100 * time.Millisecond)
			continue
		}
		read := make(chan struct{})
		go func() { defer close(read); conn.ReadLoop() }()
		err = conn.WriteString(greeting)
		for n := 0; err == nil && h.ctx.Err() == nil; n++ {
			err = conn.WriteString(frames[n%len(frames)])
			h.pause(pause / 4)
		}
		_ = conn.NetConn().Close()
		<-read
	}
}
