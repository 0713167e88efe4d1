package serve

import (
	"context"
	"path/filepath"
	"strings"

	"roomlog/api"
	"roomlog/api/token"
	"roomlog/internal/limit"
	"roomlog/projections/delivery"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/native"
	"roomlog/realtime/socketio"
	"roomlog/realtime/ws"
)

// sockets are the servers of both WebSocket dialects, and what they share.
type sockets struct {
	native     *native.Server
	socketio   *socketio.Server
	deliveries *delivery.Recorder
}

// openSockets opens the servers of both WebSocket dialects, which share limiter.
func (c *config) openSockets(ctx context.Context, env *environment, b *backend, l *layers, tokens *token.Issuer, rest *api.API, limiter limit.Clients) (s sockets, err error) {
	hub, err := hub.New(c.hubConfig(env, b, tokens))
	if err != nil {
		return s, err
	}
	if s.deliveries, err = delivery.New(delivery.Config{Tables: delivery.NewTables(b.store.Pool()), Now: b.now, Log: env.log}); err != nil {
		return s, err
	}
	chat, err := chat.New(c.chatConfig(env, b, hub))
	if err != nil {
		return s, err
	}
	if s.native, err = native.New(c.nativeConfig(env, b, hub, chat, rest, s.deliveries, limiter)); err != nil {
		return s, err
	}
	if s.socketio, err = socketio.New(c.socketioConfig(env, b, hub, chat, s.deliveries, limiter)); err != nil {
		return s, err
	}
	l.run(ctx, "deliveries", s.deliveries.Run)
	l.run(ctx, "hub", hub.Run)
	l.run(ctx, "chat", chat.Run)
	l.run(ctx, "native", s.native.Run)
	l.run(ctx, "socketio", s.socketio.Run)
	return s, nil
}

func (c *config) socketioConfig(env *environment, b *backend, hub *hub.Hub, chat *chat.Chat, deliveries *delivery.Recorder, limiter ws.Limiter) socketio.Config {
	assets := c.Assets
	if assets == "" {
		assets = filepath.Join(env.dataDir, "assets")
	}
	config := c.socketio
	config.Deliveries = deliveries
	config.Hub, config.Chat, config.Queries, config.Cluster = hub, chat, b.queries, b.cluster
	config.Now, config.Log = env.sh.Now, env.log
	config.Assets, config.Engine.Sockets.Limiter = assets, limiter
	return config
}

func (c *config) hubConfig(env *environment, b *backend, tokens *token.Issuer) hub.Config {
	config := c.hub
	config.Store, config.Commands, config.ClientCommands, config.Queries, config.Feed = b.store, b.sequencer, b.clients, b.queries, b.feed
	config.Admission, config.Cluster, config.Now, config.Log, config.Tracer = b.admission, b.cluster, b.now, env.log, b.tracer
	config.Verify = func(token string) (hub.Identity, error) {
		user, session, err := tokens.Verify(token)
		return hub.Identity{User: user, Session: session, Expires: tokens.Until(token)}, err
	}
	return config
}

func (c *config) chatConfig(env *environment, b *backend, hub *hub.Hub) chat.Config {
	config := c.chat
	config.Hub, config.Store, config.Commands, config.ClientCommands, config.Queries = hub, b.store, b.sequencer, b.clients, b.queries
	config.Cluster, config.Now, config.Log, config.UploadURL = b.cluster, env.sh.Now, env.log, c.uploadsURL()
	return config
}

func (c *config) nativeConfig(env *environment, b *backend, hub *hub.Hub, chat *chat.Chat, rest *api.API, deliveries *delivery.Recorder, limiter ws.Limiter) native.Config {
	sockets := c.socketio.Engine.Sockets
	sockets.Limiter = limiter
	return native.Config{
		Hub: hub, Chat: chat, Store: b.store, Queries: b.queries, Feed: b.feed, Now: env.sh.Now, Log: env.log,
		EnterCommand: rest.EnterCommand, Deliveries: deliveries, Sockets: sockets,
	}
}

// uploadsURL returns the beginning of the URLs of uploaded files, or "" if there is no public URL.
func (c *config) uploadsURL() string {
	if c.api.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.api.PublicURL, "/") + uploadsPath
}

// uploadsPath is the beginning of the paths of uploaded files.
const uploadsPath = "/uploads/"
