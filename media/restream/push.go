package restream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"roomlog/internal/dialguard"
	"roomlog/internal/loglimit"
	"roomlog/internal/netconn"
	"roomlog/internal/wait"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

const (
	sendBuffer = 512 << 10 // size in bytes of the kernel's send buffer of a connection

	// ServiceField is the field of the connect command with the id of the service that pushes, see Sealer.Service.
	ServiceField = "roomlogService"
)

// Errors that end a connection. Their texts are the reasons of a State.
var (
	errSlow = errors.New("the target accepts data too slowly")
	errLost = errors.New("the connection was lost")

	errEnded = errors.New("the broadcast has ended, or its target was removed") // not a failure
)

// errCodec says that a target does not take a codec.
type errCodec flv.Codec

func (e errCodec) Error() string { return "the target does not take the codec " + string(e) }

// push pushes one broadcast to one target. Only run changes it.
type push struct {
	cfg       *Config
	guard     *dialguard.Guard
	source    Source
	live      int64
	broadcast media.Broadcast
	to        Named
	stop      chan struct{} // closed to end the push
	state     *tracker
	cause     loglimit.Cause
}

func newPush(cfg *Config, guard *dialguard.Guard, source Source, total *counters, live int64, b media.Broadcast, to Named) *push {
	return &push{cfg: cfg, guard: guard, source: source, live: live, broadcast: b, to: to, stop: make(chan struct{}),
		state: &tracker{now: cfg.Now, total: total, state: State{Name: to.Name, Status: Connecting, Since: cfg.Now()}}}
}

// run connects again and again until the broadcast has ended, stop is closed or ctx ends.
func (p *push) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	cfg := p.cfg
	backoff := wait.Backoff{Min: cfg.RestreamRetry, Max: cfg.RestreamRetryMax}
	for {
		began := cfg.Now()
		err := p.connect(ctx)
		if ctx.Err() != nil || errors.Is(err, errEnded) {
			return
		}
		p.state.failed()
		p.state.set(Failed, reasonOf(err))
		p.log(ctx, err)
		if cfg.Now().Sub(began) > cfg.RestreamRetryMax {
			backoff.Reset() // the connection has worked for some time
		}
		if !backoff.Wait(ctx) {
			return
		}
		p.state.reconnecting()
	}
}

// log logs that pushing has failed for another reason than before, or that it succeeds again.
func (p *push) log(ctx context.Context, err error) {
	if !p.cause.Changed(err) {
		return
	}
	log := p.cfg.Log.With(slog.Int64("live_id", p.live), slog.String("broadcast_id", p.broadcast.ID), slog.String("target", p.to.Name))
	if err != nil {
		log.WarnContext(ctx, "pushing a broadcast to a target failed, retrying", slog.String("error", reasonOf(err)))
	} else {
		log.InfoContext(ctx, "a target receives a broadcast again")
	}
}

// connect makes one connection and pushes until it ends. It returns errEnded if the broadcast has ended.
func (p *push) connect(ctx context.Context) error {
	if p.to.Fault != nil {
		return p.to.Fault
	}
	player, err := p.source.Follow(p.broadcast)
	if err != nil {
		return errEnded
	}
	defer player.Close()
	conn, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() {
		player.Close()
		time.AfterFunc(p.cfg.Stop, func() { _ = netconn.CloseNow(conn) })
	})()
	target := p.to.Target
	publisher, err := rtmp.Publish(conn, *p.cfg.RTMP, rtmp.Publication{
		URL: withQuery(target.URL, target.Secret.Query), App: target.app(), Name: target.Secret.Name,
		Fields: amf.Object{"fourCcList": amf.Array{"*"}, ServiceField: p.cfg.Service},
	})
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		served <- publisher.Serve()
		player.Close() // ends deliver
	}()
	err = p.deliver(ctx, player, publisher)
	ended := errors.Is(err, io.EOF) || ctx.Err() != nil
	if ended {
		publisher.Finish()
	} else {
		_ = netconn.CloseNow(conn)
	}
	switch lost := <-served; {
	case ended:
		return errEnded
	case errors.Is(err, media.ErrEnded): // Serve has ended first
		return errors.Join(errLost, lost)
	}
	return err
}

