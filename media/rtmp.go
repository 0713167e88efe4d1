package media

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
	"roomlog/internal/wait"
	"roomlog/media/rtmp"
)

const acceptPause = 20 * time.Millisecond // wait after Accept has failed, for example because there are no file descriptors left

// ServeRTMP accepts RTMP connections, or RTMPS connections of a TLS listener, until ctx ends. Then it closes ln and all connections, waits for them, and
// returns nil. Run must be running.
func (s *Server) ServeRTMP(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			conns.Go(func() { serveRTMP(ctx, s.core, conn) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept RTMP: %w", err)
		default:
			s.core.cfg.Log.WarnContext(ctx, "accepting an RTMP connection failed, retrying", slog.Any("error", err))
			wait.Sleep(ctx, acceptPause)
		}
	}
}

// rtmpSession is one RTMP connection.
type rtmpSession struct {
	*core
	raw    net.Conn
	conn   *rtmp.Conn
	client Client

	release func() // releases the slot of a pending connection
}

func serveRTMP(ctx context.Context, c *core, raw net.Conn) {
	client := Client{ID: newID(), Address: raw.RemoteAddr().String(), Protocol: RTMP}
	defer c.recoverConn(client)
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	release, err := c.acquirePending(client, raw)
	if err != nil {
		c.countRefusal(ctx, "connect", client, err)
		return
	}
	if err := handshake(ctx, c, raw); err != nil {
		release()
		return
	}
	s := &rtmpSession{core: c, raw: raw, conn: rtmp.NewConn(raw, c.cfg.RTMP), client: client, release: release}
	defer func() { s.release() }()
	if err := s.serve(ctx); err != nil {
		c.cfg.Log.DebugContext(ctx, "RTMP connection ended", slog.String("connection_id", client.ID),
			slog.String("remote_addr", client.Address), slog.Any("error", err))
	}
}

// handshake does the TLS handshake of an RTMPS connection, for which the client has as long as for the RTMP handshake.
func handshake(ctx context.Context, c *core, raw net.Conn) error {
	secure, ok := raw.(*tls.Conn)
	if !ok {
		return nil
	}
	if err := raw.SetDeadline(c.cfg.Now().Add(c.cfg.RTMP.HandshakeTimeout)); err != nil {
		return err
	}
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	return raw.SetDeadline(time.Time{})
}

