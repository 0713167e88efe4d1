package serve

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	"roomlog/api"
	"roomlog/realtime"
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
	var err error
	if s.realtime, err = realtime.New(c.realtimeConfig(env, b, tokens, limit)); err != nil {
		return err
	}
	if s.socketio, err = socketio.New(c.socketioConfig(env, b, s.realtime, limit)); err != nil {
		return err
	}
	l.run(ctx, "realtime", s.realtime.Run)
	l.run(ctx, "socketio", s.socketio.Run)
	return nil
}

func (c *Command) socketioConfig(env *environment, b *backend, rooms *realtime.Door, limit *ws.Gate) socketio.Config {
	assets := c.Assets
	if assets == "" {
		assets = filepath.Join(env.dataDir, "assets")
	}
	return socketio.Config{
		Rooms: rooms, Queries: b.queries, Now: env.sh.Now, Log: env.log, Assets: assets,
		Engine: engineio.Config{
			Gate: limit, MaxPayload: c.MaxPayload, MaxPolling: c.MaxPolling, PingInterval: c.PingInterval, PingTimeout: c.PingTimeout,
			BodyTimeout: c.BodyTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst,
			Sockets: ws.Config{QueueBytes: c.QueueBytes, RestartSpread: c.RestartSpread, FlushWindow: c.window()},
		},
		Guests: c.GuestChat, Listed: c.Listed, Crowd: c.Crowd, Interval: c.ListInterval,
	}
}

func (c *Command) realtimeConfig(env *environment, b *backend, tokens *api.Tokens, limit *ws.Gate) realtime.Config {
	return realtime.Config{
		Store: b.store, Commands: b.sequencer, Queries: b.queries, Feed: b.feed, Now: env.sh.Now, Log: env.log,
		Verify: func(token string) (realtime.Identity, error) {
			user, session, err := tokens.Verify(token)
			return realtime.Identity{User: user, Session: session, Expires: tokens.Until(token)}, err
		},
		Gate: limit,
		Sockets: ws.Config{
			MaxMessage: c.MaxMessage, QueueBytes: c.QueueBytes, HelloTimeout: c.HelloTimeout, PingInterval: c.PingInterval,
			IdleTimeout: c.SocketTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst, RestartSpread: c.RestartSpread,
			FlushWindow: c.window(), Deflate: c.Deflate,
		},
		MaxConnsPerUser: c.MaxConnectionsPerUser, MaxRooms: c.MaxRoomsPerConnection,
		CommentRate: c.CommentRate, CommentBurst: c.CommentBurst, GiftRate: c.GiftRate, GiftBurst: c.GiftBurst,
		MessageRate: c.MessageRate, MessageBurst: c.MessageBurst, TypingRate: c.TypingRate,
		MaxChatRooms: c.ChatRooms, RoomsPerAddress: c.RoomsPerAddress, Uploads: c.uploadsURL(),
		Crowd: c.Crowd, CrowdInterval: c.ListInterval, Grace: c.PresenceGrace, Node: b.node,
	}
}

// uploadsURL returns the prefix of the addresses of uploaded files, or "" without a public URL.
func (c *Command) uploadsURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.PublicURL, "/") + "/uploads/"
}
