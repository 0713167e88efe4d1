package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// errEncoding is wrapped when a notification cannot be encoded.
var errEncoding = errors.New("hooks: notification cannot be encoded as JSON")

// client sends webhook requests. It is safe for concurrent use.
type client struct {
	cfg   Config
	http  *http.Client
	slots chan struct{} // one element for each request that is being sent
}

func newClient(cfg Config) *client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxConns,
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxResponse}
	return &client{cfg, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, make(chan struct{}, maxConns)}
}

// post sends a notification once and returns the HTTP status of the response. HookTimeout begins when fewer than maxConns other
// requests are being sent. Until then post waits as long as ctx permits.
func (c *client) post(ctx context.Context, n Notification) (status int, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return 0, fmt.Errorf("hook %s: waiting for other requests: %w", n.Hook, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.HookTimeout)
	defer cancel()
	body, err := json.Marshal(n)
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w: %w", n.Hook, errEncoding, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.HookURL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w", n.Hook, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "roomlog")
	r.Header.Set("Roomlog-Hook", n.Hook)
	r.Header.Set("Roomlog-Signature", sign(c.cfg.HookSecret, c.cfg.Now().Unix(), body))
	response, err := c.http.Do(r)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // without the address, whose path or query may contain a token
		}
		return 0, fmt.Errorf("hook %s to %s: %w", n.Hook, r.URL.Host, err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse) // so that the connection can be reused
	return response.StatusCode, nil
}

// isRejection reports whether a status rejects the request: 4xx except 408, 425 and 429. Other errors may be
// temporary.
func isRejection(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

// sign returns the value of the header Roomlog-Signature for a body. at is in Unix seconds.
func sign(secret string, at int64, body []byte) string {
	t := strconv.FormatInt(at, 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
