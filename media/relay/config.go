package relay

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"roomlog/internal/settings"
	"roomlog/media"
)

// Settings are the settings of a Puller.
type Settings struct {
	MaxRelays int           `default:"500" min:"1" max:"100000" unit:"streams" help:"Maximum number of streams that this process relays from other nodes at the same time."`
	RelayIdle time.Duration `default:"10s" min:"100ms" max:"1h" help:"Time without players after which this process stops to relay a stream from another node."`
}

// Config configures a Puller. All fields but Client, Silence and Log are required.
type Config struct {
	Settings
	Node    string // name of this node
	Signer  *media.Signer
	Origins Origins
	Now     func() time.Time
	Grace   time.Duration // time for which players stay connected while the origin is lost; 0 or less: none
	Client  *http.Client  // see NewClient; nil: a client that trusts the certificates of the system
	// Silence is the time without data after which a connection to an origin is made again: the network may have dropped
	// it. If the encoder is lost, the new connection waits for it as well.
	Silence time.Duration `default:"10s"`
	Log     *slog.Logger  // receives the messages of the program; nil: none
}

func (c Config) withDefaults() (Config, error) {
	if c.Node == "" || c.Signer == nil || c.Origins == nil || c.Now == nil {
		return c, errors.New("relay: Node, Signer, Origins and Now of Config are required")
	}
	settings.Defaults(&c)
	if err := settings.Check(&c); err != nil {
		return c, err
	}
	if c.Client == nil {
		c.Client = NewClient(nil)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
