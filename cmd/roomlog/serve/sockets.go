package serve

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	"roomlog/api"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/native"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// openSockets opens the servers of both WebSocket dialects. They share one connection limit.
func (c *Command) openSockets(ctx context.Context, env *environment, b *backend, l *layers, s *servers, tokens *api.Tokens, proxies api.Proxies) error {
	limit := ws.NewGate(ws.GateConfig{
		Origins: c.CORSOrigins, MaxConns: c.MaxConnections, MaxPerAddress: c.MaxConnectionsPerAddress,
		Address: func(r *http.Request) string { return proxies.ClientAddr(r).String() },
	})
	hub, err := hub.New(c.hubConfig(env, b, tokens))
	if err != nil {
		return err
	}
	chat, err := chat.New(c.chatConfig(env, b, hub))
	if err != nil {
		return err
	}
	if s.native, err = native.New(c.nativeConfig(env, b, hub, chat, limit)); err != nil {
		return err
	}
	if s.socketio, err = socketio.New(c.socketioConfig(env, b, hub, chat, limit)); err != nil {
		return err
	}
	l.run(ctx, "hub", hub.Run)
	l.run(ctx, "chat", chat.Run)
	l.run(ctx, "native", s.native.Run)
	l.run(ctx, "socketio", s.socketio.Run)
	return nil
}

func (c *Command) socketioConfig(env *environment, b *backend, hub *hub.Hub, chat *chat.Chat, limit *ws.Gate) socketio.Config {
	assets := c.Assets
	if assets == "" {
		assets = filepath.Join(env.dataDir, "assets")
	}
	return socketio.Config{
		Hub: hub, Chat: chat, Queries: b.queries, Now: env.sh.Now, Log: env.log, Assets: assets,
		Engine: engineio.Config{
			Gate: limit, MaxPayload: c.MaxPayload, MaxPolling: c.MaxPolling, PingInterval: c.PingInterval, PingTimeout: c.PingTimeout,
			BodyTimeout: c.BodyTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst,
			Sockets: ws.Config{QueueBytes: c.QueueBytes, RestartSpread: c.RestartSpread, PushWindow: c.PushWindow},
		},
		Guests: c.GuestChat, Listed: c.ListedViewers, Crowd: c.LargeLive, Interval: c.JoinBatchInterval,
	}
}

func (c *Command) hubConfig(env *environment, b *backend, tokens *api.Tokens) hub.Config {
	return hub.Config{
		Store: b.store, Commands: b.sequencer, Queries: b.queries, Feed: b.feed, Now: env.sh.Now, Log: env.log, Node: b.node,
		Verify: func(token string) (hub.Identity, error) {
			user, session, err := tokens.Verify(token)
			return hub.Identity{User: user, Session: session, Expires: tokens.Until(token)}, err
		},
		MaxConnectionsPerUser: c.MaxConnectionsPerUser, MaxLivesPerConnection: c.MaxLivesPerConnection,
		CommentRate: c.CommentRate, CommentBurst: c.CommentBurst, GiftRate: c.GiftRate, GiftBurst: c.GiftBurst,
		LargeLive: c.LargeLive, JoinBatchInterval: c.JoinBatchInterval, PresenceGrace: c.PresenceGrace,
	}
}

func (c *Command) chatConfig(env *environment, b *backend, hub *hub.Hub) chat.Config {
	return chat.Config{
		Hub: hub, Store: b.store, Commands: b.sequencer, Queries: b.queries, Now: env.sh.Now, Log: env.log,
		MessageRate: c.MessageRate, MessageBurst: c.MessageBurst, TypingRate: c.TypingRate,
		MaxChatRooms: c.MaxChatRooms, RoomsPerAddress: c.RoomsPerAddress, Uploads: c.uploadsURL(),
	}
}

func (c *Command) nativeConfig(env *environment, b *backend, hub *hub.Hub, chat *chat.Chat, limit *ws.Gate) native.Config {
	return native.Config{
		Hub: hub, Chat: chat, Store: b.store, Queries: b.queries, Feed: b.feed, Now: env.sh.Now, Log: env.log, Gate: limit,
		Sockets: ws.Config{
			MaxMessage: c.MaxMessage, QueueBytes: c.QueueBytes, HelloTimeout: c.HelloTimeout, PingInterval: c.PingInterval,
			SocketTimeout: c.SocketTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst, RestartSpread: c.RestartSpread,
			PushWindow: c.PushWindow, Deflate: c.Deflate,
		},
	}
}

// uploadsURL returns the prefix of the addresses of uploaded files, or "" without a public URL.
func (c *Command) uploadsURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.PublicURL, "/") + "/uploads/"
}
