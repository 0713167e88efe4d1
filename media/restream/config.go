package restream

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"roomlog/internal/dialguard"
	"roomlog/internal/limit"
	"roomlog/internal/settings"
	"roomlog/media"
	"roomlog/media/rtmp"
)

// Source provides the frames of a broadcast. *media.Server implements it.
type Source interface {
	Follow(b media.Broadcast) (*media.Player, error)
}

// Config configures a Pusher. Service, Now and Log are required.
type Config struct {
	// Service identifies all nodes of this service, see Sealer.Service.
	Service string
	Now     func() time.Time
	Log     *slog.Logger
	// Roots verifies the certificates of RTMPS servers; nil means the roots of the system.
	Roots *x509.CertPool

	RestreamNetworks []string `help:"Networks inside the network of the operator in which restream targets may be, like 10.1.0.0/16. Default: targets must have public addresses."`
	// RestreamRetry and RestreamRetryMax bound the pauses between two connections to a target.
	RestreamRetry    time.Duration `default:"1s"`
	RestreamRetryMax time.Duration `default:"1m"`
	// DialTimeout is the time to connect, with the TLS handshake.
	DialTimeout time.Duration `default:"10s"`
	// Stop is the time that a connection has to end after its broadcast has ended or its target was removed.
	Stop time.Duration `default:"500ms"`
	RTMP rtmp.Config
}

// CheckSettings returns an error if RestreamNetworks are not networks.
func (c *Config) CheckSettings() error {
	if _, err := limit.ParseProxies(c.RestreamNetworks); err != nil {
		return fmt.Errorf("--restream-networks: %w", err)
	}
	return nil
}

func (c Config) withDefaults() (Config, *dialguard.Guard, error) {
	settings.Defaults(&c)
	if c.Service == "" || c.Now == nil || c.Log == nil {
		return c, nil, errors.New("restream: Service, Now and Log of Config are required")
	}
	networks, err := limit.ParseProxies(c.RestreamNetworks)
	if err != nil {
		return c, nil, fmt.Errorf("restream: %w", err)
	}
	c.RTMP.Now = c.Now
	return c, &dialguard.Guard{Networks: networks}, nil
}
