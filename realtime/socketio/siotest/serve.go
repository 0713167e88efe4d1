package siotest

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"roomlog/realtime/ws/wstest"
)

// Server is an Engine.IO or Socket.IO server.
type Server interface {
	http.Handler
	Run(context.Context) error
	Shutdown(context.Context) error
}

// Serve runs a server with a real HTTP server until the test ends. It returns the URL for Dial.
func Serve(t testing.TB, s Server, path string) (base string) {
	t.Helper()
	l := wstest.Listen(t)
	web := &http.Server{Handler: s, ReadHeaderTimeout: Timeout}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	running.Go(func() { _ = web.Serve(l) })
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), Timeout)
		defer stop()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		_ = web.Close()
		cancel()
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + l.Addr().String() + path
}

// Kinds returns the four combinations of version and transport, by name.
func Kinds() map[string]Options {
	return map[string]Options{
		"version 3 over WebSocket": {Version: 3},
		"version 4 over WebSocket": {Version: 4},
		"version 3 polling":        {Version: 3, Polling: true},
		"version 4 polling":        {Version: 4, Polling: true},
	}
}

// Each runs a test for every kind of client, in parallel.
func Each(t *testing.T, test func(*testing.T, Options)) {
	for name, o := range Kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, o)
		})
	}
}
