package apicheck

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/klauspost/compress/zstd"
)

// Handler returns a handler that calls api, checks each response when it is complete, and calls report for each fault. checker
// returns the Checker of the API. It is called for every response.
func Handler(api http.Handler, checker func() (*Checker, error), report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, path := r.Method, r.URL.Path // A handler may change the request.
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		api.ServeHTTP(rec, r)
		if r.Context().Err() != nil {
			return // The client has disconnected: the response may be incomplete.
		}
		body := rec.body.Bytes()
		if coding := rec.Header().Get("Content-Encoding"); coding != "" && len(body) > 0 {
			var err error
			if body, err = decompress(coding, &rec.body); err != nil {
				report(fmt.Errorf("%s %s: the compressed response is damaged: %w", method, path, err))
				return
			}
		}
		c, err := checker()
		if err == nil {
			err = c.Check(method, path, rec.status, rec.Header(), body)
		}
		if err != nil {
			report(err)
		}
	})
}

// decompress returns a body without its coding, which is gzip or zstd.
func decompress(coding string, body io.Reader) ([]byte, error) {
	if coding == "gzip" {
		plain, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(plain)
	}
	plain, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return io.ReadAll(plain)
}

// recorder copies a response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.ResponseWriter.Write(b)
	r.body.Write(b[:n])
	return n, err //nolint:wrapcheck // like the writer itself
}

// Hijack gives the connection to the caller, who responds with status 101.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err //nolint:wrapcheck // like the writer itself
}

// Unwrap returns the writer below, for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
