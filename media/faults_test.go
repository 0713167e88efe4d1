package media_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media"
)

// flakyListener is a listener whose Accept sometimes fails, as it does when there are no file descriptors left.
type flakyListener struct {
	net.Listener
	mu   sync.Mutex
	left int
}

func (l *flakyListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestAcceptRetriesAfterAnError(t *testing.T) {
	h := run(t, func(c *media.Config) { c.Log = quiet() })
	ctx, cancel := context.WithCancel(t.Context())
	ln := &flakyListener{Listener: listen(t), left: 3}
	done := make(chan error)
	go func() { done <- h.ServeRTMP(ctx, ln) }()
	h.rtmp = ln.Addr().String()
	h.publish(t, "KEY").begin(0)
	cancel()
	if err := waittest.Receive(t, done, "the end of ServeRTMP"); err != nil {
		t.Fatal(err)
	}
	broken := listen(t)
	broken.Close()
	if err := h.ServeRTMP(t.Context(), broken); err == nil {
		t.Fatal("serving a closed listener returns no error")
	}
}

// TestPanicEndsOnlyItsConnection checks that a panic on one connection ends only that connection.
func TestPanicEndsOnlyItsConnection(t *testing.T) {
	h := run(t, func(c *media.Config) {
		c.Log = quiet()
		good := c.Authorizer
		c.Authorizer = testAuthorizer{
			connect: func(media.ConnectRequest) error { return nil },
			publish: func(r media.PublishRequest) error {
				if strings.HasPrefix(r.Key, "BAD") {
					panic("a fault")
				}
				return good.AuthorizePublish(context.Background(), r)
			},
			play: func(r media.PlayRequest) error { return good.AuthorizePlay(context.Background(), r) },
		}
	})
	s := h.dialRequest(t, "live", "publish", 3, nil, "BAD?sign="+h.signer.Publish("BAD"), "live")
	s.gone()
	h.publish(t, "KEY").begin(0)
	h.watch(t, h.flvURL("KEY")).sees(videoFrame(true, "first"))
	eventually(t, "its slot is free", func() bool { return h.Snapshot().Connections == 2 })
}

func TestConfigIsChecked(t *testing.T) {
	good := media.Config{Authorizer: media.SignAuthorizer{}, Now: time.Now}
	for name, change := range map[string]func(*media.Config){
		"without an authorizer":    func(c *media.Config) { c.Authorizer = nil },
		"without a clock":          func(c *media.Config) { c.Now = nil },
		"a tick above the maximum": func(c *media.Config) { c.Tick = 200 * time.Millisecond },
		"valid":                    nil,
	} {
		cfg := good
		if change != nil {
			change(&cfg)
		}
		if _, err := media.New(cfg); (err == nil) != (change == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
