package rtmp

import (
	"crypto/rand"
	"fmt"
	"io"
)

const (
	version       = 3 // version of plain RTMP; versions 6 and 8 are encrypted
	handshakeSize = 1536
)

// handshake performs the handshake. It does not verify that the client echoes our bytes, because many clients send
// other bytes.
func handshake(rw io.ReadWriter) error {
	var theirs [1 + handshakeSize]byte
	if _, err := io.ReadFull(rw, theirs[:1]); err != nil {
		return err
	}
	if theirs[0] != version {
		return fmt.Errorf("%w: version %d", ErrProtocol, theirs[0])
	}
	if _, err := io.ReadFull(rw, theirs[1:]); err != nil {
		return err
	}
	ours := make([]byte, 1+handshakeSize, 1+2*handshakeSize)
	ours[0] = version
	_, _ = rand.Read(ours[1+8:]) // after the time and four zeros, which mean "no digest"
	if _, err := rw.Write(append(ours, theirs[1:]...)); err != nil {
		return err
	}
	_, err := io.ReadFull(rw, theirs[1:])
	return err
}

// handshakeAsClient performs the handshake of a client, which reads from r and writes to w.
func handshakeAsClient(r io.Reader, w io.Writer) error {
	ours := make([]byte, 1+handshakeSize)
	ours[0] = version
	_, _ = rand.Read(ours[1+8:])
	if _, err := w.Write(ours); err != nil {
		return err
	}
	var theirs [1 + 2*handshakeSize]byte
	if _, err := io.ReadFull(r, theirs[:]); err != nil {
		return err
	}
	if theirs[0] != version {
		return fmt.Errorf("%w: version %d", ErrProtocol, theirs[0])
	}
	_, err := w.Write(theirs[1 : 1+handshakeSize])
	return err
}
