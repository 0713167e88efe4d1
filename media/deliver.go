package media

import (
	"errors"
	"io"
	"net"
	"os"

	"roomlog/internal/netconn"
)

// sendBuffer is the size in bytes of the kernel's send buffer for a player, which holds some seconds of a stream. With
// the default size, the kernel would buffer megabytes that a stalled player never reads.
const sendBuffer = 512 << 10

// limitSendBuffer sets the size of the kernel's send buffer to sendBuffer.
func limitSendBuffer(conn net.Conn) {
	if tcp, ok := netconn.Below(conn).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
}

// deliver passes batches of frames to write until the stream ends, the player is closed, or write returns an error. It
// returns the reason for which it ended.
func (p *Player) deliver(write func([]*Frame) (int64, error)) Reason {
	batch := make([]*Frame, 0, batchFrames+maxHeaders)
	for {
		frames, err := p.Next(batch)
		if errors.Is(err, io.EOF) {
			return ReasonEnded
		}
		if err != nil {
			return ReasonStopped // the code that closed the player has recorded the actual reason
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
