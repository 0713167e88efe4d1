package ws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/lxzan/gws"

	"roomlog/internal/settings"
	"roomlog/realtime/ws"
)

// live sends each comment of a viewer to all viewers.
type live struct{ viewers *ws.Fanout }

func (l *live) open(c *ws.Conn, _ *http.Request) ws.Peer {
	c.Identified()
	l.viewers.Add(c)
	c.Send(ws.TextFrame([]byte("joined")))
	return viewer{l, c}
}

// viewer is the Peer of one connection.
type viewer struct {
	live *live
	conn *ws.Conn
}

func (v viewer) Text(comment []byte) {
	v.live.viewers.Push(ws.DroppableFrame(comment, ws.Span{}))
}

func (v viewer) Closed(uint16, string) { v.live.viewers.Remove(v.conn) }

// printer is a client that prints the messages that it receives.
type printer struct {
	gws.BuiltinEventHandler
	messages chan string
}

func (p printer) OnMessage(_ *gws.Conn, message *gws.Message) { p.messages <- message.Data.String() }

func Example() {
	l := &live{}
	cfg := ws.Config{Now: time.Now, Open: l.open}
	settings.Defaults(&cfg)
	server := ws.NewServer(cfg)
	l.viewers = server.NewFanout()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	running := make(chan error)
	go func() { running <- server.Run(ctx) }()
	web := httptest.NewServer(server)

	p := printer{messages: make(chan string, 10)}
	client, _, err := gws.NewClient(p, &gws.ClientOption{Addr: strings.Replace(web.URL, "http", "ws", 1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	read := make(chan struct{})
	go func() { client.ReadLoop(); close(read) }()
	_ = client.WriteString("hello")
	fmt.Println(<-p.messages)
	fmt.Println(<-p.messages)

	_ = server.Shutdown(ctx) // closes the connections; then stop Run
	<-read
	web.Close()
	stop()
	<-running
	// Output:
	// joined
	// hello
}

func ExampleReconnectAdvised() {
	for _, code := range []uint16{ws.CloseSlow, ws.CloseRestart, ws.CloseKicked, 4123} {
		fmt.Println(code, ws.ReconnectAdvised(code))
	}
	// Output:
	// 4000 true
	// 1012 true
	// 4503 false
	// 4123 true
}

func ExampleLatestFrame() {
	server := newExampleServer()
	backlog := server.NewBacklog(1 << 20) // the queue of a client that polls
	for viewers := range 100 {
		backlog.Add(ws.LatestFrame(fmt.Appendf(nil, `{"viewers":%d}`, viewers), "viewers"))
	}
	for _, frame := range backlog.Take(1 << 10) {
		for payload := range frame.Messages {
			fmt.Println(string(payload))
		}
	}
	// Output: {"viewers":99}
}

func newExampleServer() *ws.Server {
	cfg := ws.Config{Now: time.Now}
	settings.Defaults(&cfg)
	return ws.NewServer(cfg)
}
