package natsconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	connectTimeout = 2 * time.Second
	writeTimeout   = 2 * time.Second
	reconnectWait  = 250 * time.Millisecond
	pingInterval   = 2 * time.Second // interval between two pings; after maxPings without a response, a server counts as lost
	maxPings       = 2
)

// Config configures a connection.
type Config struct {
	Settings
	Secrets
	Name string       // name of the connection, which operators of the servers see
	Log  *slog.Logger // receives the messages of the program; nil: none
}

// Open returns a connection that reconnects until it is closed. If no server can be reached, it returns a connection that
// continues to try. It fails only if the settings cannot be used.
func Open(c Config) (*nats.Conn, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	conn, err := nats.Connect(strings.Join(c.NatsURL, ","), c.options()...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return conn, nil
}

func (c *Config) options() []nats.Option {
	options := []nats.Option{
		nats.Name(c.Name), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.Timeout(connectTimeout),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(maxPings),
		nats.FlusherTimeout(writeTimeout), nats.ReconnectOnFlusherError(),
		nats.ReconnectBufSize(-1),   // nothing is sent later
		nats.IgnoreAuthErrorAbort(), // the credentials at the server may be repaired
		nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(conn *nats.Conn, err error) {
			if !conn.IsClosed() {
				c.Log.Warn("connection to NATS lost, connecting again", slog.Any("error", err))
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			c.Log.Warn("NATS server cannot be reached, trying again", slog.Any("error", err))
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			c.Log.Info("connected to NATS", slog.String("address", conn.ConnectedUrlRedacted()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !errors.Is(err, nats.ErrSlowConsumer) { // its subscriber notices the loss itself
				c.Log.Warn("NATS reported an error", slog.Any("error", err))
			}
		}),
	}
	if c.secure() {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if c.NatsCA != "" {
		options = append(options, nats.RootCAs(c.NatsCA))
	}
	if c.NatsCert != "" {
		options = append(options, nats.ClientCert(c.NatsCert, c.NatsKey))
	}
	switch {
	case c.NatsUser != "":
		options = append(options, nats.UserInfo(c.NatsUser, c.Password))
	case c.NatsCredentials != "":
		options = append(options, nats.UserCredentials(c.NatsCredentials))
	case c.Token != "":
		options = append(options, nats.Token(c.Token))
	}
	return options
}
