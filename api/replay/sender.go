package replay

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"

	"roomlog/internal/contentcoding"
)

// errReaderLost means that a write to the client failed or timed out.
var errReaderLost = errors.New("the reader was disconnected")

const chunkBytes = 32 << 10 // size in bytes of a chunk, which is sent with one write

// sender sends a response to one client, compressed if the client accepts that. Each chunk has a deadline.
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
	zip     compressor    // nil if the response is not compressed
	timeout time.Duration // maximum time for sending a chunk; then the client is disconnected
}

func newSender(c Config, w http.ResponseWriter, request Request) sender {
	s := sender{w: w, control: http.NewResponseController(w), now: c.Now, timeout: c.WriteTimeout}
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if s.zip = newCompressor(request.Coding, w); s.zip != nil {
		h.Set("Content-Encoding", request.Coding)
	}
	return s
}

// compressor compresses what is written to it.
type compressor interface {
	io.WriteCloser
	Flush() error // writes everything so far, so that the client can decompress it
}

// zstdWindow bounds the memory of a stream, in bytes. It is far below the 8 MiB that clients must support (RFC 9659).
const zstdWindow = 256 << 10

// newCompressor returns a compressor, or nil for no coding.
func newCompressor(coding string, w io.Writer) compressor {
	switch coding {
	case contentcoding.Gzip:
		zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
		return zip
	case contentcoding.Zstd:
		zip, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), // the options are valid
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		return zip
	}
	return nil
}

// send sends one chunk, without waiting for further chunks.
func (s *sender) send(chunk []byte) error {
	if err := s.control.SetWriteDeadline(s.now().Add(s.timeout)); err != nil {
		return errors.Join(errReaderLost, err)
	}
	to := io.Writer(s.w)
	if s.zip != nil {
		to = s.zip
	}
	_, err := to.Write(chunk)
	if err == nil && s.zip != nil {
		err = s.zip.Flush()
	}
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		return errors.Join(errReaderLost, err)
	}
	return nil
}

// end ends a complete response. Without it, a client notices that a compressed response is incomplete. The server sends the end when the
// handler has returned, within the deadline of a chunk.
func (s *sender) end() {
	_ = s.control.SetWriteDeadline(s.now().Add(s.timeout)) // fails only if the client has disconnected
	if s.zip != nil {
		_ = s.zip.Close() // fails only if the client has disconnected
	}
}