// serve handles a connection from the handshake to the end.
func (s *rtmpSession) serve(ctx context.Context) error {
	connect, err := s.conn.ReadConnect()
	if err != nil {
		return err
	}
	s.client.Fields = connect.Fields
	err = s.authorize(ctx, func(ctx context.Context) error {
		return s.cfg.Authorizer.AuthorizeConnect(ctx, ConnectRequest{Client: s.client, App: connect.App})
	})
	if err != nil {
		s.countRefusal(ctx, "connect", s.client, err)
		reason := "Connection rejected."
		if errors.Is(err, ErrLimitReached) {
			reason = "Too many connections from this address. Try again later."
		}
		s.conn.Reject(reason)
		return nil
	}
	defer s.hub.notifier.connected(s.client)()
	r, err := s.conn.ReadRequest()
	for err == nil {
		err = s.serveRequest(ctx, r)
		if !errors.Is(err, rtmp.ErrDone) {
			return err
		}
		if s.release, err = s.acquirePending(s.client, s.raw); err != nil {
			s.release = func() {}
			s.conn.Finish()
			return nil
		}
		r, err = s.conn.NextRequest()
	}
	if errors.Is(err, rtmp.ErrDone) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// serveRequest publishes or plays until the client ends. It returns rtmp.ErrDone if the client has ended publishing or playing
// and may send another request.
func (s *rtmpSession) serveRequest(ctx context.Context, r rtmp.Request) error {
	if r.App == "" && r.Name != App {
		r.App = App // the server has only one app
	}
	s.client.Args = r.Args
	if !r.Publish {
		s.client.User = SignUser(r.Args.Get("sign"))
	}
	if r.Publish {
		return s.publish(ctx, r)
	}
	return s.play(ctx, r)
}

// admitRequest authorizes a request and takes its slot. Until then the connection is pending and may give way to others.
func (s *rtmpSession) admitRequest(ctx context.Context, r rtmp.Request) (*limit.Slot, error) {
	if err := s.authorizeRequest(ctx, r); err != nil {
		return nil, err
	}
	slots := s.players
	if r.Publish {
		slots = s.sources
	}
	slot, err := acquire(slots, s.client)
	if err == nil {
		s.release() // the connection is no longer pending
	}
	return slot, err
}

func (s *rtmpSession) authorizeRequest(ctx context.Context, r rtmp.Request) error {
	switch r.App {
	case App:
	case "":
		return errNoKey
	default:
		return errUnknownApp
	}
	return s.authorize(ctx, func(ctx context.Context) error {
		if r.Publish {
			return s.cfg.Authorizer.AuthorizePublish(ctx, PublishRequest{Client: s.client, Key: r.Name, Sign: r.Args.Get("sign")})
		}
		return s.cfg.Authorizer.AuthorizePlay(ctx, PlayRequest{Client: s.client, Key: r.Name, Sign: r.Args.Get("sign")})
	})
}

// refuse refuses a request with the RTMP status code that clients expect for err.
func (s *rtmpSession) refuse(ctx context.Context, r rtmp.Request, err error) {
	command, unauthorized, failed, notFound := "play", rtmp.PlayUnauthorized, rtmp.PlayFailed, rtmp.PlayNotFound
	if r.Publish {
		command, unauthorized, failed, notFound = "publish", rtmp.PublishUnauthorized, rtmp.PublishFailed, rtmp.PublishFailed
	}
	s.countRefusal(ctx, command, s.client, err)
	switch {
	case errors.Is(err, ErrAlreadyPublishing):
		s.conn.Refuse(rtmp.PublishBadName, "Stream already publishing")
	case errors.Is(err, errUnknownApp):
		s.conn.Refuse(notFound, fmt.Sprintf("Unknown app %.80q: the address is rtmp://HOST/%s/KEY", r.App, App))
	case errors.Is(err, errNoKey):
		s.conn.Refuse(notFound, fmt.Sprintf("The stream key is missing: the address is rtmp://HOST/%s/KEY", App))
	case errors.Is(err, ErrUnavailable):
		s.conn.Refuse(failed, "Try again later")
	default:
		s.conn.Refuse(unauthorized, "Authorization required.")
	}
}

// publish authorizes a publisher and relays its media until the end. It returns rtmp.ErrDone if the client has ended
// publishing.
func (s *rtmpSession) publish(ctx context.Context, r rtmp.Request) error {
	requestedAt := s.cfg.Now()
	slot, err := s.admitRequest(ctx, r)
	defer slot.Release()
	var p *publication
	if err == nil {
		p, err = s.hub.publish(r.Name, s.client, requestedAt, func() { _ = s.conn.Close() })
	}
	if err != nil {
		s.refuse(ctx, r, err)
		return nil
	}
	defer func() {
		if ctx.Err() != nil { // the shutdown has closed the connection
			p.close(ReasonShutdown)
		}
		p.close(ReasonLost)
	}()
	if err := s.conn.Accept(); err != nil {
		return err
	}
	for {
		m, err := s.conn.ReadMedia()
		if errors.Is(err, rtmp.ErrDone) {
			p.close(ReasonStopped)
			return err
		}
		if err == nil {
			err = p.write(m.Type, m.Time, m.Data)
		}
		if err != nil {
			return err
		}
	}
}

// play authorizes a player and sends it the frames of a stream until the player or the stream ends. It returns rtmp.ErrDone if the
// client has ended playing.
func (s *rtmpSession) play(ctx context.Context, r rtmp.Request) error {
	requestedAt := s.cfg.Now()
	slot, err := s.admitRequest(ctx, r)
	defer slot.Release()
	var p *Player
	if err == nil {
		p, err = s.hub.join(playRequest{key: r.Name, client: s.client, requestedAt: requestedAt, slot: slot, disconnect: func() { _ = netconn.CloseNow(s.raw) }})
	}
	if err != nil {
		s.refuse(ctx, r, err)
		return nil
	}
	defer s.hub.leave(p, ReasonLost)
	limitSendBuffer(s.raw)
	if err := s.conn.Accept(); err != nil {
		return err
	}
	var ended atomic.Bool // whether the client has ended playing, and may play again
	var delivery sync.WaitGroup
	defer delivery.Wait()
	delivery.Go(func() {
		defer s.recoverConn(s.client)
		defer s.hub.leave(p, ReasonLost)
		s.deliver(p, &ended)
	})
	err = s.conn.Serve(p.receive)
	if errors.Is(err, rtmp.ErrDone) {
		ended.Store(true)
		s.hub.leave(p, ReasonStopped)
		return err
	}
	s.hub.leave(p, ReasonLost)
	_ = s.conn.Close()
	return err
}

// deliver writes frames as RTMP chunks until the player or the stream ends. All players share the bytes of the
// chunks. Then it closes the connection, unless the client itself has ended playing.
func (s *rtmpSession) deliver(p *Player, ended *atomic.Bool) {
	parts := make([][]byte, 0, batchFrames)
	reason := p.deliver(func(frames []*Frame) (int64, error) {
		parts = parts[:0]
		for _, f := range frames {
			parts = append(parts, f.rtmp())
		}
		out := net.Buffers(parts)
		return s.conn.Write(&out)
	})
	s.hub.leave(p, reason)
	switch {
	case reason == ReasonEnded:
		s.conn.Finish()
	case reason != ReasonStopped || !ended.Load():
		_ = s.conn.Close()
	}
}
