package httpserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"roomlog/internal/limit"
)

const (
	chunkBytes = 32 << 10 // bytes of a response that a client has to accept within StallTimeout

	// ignoredBodyBytes is the number of bytes up to which a body that no handler reads is read and discarded, so that
	// the connection can be used again.
	ignoredBodyBytes = 64 << 10
)

// limitHandler returns a handler that takes a slot for every request, and sets its deadlines before and while next handles it.
func limitHandler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, control: http.NewResponseController(w), config: &c, shared: r.ProtoMajor > 1}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		var reset func() bool
		if x.shared {
			reset = func() bool { cancel(); return x.reset() }
		}
		var err error
		x.request, err = connectionOf(ctx).begin(reset)
		defer x.finish()
		if err != nil {
			refuse(x, err)
			return
		}
		own := r.WithContext(limit.WithRequest(ctx, x.request)) // a copy, because the HTTP server needs the original body in its own request
		if r.Body != nil && r.Body != http.NoBody {
			x.startBody()
			own.Body = &body{ReadCloser: r.Body, exchange: x}
			if !takesBody(r.Method) && !dropBody(x, own.Body) {
				return
			}
		}
		c.Handler.ServeHTTP(x, own)
	})
}

// refuse writes the response to a request without a slot.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	if errors.Is(err, limit.ErrPerAddress) {
		status = http.StatusTooManyRequests
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(status)
}

func takesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// dropBody reads a body that no handler reads. Otherwise every such request would end its connection, and a long response
// would not notice that the client has disconnected. It reports whether the body was complete.
func dropBody(x *exchange, b io.Reader) bool {
	n, err := io.CopyN(io.Discard, b, ignoredBodyBytes+1)
	if errors.Is(err, io.EOF) {
		return true
	}
	status := http.StatusRequestTimeout
	if n > ignoredBodyBytes {
		status = http.StatusRequestEntityTooLarge
	}
	x.WriteHeader(status)
	return false
}

// exchange is one request with its response. It is the http.ResponseWriter of the handler.
type exchange struct {
	http.ResponseWriter
	control *http.ResponseController
	config  *Config
	request *request
	shared  bool // whether other requests use the connection at the same time: HTTP/2

	mu            sync.Mutex
	hijacked      bool
	finished      bool      // whether the handler has returned
	headerWritten bool      // whether the header of the response was written
	sending       bool      // whether a part of the response is being written
	reading       bool      // whether the body of the request is incomplete
	started       time.Time // time at which the body was first expected
	received      int64     // number of bytes of the body that have arrived
	read          deadline
	write         deadline
}

// deadline is the earlier one of two deadlines, of which the handler sets one and this package the other.
type deadline struct{ own, handler time.Time }

func (d deadline) effective() time.Time {
	if d.handler.IsZero() || !d.own.IsZero() && d.own.Before(d.handler) {
		return d.own
	}
	return d.handler
}

// startBody starts to wait for the body.
func (x *exchange) startBody() {
	x.request.wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reading, x.started = true, x.config.Now()
	x.expectBody(x.started)
	if !x.shared {
		x.expectAccept(x.started) // Reading the body sends 100 Continue first.
	}
}

// expectBody moves the deadline of the body: the next bytes must arrive within StallTimeout, and the average rate
// since the start must not stay below BodyRate for longer than StallTimeout.
func (x *exchange) expectBody(now time.Time) {
	next := now.Add(x.config.StallTimeout)
	average := x.started.Add(x.config.StallTimeout + time.Duration(float64(x.received)/float64(x.config.BodyRate)*float64(time.Second)))
	if average.Before(next) {
		next = average
	}
	x.read.own = next
	_ = x.control.SetReadDeadline(x.read.effective())
}

// receive records bytes of the body, or its end. A connection that receives a part of its body begins to wait again,
// so that connections without progress lose their slots first.
func (x *exchange) receive(n int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.received += int64(n)
	switch {
	case !x.reading || x.hijacked:
	case errors.Is(err, io.EOF):
		x.reading, x.read.own = false, time.Time{}
		_ = x.control.SetReadDeadline(x.read.effective())
		x.request.busy()
	case n > 0:
		x.request.wait()
		x.expectBody(x.config.Now())
	}
}

// expectAccept moves the deadline of the response: the client must accept the next bytes within StallTimeout. A deadline
// that was set a moment ago is kept.
func (x *exchange) expectAccept(now time.Time) {
	own := now.Add(x.config.StallTimeout)
	if own.Sub(x.write.own) > x.config.StallTimeout/16 {
		x.write.own = own
		_ = x.control.SetWriteDeadline(x.write.effective())
	}
}

// prepareHeader prepares the header of the response, which is written now. If the body is incomplete, the connection ends after
// the response: otherwise the server would wait for the rest of the body before it sends the header. The caller holds mu.
func (x *exchange) prepareHeader() {
	if x.reading && !x.headerWritten && !x.shared {
		x.Header().Set("Connection", "close")
	}
	x.headerWritten = true
}

