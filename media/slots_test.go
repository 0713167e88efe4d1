package media_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/internal/waittest"
	"roomlog/media"
)

// serveWith serves the players of h with the limits of package httpserver. It returns the address of the server and a client
// whose requests share a connection over HTTP/2.
func serveWith(t *testing.T, h *testServer, slots *limit.Slots) (address string, client *http.Client) {
	t.Helper()
	server := httpserver.New(httpserver.Config{Handler: h.Server, Slots: slots, Now: time.Now})
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	listener := listen(t)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return "http://" + listener.Addr().String(), &http.Client{Transport: transport}
}

// TestWaitingPlayersGiveWay fills the only slot of an HTTP port with a player that waits. Another client must be served.
func TestWaitingPlayersGiveWay(t *testing.T) {
	requested := make(chan struct{}, 1)
	h := run(t, func(c *media.Config) {
		c.Authorizer = slowAuthorizer{c.Authorizer, requested}
	})
	h.publish(t, "KEY").begin(0)
	h.stream(t, "KEY", "a broadcast", onAir)
	sign := "?sign=" + h.signer.Play("KEY")
	for _, tt := range []struct {
		name, path string
		waits      func(*limit.Slots) bool
	}{
		{"for a segment of HLS", "/live/KEY/index.m3u8" + sign, func(s *limit.Slots) bool {
			eventually(t, "a slot is taken", func() bool { return s.Count() == 1 })
			return true
		}},
		{"for the authorizer", "/live/SLOW/index.m3u8" + sign, func(*limit.Slots) bool { <-requested; return true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			slots := limit.NewSlots(1, 0, nil)
			address, _ := serveWith(t, h, slots)
			ended := make(chan error, 1)
			go func() {
				response, err := http.Get(address + tt.path)
				if err == nil {
					_ = response.Body.Close()
				}
				ended <- err
			}()
			tt.waits(slots)
			eventually(t, "another client is served", func() bool {
				response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(address + "/live/none")
				if err == nil {
					_ = response.Body.Close()
				}
				return err == nil && slots.Evicted() > 0
			})
			if err := waittest.Receive(t, ended, "the end of the player"); err == nil {
				t.Error("the player that waits was served, although its slot was taken")
			}
		})
	}
	t.Run("for a stream over HTTP/2, which needs no slot of the HTTP port", func(t *testing.T) {
		slots := limit.NewSlots(10, 0, nil)
		address, client := serveWith(t, h, slots)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 3 {
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, address+"/live/LATER.flv?sign="+h.signer.Play("LATER"), nil)
			go func() {
				if response, err := client.Do(r); err == nil {
					_ = response.Body.Close()
				}
			}()
		}
		h.stream(t, "LATER", "three players", func(s media.StreamStats) bool { return s.Players[media.HTTPFLV] == 3 })
		eventually(t, "no slot is taken", func() bool { return slots.Count() == 0 })
	})
}

// slowAuthorizer decides about the stream SLOW when the request has ended.
type slowAuthorizer struct {
	media.Authorizer
	requested chan struct{}
}

func (a slowAuthorizer) AuthorizePlay(ctx context.Context, r media.PlayRequest) error {
	if r.Key == "SLOW" {
		a.requested <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	return a.Authorizer.AuthorizePlay(ctx, r)
}