// dial connects to the server of the target.
func (p *push) dial(ctx context.Context) (net.Conn, error) {
	cfg := p.cfg
	address, host, secure, err := p.to.Target.server()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	conn, err := p.guard.Dialer().DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
	if !secure {
		return conn, nil
	}
	over := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12})
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return over, nil
}

// deliver writes the frames of the broadcast until the connection, the player or the broadcast ends. It returns io.EOF at the end
// of the broadcast.
func (p *push) deliver(ctx context.Context, player *media.Player, to *rtmp.Publisher) error {
	var frames []*media.Frame
	var messages []rtmp.Message
	var clock clock
	var skips uint64
	for {
		var err error
		if frames, err = player.Next(frames); err != nil {
			return err
		}
		messages = messages[:0]
		for _, f := range frames {
			m, err := message(f, to)
			if err != nil {
				return err
			}
			m.Time = clock.place(f)
			messages = append(messages, m)
		}
		n, err := to.Write(messages)
		now := player.Skips()
		p.state.sent(n, now-skips)
		skips = now
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errSlow
		}
		if err != nil {
			return errors.Join(errLost, err)
		}
		p.state.set(Live, "")
		p.log(ctx, nil)
	}
}

// message returns the message for a frame without its time. It returns an error if the server does not take the codec.
func message(f *media.Frame, to *rtmp.Publisher) (rtmp.Message, error) {
	info, payload := f.Info(), f.Payload()
	if code, ok := flv.FourCC(info, payload); ok && !to.Takes(code) {
		return rtmp.Message{}, errCodec(info.Codec)
	}
	if info.Kind == flv.Script {
		payload = append(amf.Encode("@setDataFrame"), payload...)
	}
	return rtmp.Message{Type: info.Kind, Data: payload}, nil
}

// clock places frames on the timeline of a connection, which begins at 0 and never goes back.
type clock struct {
	begun bool
	first uint32    // time of the first coded frame in the broadcast
	last  [2]uint32 // times of the newest messages of the connection with audio and with video
}

// place returns the time of a frame in milliseconds. Headers get the time of the newest frame of their kind.
func (c *clock) place(f *media.Frame) uint32 {
	info := f.Info()
	last := &c.last[0]
	if info.Kind == flv.Video {
		last = &c.last[1]
	}
	if !info.Coded {
		return *last
	}
	if !c.begun {
		c.begun, c.first = true, f.Time()
	}
	if at := f.Time() - c.first; int32(at-*last) > 0 {
		*last = at
	}
	return *last
}

// reasonOf returns a reason for people. It contains nothing that a server has sent, except a status code.
func reasonOf(err error) string {
	var codec errCodec
	var refusal *rtmp.RefusedError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &codec):
		return codec.Error()
	case errors.As(err, &refusal):
		return refusal.Error()
	case errors.Is(err, ErrSealed):
		return ErrSealed.Error()
	case errors.Is(err, ErrAddress):
		return ErrAddress.Error()
	case errors.Is(err, dialguard.ErrForbidden):
		return "the address of the target is not permitted: it is inside a network that is not in --restream-networks"
	case errors.Is(err, errSlow):
		return errSlow.Error()
	case errors.Is(err, rtmp.ErrLimit), errors.Is(err, rtmp.ErrProtocol):
		return "the server breaks the protocol of RTMP, or sends too much"
	case errors.Is(err, errLost):
		return errLost.Error()
	case errors.As(err, &dns):
		return "the name of the server was not found"
	case errors.As(err, &cert):
		return fmt.Sprintf("the certificate of the server is not valid: %v", cert.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the server does not answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server has closed the connection before it accepted the stream"
	}
	return "the server cannot be reached"
}