// WriteHeader writes the header of the response.
func (x *exchange) WriteHeader(status int) {
	if status >= http.StatusOK {
		x.mu.Lock()
		x.prepareHeader()
		x.mu.Unlock()
	}
	x.ResponseWriter.WriteHeader(status)
}

// accepting calls send, which writes a part of the response. Meanwhile the client must read within the deadline of
// expectAccept, and its connection counts as waiting.
func (x *exchange) accepting(send func() error) error {
	x.mu.Lock()
	if !x.hijacked {
		x.prepareHeader()
		x.sending = true
		x.expectAccept(x.config.Now())
	}
	x.mu.Unlock()
	x.request.wait()
	defer x.endAccepting()
	return send()
}

// endAccepting ends the wait for the client that accepting has begun. Over HTTP/2 a deadline for writes is a timer that
// resets the stream, also when nothing is being written. It must not run while the handler works, waits or reads.
func (x *exchange) endAccepting() {
	x.request.busy()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sending = false
	if x.shared {
		x.write.own = time.Time{}
		_ = x.control.SetWriteDeadline(time.Time{})
	}
}

// finish runs after the handler. The server still writes the rest of the response, and then reads what is left of the
// body for at most StallTimeout: a client that is still sending would lose the response if the connection ended at once.
func (x *exchange) finish() {
	x.expectEnd()
	x.request.end()
}

// expectEnd sets the deadlines of what is left after the handler.
func (x *exchange) expectEnd() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished = true
	if x.hijacked {
		return
	}
	x.prepareHeader()
	now := x.config.Now()
	x.read.handler, x.write = time.Time{}, deadline{}
	if x.reading {
		_ = x.control.SetReadDeadline(now.Add(x.config.StallTimeout))
	}
	x.expectAccept(now)
}

// reset ends the stream of a request over HTTP/2. It reports false if the handler has returned.
func (x *exchange) reset() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.finished {
		_ = x.control.SetWriteDeadline(time.Unix(1, 0)) // A deadline in the past resets the stream at once.
	}
	return !x.finished
}

// Write writes a part of the response.
func (x *exchange) Write(b []byte) (written int, err error) {
	for more := true; more && err == nil; more = len(b) > 0 {
		err = x.accepting(func() (err error) {
			n, err := x.ResponseWriter.Write(b[:min(len(b), chunkBytes)])
			written += n
			b = b[n:]
			return err
		})
	}
	return written, err
}

var buffers = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// ReadFrom writes what it reads from src. The kernel copies files.
func (x *exchange) ReadFrom(src io.Reader) (written int64, err error) {
	to, canCopy := x.ResponseWriter.(io.ReaderFrom)
	file, left := fileOf(src)
	if file == nil || !canCopy {
		buffer := buffers.Get().(*[chunkBytes]byte)
		defer buffers.Put(buffer)
		return io.CopyBuffer(struct{ io.Writer }{x}, struct{ io.Reader }{src}, buffer[:])
	}
	for more := true; more && err == nil; {
		piece := &io.LimitedReader{R: file, N: min(chunkBytes, *left)}
		err = x.accepting(func() error {
			n, err := to.ReadFrom(piece)
			written, *left = written+n, *left-n
			return err
		})
		more = piece.N == 0 && *left > 0
	}
	return written, err
}

// fileOf returns the file that src reads and the number of bytes to read from it, or nil if src reads no file.
func fileOf(src io.Reader) (file *os.File, left *int64) {
	unlimited := int64(math.MaxInt64)
	left = &unlimited
	if limited, ok := src.(*io.LimitedReader); ok {
		src, left = limited.R, &limited.N
	}
	file, _ = src.(*os.File)
	return file, left
}

// Flush sends what was written.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError sends what was written, or returns the error for which it failed.
func (x *exchange) FlushError() error {
	return x.accepting(x.control.Flush)
}

// Hijack gives the connection to the caller, without deadlines and without its slot.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	conn, buffered, err := x.control.Hijack()
	if x.hijacked = err == nil; x.hijacked {
		x.request.take().Release()
	}
	return conn, buffered, err
}

// SetReadDeadline sets the deadline of the handler for reads. The zero time means none.
func (x *exchange) SetReadDeadline(t time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read.handler = t
	return x.control.SetReadDeadline(x.read.effective())
}

// SetWriteDeadline sets the deadline of the handler for writes. The zero time means none. Over HTTP/2, accepting sets it.
func (x *exchange) SetWriteDeadline(t time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.write.handler = t
	if x.shared && !x.sending {
		return nil
	}
	return x.control.SetWriteDeadline(x.write.effective())
}

// Unwrap returns the writer of the server, for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// body is the body of a request. Its deadline moves with the bytes that arrive.
type body struct {
	io.ReadCloser
	exchange *exchange
}

// Read reads from the body.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.exchange.receive(n, err)
	return n, err
}
