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
)

// childEnv is the environment variable that makes this program a media server, so that a benchmark can measure a
// separate process.
const childEnv = "ROOMLOG_TEST_CHILD"

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
	server, err := media.New(media.Config{Now: time.Now, Log: slog.New(slog.DiscardHandler), Authorizer: testAuthorizer{
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
	web := &http.Server{Handler: server, ReadHeaderTimeout: timeout}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Run(ctx) })
	all.Go(func() { _ = server.ServeRTMP(ctx, rtmpListener) })
	all.Go(func() { _ = web.Serve(httpListener) })
	fmt.Println(rtmpListener.Addr(), httpListener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(peertest.Stats(), server.Snapshot().Drops)
	}
	cancel()
	_ = web.Close()
	all.Wait()
	return nil
}
