package ws

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Config configures a Server. The caller sets Now and, for ServeHTTP, Open. Settings with a default tag must not be
// zero; settings.Defaults fills them in.
type Config struct {
	// Open is called for every new connection before anything is read from it, and returns its Peer. The request is
	// valid until Open returns.
	Open func(*Conn, *http.Request) Peer
	// Skipped returns the text message that reports to a slow reader that frames of a group were dropped. nil: dropped
	// frames are not reported.
	Skipped func(dropped Span, count int) []byte
	// Now returns the current time.
	Now func() time.Time
	// Log receives messages about faults of the server. nil: no messages.
	Log *slog.Logger
	// Limiter limits the number of connections. Nil means Unlimited.
	Limiter Limiter
	// Origins are the origins whose pages may connect.
	Origins Origins

	MaxMessage    int           `default:"16384" min:"1024" max:"16777216" unit:"bytes" help:"Maximum size of a message from a client on /ws, all its fragments together."`
	QueueBytes    int           `default:"131072" min:"4096" max:"67108864" unit:"bytes" help:"Size of the queue of a connection whose client reads slowly. When the queue is full, comments are dropped; at twice the size the connection is closed."`
	PushWindow    time.Duration `default:"50ms" min:"1ms" max:"1s" zero:"every push is written at once" help:"Maximum time for which a push to the connections of a busy live waits, so that several are written together. While there are few pushes, each is written at once."`
	Deflate       bool          `help:"Compress pushes on /ws to clients that offer permessage-deflate. In a busy live this needs a quarter of the bytes, and more memory and CPU time. Default: off."`
	PingInterval  time.Duration `default:"25s" min:"1s" max:"10m" help:"Interval between two pings to a client. Some mobile networks drop connections that are silent for 30 s."`
	SocketTimeout time.Duration `default:"1m" min:"1s" max:"1h" zero:"no limit" help:"Time after which a connection is closed if no frame has arrived. It must be longer than the ping interval."`
	HelloTimeout  time.Duration `default:"15s" min:"1s" max:"10m" zero:"no limit" help:"Time that a client has to identify itself after it has connected. The time that the server needs for its messages does not count."`
	FrameRate     float64       `default:"100" min:"1" max:"100000" unit:"frames/s" zero:"no limit" help:"Maximum rate of frames on one connection. A client that exceeds the rate is disconnected."`
	FrameBurst    int           `default:"200" min:"1" max:"100000" unit:"frames" help:"Number of frames that a client may send at once, for example after a reconnect, before the rate applies."`
	RestartSpread time.Duration `default:"5s" min:"1ms" max:"10m" help:"Time over which a stopping server distributes the reconnects of its clients."`

	// ReadBuffer is the size in bytes of the read buffer of each connection. Longer messages do not use it.
	ReadBuffer int `default:"1024"`
	// SendBuffer is the size in bytes of the kernel's send buffer, which the kernel doubles. A larger buffer could
	// contain megabytes that a stalled reader has not read, without the server noticing.
	SendBuffer int `default:"65536"`
	// WriteTimeout is the maximum duration of one write of 16 KiB to a slow reader. The reader must therefore read at
	// least 2 kB/s.
	WriteTimeout time.Duration `default:"8s"`
}

// CheckSettings returns an error if the server would disconnect a client that only responds to pings.
func (c *Config) CheckSettings() error {
	if c.SocketTimeout > 0 && c.SocketTimeout <= c.PingInterval {
		return fmt.Errorf("--socket-timeout must be longer than --ping-interval, %v (got %v)", c.PingInterval, c.SocketTimeout)
	}
	return nil
}

// check panics if a dependency or a setting is missing, because this is a fault of the calling code.
func (c *Config) check() {
	if c.Now == nil {
		panic("ws: Config.Now is missing")
	}
	for name, missing := range map[string]bool{
		"MaxMessage": c.MaxMessage == 0, "QueueBytes": c.QueueBytes == 0, "PushWindow": c.PushWindow == 0,
		"PingInterval": c.PingInterval == 0, "SocketTimeout": c.SocketTimeout == 0, "HelloTimeout": c.HelloTimeout == 0,
		"FrameRate": c.FrameRate == 0, "FrameBurst": c.FrameBurst == 0, "RestartSpread": c.RestartSpread == 0,
		"ReadBuffer": c.ReadBuffer == 0, "SendBuffer": c.SendBuffer == 0, "WriteTimeout": c.WriteTimeout == 0,
	} {
		if missing {
			panic("ws: Config." + name + " is zero: call settings.Defaults first")
		}
	}
}
