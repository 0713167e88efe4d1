package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"roomlog/media/rtmp"
)

const acceptPause = 20 * time.Millisecond // when there is nothing to accept with, such as file descriptors

// errApp refuses what is published elsewhere than under the one app.
var errApp = errors.New("media: no such app")

// ServeRTMP accepts RTMP connections until ctx ends. Then it closes ln and all connections, and returns
// nil when they are gone. Run must be running.
func (s *Server) ServeRTMP(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			conns.Go(func() { s.serveRTMP(ctx, conn) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept rtmp: %w", err)
		default:
			s.cfg.Log.WarnContext(ctx, "cannot accept", slog.Any("err", err))
			time.Sleep(acceptPause)
		}
	}
}

// session is one RTMP connection.
type session struct {
	*Server
	raw    net.Conn
	conn   *rtmp.Conn
	client Client
}

func (s *Server) serveRTMP(ctx context.Context, raw net.Conn) {
	client := Client{ID: newID(), Address: raw.RemoteAddr().String(), Protocol: RTMP}
	defer s.catch(client)
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	back, ok := s.lobby.take(client.Address)
	if !ok {
		s.refuse(ctx, "connection", client, ErrLimitReached)
		return
	}
	defer back()
	c := &session{s, raw, rtmp.NewConn(raw, s.cfg.RTMP), client}
	if err := c.serve(ctx, back); err != nil {
		s.cfg.Log.DebugContext(ctx, "rtmp connection ended", slog.String("client", client.ID),
			slog.String("address", client.Address), slog.Any("err", err))
	}
}

// serve takes a connection from its handshake to its end. back gives its place in the lobby back, as soon
// as it is known what it wants.
func (c *session) serve(ctx context.Context, back func()) error {
	hello, err := c.conn.ReadConnect()
	if err != nil {
		return err
	}
	c.client.Fields = hello.Fields
	err = c.asks(ctx, func(ctx context.Context) error {
		return c.cfg.Authorizer.AuthorizeConnect(ctx, ConnectRequest{Client: c.client, App: hello.App})
	})
	if err != nil {
		c.refuse(ctx, "connect", c.client, err)
		c.conn.Reject("Connection rejected.")
		return nil
	}
	defer c.hub.tellConnected(c.client)()
	r, err := c.conn.ReadRequest()
	if err != nil {
		return err
	}
	c.client.Args = r.Args
	seat, ok := c.Server.seats.take(c.client.Address)
	if !ok {
		c.no(ctx, r, ErrLimitReached)
		return nil
	}
	defer seat()
	back()
	if r.Publish {
		return c.publish(ctx, r)
	}
	return c.play(ctx, r)
}

// ask asks the gate.
func (c *session) ask(ctx context.Context, r rtmp.Request) error {
	if r.App != App {
		return errApp
	}
	return c.asks(ctx, func(ctx context.Context) error {
		if r.Publish {
			return c.cfg.Authorizer.AuthorizePublish(ctx, PublishRequest{Client: c.client, Key: r.Name, Sign: r.Args.Get("sign")})
		}
		return c.cfg.Authorizer.AuthorizePlay(ctx, PlayRequest{Client: c.client, Key: r.Name, Sign: r.Args.Get("sign")})
	})
}

// no refuses a request with the code that clients know.
func (c *session) no(ctx context.Context, r rtmp.Request, err error) {
	what, unauthorized, failed, noApp := "play", rtmp.PlayUnauthorized, rtmp.PlayFailed, rtmp.PlayNotFound
	if r.Publish {
		what, unauthorized, failed, noApp = "publish", rtmp.PublishUnauthorized, rtmp.PublishFailed, rtmp.PublishBadName
	}
	c.refuse(ctx, what, c.client, err)
	switch {
	case errors.Is(err, ErrAlreadyPublishing):
		c.conn.Refuse(rtmp.PublishBadName, "Stream already publishing")
	case errors.Is(err, errApp):
		c.conn.Refuse(noApp, "No such app")
	case errors.Is(err, ErrUnavailable):
		c.conn.Refuse(failed, "Try again later")
	default:
		c.conn.Refuse(unauthorized, "Authorization required.")
	}
}

// publish takes a publisher's media until it ends.
func (c *session) publish(ctx context.Context, r rtmp.Request) error {
	asked := c.cfg.Now()
	err := c.ask(ctx, r)
	var f *feed
	if err == nil {
		f, err = c.hub.publish(r.Name, c.client, asked, func() { _ = c.conn.Close() })
	}
	if err != nil {
		c.no(ctx, r, err)
		return nil
	}
	defer func() {
		if ctx.Err() != nil { // it was not the connection's fault
			f.close(ReasonShutdown)
		}
		f.close(ReasonLost)
	}()
	if err := c.conn.Accept(); err != nil {
		return err
	}
	for {
		m, err := c.conn.ReadMedia()
		if errors.Is(err, rtmp.ErrDone) {
			f.close(ReasonStopped)
			c.conn.Finish()
			return nil
		}
		if err == nil {
			err = f.write(m.Type, m.Time, m.Data)
		}
		if err != nil {
			return err
		}
	}
}

// play gives a player its frames until it, or the stream, ends.
func (c *session) play(ctx context.Context, r rtmp.Request) error {
	asked := c.cfg.Now()
	err := c.ask(ctx, r)
	var p *Player
	if err == nil {
		p, err = c.hub.join(joining{key: r.Name, client: c.client, asked: asked, hangUp: func() { _ = c.conn.Close() }})
	}
	if err != nil {
		c.no(ctx, r, err)
		return nil
	}
	defer c.hub.leave(p, ReasonLost)
	narrow(c.raw)
	if err := c.conn.Accept(); err != nil {
		return err
	}
	var delivery sync.WaitGroup
	defer delivery.Wait()
	delivery.Go(func() {
		defer c.catch(c.client)
		defer c.hub.leave(p, ReasonLost)
		c.deliver(p)
	})
	err = c.conn.Serve()
	why := ReasonLost
	if errors.Is(err, rtmp.ErrDone) {
		why = ReasonStopped
	}
	c.hub.leave(p, why)
	_ = c.conn.Close()
	return err
}

// deliver writes frames in chunks that all players share.
func (c *session) deliver(p *Player) {
	parts := make([][]byte, 0, batchFrames)
	why := p.deliver(func(frames []*Frame) (int64, error) {
		parts = parts[:0]
		for _, f := range frames {
			parts = append(parts, f.rtmp())
		}
		out := net.Buffers(parts)
		return c.conn.Write(&out)
	})
	c.hub.leave(p, why)
	if why == ReasonEnded {
		c.conn.Finish()
	} else {
		_ = c.conn.Close()
	}
}
