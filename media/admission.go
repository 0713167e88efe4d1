package media

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"roomlog/internal/limit"
)

const retryAfterSeconds = "5" // value of the header Retry-After of responses with status 503

// admission describes an authorized HTTP player.
type admission struct {
	client      Client
	key         string
	requestedAt time.Time
	fetch       bool // whether the client fetches an index or a picture, see PlayRequest.Fetch
	slot        *limit.Slot
}

func (c *core) newAdmission(r *http.Request, key string, protocol Protocol) admission {
	return admission{client: Client{ID: newID(), Address: c.cfg.Address(r), Protocol: protocol}, key: key, requestedAt: c.cfg.Now()}
}

// admit takes a connection slot and authorizes a request to play the stream of key. If the request is refused, admit
// writes the response and reports false.
func (c *core) admit(w http.ResponseWriter, r *http.Request, key string, protocol Protocol) (admission, bool) {
	return c.admitted(w, r, c.newAdmission(r, key, protocol))
}

// admitted does the work of admit for the request that a describes.
func (c *core) admitted(w http.ResponseWriter, r *http.Request, a admission) (admission, bool) {
	slot, err := acquire(c.players, a.client)
	if err == nil {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		slot.Wait(cancel) // until it is authorized, a player gives its slot to a newer connection
		err = c.authorizePlay(ctx, &a, r.URL.RawQuery)
		if !slot.Busy() {
			err = ErrLimitReached
		}
	}
	a.slot = slot
	if err != nil {
		slot.Release()
		c.refusePlay(w, r, a.client, err)
	}
	return a, err == nil
}

func (c *core) authorizePlay(ctx context.Context, a *admission, query string) error {
	args, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	a.client.Args, a.client.User = args, SignUser(args.Get("sign"))
	return c.authorize(ctx, func(ctx context.Context) error {
		return c.cfg.Authorizer.AuthorizePlay(ctx, PlayRequest{Client: a.client, Key: a.key, Sign: args.Get("sign"), Fetch: a.fetch})
	})
}

// refusePlay counts a refused player and writes the response.
func (c *core) refusePlay(w http.ResponseWriter, r *http.Request, client Client, err error) {
	c.countRefusal(r.Context(), "play", client, err)
	writeStatus(w, statusOf(err))
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
	case errors.Is(err, ErrNoBroadcast):
		return http.StatusNotFound
	}
	return http.StatusForbidden
}

// hijack takes the connection from the HTTP server. It returns the connection, and the bytes that the HTTP server has
// already read from it.
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
