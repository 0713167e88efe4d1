package media

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// sendBuffer is what the kernel may hold for a player: seconds of a stream. What it chooses by itself hides
// megabytes of a player that takes nothing.
const sendBuffer = 512 << 10

// narrow bounds what the kernel holds for a player.
func narrow(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
}

// deliver hands batches of frames to write until there are no more, and says why. An error of write ends
// it: that a player did not take them in time, or that its connection broke.
func (p *Player) deliver(write func([]*Frame) (int64, error)) Reason {
	batch := make([]*Frame, 0, batchFrames+maxHeaders)
	for {
		frames, err := p.Next(batch)
		if errors.Is(err, io.EOF) {
			return ReasonEnded
		}
		if err != nil {
			return ReasonStopped // somebody closed it, and said why
		}
		n, err := write(frames)
		p.bytes.Add(uint64(n))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ReasonStalled
		}
		if err != nil {
			return ReasonLost
		}
	}
}

// tellConnected tells that an RTMP client has connected; what it returns tells that it has gone.
func (h *hub) tellConnected(c Client) func() {
	tell := h.cfg.ConnectObserver
	if tell == nil || !h.notices.may(func(ctx context.Context) { tell.Connected(ctx, c) }) {
		return func() {}
	}
	return func() { h.notices.must(func(ctx context.Context) { tell.Disconnected(ctx, c) }) }
}
