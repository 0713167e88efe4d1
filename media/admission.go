package media

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

const retryAfterSeconds = "5" // Retry-After of responses with status 503

// admission describes an HTTP player that was authorized and holds a connection slot.
type admission struct {
	client      Client
	key         string
	requestedAt time.Time
	release     func() // releases the slot
}

// admit authorizes a request to play key. If it is refused, admit writes the response and reports false.
func (c *core) admit(w http.ResponseWriter, r *http.Request, key string, protocol Protocol) (admission, bool) {
	a := admission{client: Client{ID: newID(), Address: c.cfg.Address(r), Protocol: protocol}, key: key, requestedAt: c.cfg.Now()}
	err := c.authorizePlay(r.Context(), &a, r.URL.RawQuery)
	if err != nil {
		c.countRefusal(r.Context(), "play", a.client, err)
		writeStatus(w, statusOf(err))
	}
	return a, err == nil
}

// authorizePlay acquires a connection slot and calls the Authorizer. After an error no slot is held.
func (c *core) authorizePlay(ctx context.Context, a *admission, query string) error {
	release, err := acquire(c.slots, a.client)
	if err != nil {
		return err
	}
	a.release = release
	args, err := url.ParseQuery(query)
	if err == nil {
		a.client.Args = args
		err = c.authorize(ctx, func(ctx context.Context) error {
			return c.cfg.Authorizer.AuthorizePlay(ctx, PlayRequest{Client: a.client, Key: a.key, Sign: args.Get("sign")})
		})
	}
	if err != nil {
		a.release()
	}
	return err
}

// writeStatus writes a response without a body.
func writeStatus(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfterSeconds)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// statusOf returns the HTTP status for an error that refuses a player.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, errNoBroadcast):
		return http.StatusNotFound
	}
	return http.StatusForbidden
}

// hijack takes the connection over from the HTTP server. It returns the connection and the bytes that the server has
// read ahead.
func hijack(w http.ResponseWriter) (net.Conn, []byte, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	var early []byte
	if n := buffered.Reader.Buffered(); n > 0 {
		peeked, _ := buffered.Reader.Peek(n) // cannot fail: n bytes are buffered
		early = append(early, peeked...)
	}
	limitSendBuffer(conn)
	return conn, early, conn.SetDeadline(time.Time{})
}
