package apicheck

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// checkers holds the Checker of each document, because compiled schemas are used by many tests.
var checkers sync.Map

// For returns the Checker for a document. It returns the same Checker for the same document.
func For(document []byte) (*Checker, error) {
	if c, ok := checkers.Load(string(document)); ok {
		return c.(*Checker), nil
	}
	c, err := New(document)
	if err != nil {
		return nil, err
	}
	kept, _ := checkers.LoadOrStore(string(document), c)
	return kept.(*Checker), nil
}

// Handler returns a handler that calls api, checks each response when it is complete, and calls report for each fault.
func Handler(api http.Handler, report func(error)) (http.Handler, error) {
	document := httptest.NewRecorder()
	api.ServeHTTP(document, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	if document.Code != http.StatusOK {
		return nil, fmt.Errorf("GET /openapi.json: status %d", document.Code)
	}
	c, err := For(document.Body.Bytes())
	if err != nil {
		return nil, err
	}
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
		if err := c.Check(method, path, rec.status, rec.Header(), body); err != nil {
			report(err)
		}
	}), nil
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
