package media_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"roomlog/internal/peertest"
	"roomlog/media"
	"roomlog/media/relay"
)

// childEnv is the environment variable that makes this program a media server, so that a benchmark can measure a
// separate process.
const childEnv = "ROOMLOG_TEST_CHILD"

// originEnv is the environment variable with the HTTP address of the server that has the publisher of all streams.
const originEnv = "ROOMLOG_TEST_ORIGIN"

// childServer is a server in its own process, with one stream.
type childServer struct {
	*peertest.Process
	rtmp, http string // addresses of the server
}

const benchKey = "KEY"

func (h *childServer) flvPath() string { return "/live/" + benchKey + ".flv" }

// The kinds of servers that are compared: ours, and node-media-server 2 and 4.
const (
	ours = "ours"
	nms2 = "nms2"
	nms4 = "nms4"
)

func openTheatre(b testing.TB, kind string) *childServer {
	b.Helper()
	var cmd *exec.Cmd
	if kind == ours {
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=1")
	} else {
		cmd = peertest.NodeScript(b, "testdata/peers", "server.js", kind, freePort(b), freePort(b))
	}
	return receive(b, cmd)
}

// openEdge starts a server that relays all streams from another server.
func openEdge(b testing.TB, origin *childServer) *childServer {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1", originEnv+"="+origin.http)
	return receive(b, cmd)
}

// receive starts a server and receives its addresses.
func receive(b testing.TB, cmd *exec.Cmd) *childServer {
	b.Helper()
	h := &childServer{Process: peertest.Start(b, cmd)}
	if _, err := fmt.Sscan(h.Receive(""), &h.rtmp, &h.http); err != nil {
		b.Fatal(err)
	}
	return h
}

// freePort returns a port that no program uses.
func freePort(b testing.TB) string {
	ln := listen(b)
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// serveChild runs the server until standard input ends.
func serveChild() error {
	signer, err := media.NewSigner([]string{secret}, 0, time.Now)
	if err != nil {
		return err
	}
	pulls := relay.Config{Node: "origin", Signer: signer, Origins: childOrigins(os.Getenv(originEnv)), Now: time.Now}
	if os.Getenv(originEnv) != "" {
		pulls.Node = "edge"
	}
	puller, err := relay.New(pulls)
	if err != nil {
		return err
	}
	server, err := media.New(media.Config{Relay: puller, Now: time.Now, Log: slog.New(slog.DiscardHandler), Authorizer: testAuthorizer{
		connect: func(media.ConnectRequest) error { return nil },
		publish: func(media.PublishRequest) error { return nil },
		play:    func(media.PlayRequest) error { return nil },
	}})
	if err != nil {
		return err
	}
	rtmpListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	httpListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	puller.Attach(server)
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.Handle(relay.Path, relay.NewHandler(relay.HandlerConfig{Node: pulls.Node, Signer: signer, Server: server, Now: time.Now, Log: slog.New(slog.DiscardHandler)}))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: timeout}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Run(ctx) })
	all.Go(func() { _ = puller.Run(ctx) })
	all.Go(func() { _ = server.ServeRTMP(ctx, rtmpListener) })
	all.Go(func() { _ = web.Serve(httpListener) })
	fmt.Println(rtmpListener.Addr(), httpListener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(peertest.Stats(0), server.Snapshot().Drops)
	}
	cancel()
	_ = web.Close()
	all.Wait()
	return nil
}

// childOrigins is the HTTP address of the server that has the publisher of all streams, or "".
type childOrigins string

// Origin implements relay.Origins.
func (o childOrigins) Origin(context.Context, string) (relay.Origin, error) {
	if o == "" {
		return relay.Origin{}, relay.ErrNoOrigin
	}
	return relay.Origin{Node: "origin", URL: "http://" + string(o)}, nil
}
