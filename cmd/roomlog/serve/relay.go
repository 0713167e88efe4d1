package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/relay"
)

// relays contains the parts that read streams and recordings of other nodes, and the server that sends those of this
// node to other nodes.
type relays struct {
	nodes      *broadcasts.Nodes
	recordings relay.Recordings
	puller     *relay.Puller // pulls streams from other nodes; nil if this process does not have the role media
	url        string        // internal URL of this node; "" if it serves no other nodes
}

// openRelays creates the parts that find and read streams and recordings of other nodes. Without the role media, it
// creates only the parts for recordings.
func (c *config) openRelays(env *environment, b *backend, signer *media.Signer, internal net.Listener) (*relays, error) {
	roots, err := c.relaySettings.roots()
	if err != nil {
		return nil, err
	}
	r, client := &relays{}, relay.NewClient(roots)
	isMedia := slices.Contains(c.Roles, roleMedia)
	if r.url = c.MediaInternalURL; r.url == "" && internal != nil {
		r.url = "http://" + internal.Addr().String()
	}
	r.nodes = broadcasts.NewNodes(b.cluster, b.queries, r.url, b.now)
	r.recordings = relay.Recordings{Node: b.node, Signer: signer, Client: client, Log: env.log, Forget: r.nodes.ForgetRecording,
		Find: func(ctx context.Context, folder, id string) (relay.Origin, error) {
			return r.nodes.Recording(ctx, folder, domain.RecordingID(id))
		}}
	if !isMedia {
		return r, nil
	}
	config := relay.Config{Settings: c.relaySettings.Settings, Node: b.node, Signer: signer, Origins: r.nodes, Now: b.now, Grace: c.media.StreamGrace, Client: client, Log: env.log}
	r.puller, err = relay.New(config)
	return r, err
}

// handler returns the handler of the requests of other nodes, or nil if this node serves none.
func (r *relays) handler(env *environment, b *backend, signer *media.Signer, server *media.Server, files http.Handler) http.Handler {
	if r.url == "" {
		return nil
	}
	return relay.NewHandler(relay.HandlerConfig{Node: b.node, Signer: signer, Server: server, Recordings: files, Now: b.now, Log: env.log})
}

// checkRelay returns an error if --media-internal-url or --media-internal-addr is set without a setting that it needs.
func (c *config) checkRelay(sources *cli.Sources) error {
	var faults []error
	isMedia := slices.Contains(c.Roles, roleMedia)
	for _, one := range []struct{ flag, value string }{{"media-internal-url", c.MediaInternalURL}, {"media-internal-addr", c.MediaInternalAddr}} {
		if one.value != "" && !isMedia {
			faults = append(faults, fmt.Errorf("%s needs the role media (--roles)", sources.NameOf(one.flag)))
		}
	}
	if c.internalTLS() && !c.certificate.Set() {
		faults = append(faults, fmt.Errorf("%s with https:// and %s needs --tls-cert and --tls-key, or --acme-domains", sources.NameOf("media-internal-url"), sources.NameOf("media-internal-addr")))
	}
	return errors.Join(faults...)
}
