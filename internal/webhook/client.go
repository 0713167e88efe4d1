package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"roomlog/internal/netconn"
)

// maxResponse is the maximum number of bytes that are read of the header and of the body of a response.
const maxResponse = 4 << 10

// Config configures a Client. Timeout and MaxRequests are required.
type Config struct {
	Timeout     time.Duration  // maximum duration of a request
	MaxRequests int            // maximum number of requests that are sent at the same time
	Guard       *Guard         // selects the permitted receivers, without a proxy; nil: all are permitted, and proxies of the environment are used
	Roots       *x509.CertPool // verifies the certificates of receivers; nil: the roots of the system
}

// Client sends requests to receivers. It is safe for concurrent use.
type Client struct {
	timeout time.Duration
	slots   chan struct{} // one element for each request that is being sent
	secure  *http.Client
	plain   *http.Client // client for URLs with http
}

// NewClient returns a Client with the limits in c.
func NewClient(c Config) *Client {
	return &Client{c.Timeout, make(chan struct{}, c.MaxRequests), newHTTPClient(c, false), newHTTPClient(c, true)}
}

func newHTTPClient(c Config, plain bool) *http.Client {
	transport := netconn.NewTransport()
	transport.MaxIdleConnsPerHost, transport.MaxResponseHeaderBytes, transport.TLSHandshakeTimeout = c.MaxRequests, maxResponse, c.Timeout
	transport.TLSClientConfig.RootCAs = c.Roots
	if c.Guard != nil {
		transport.Proxy, transport.DialContext = nil, c.Guard.dialer(plain).DialContext // the guard would see the address of a proxy
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CloseIdle closes the connections that are not in use.
func (c *Client) CloseIdle() {
	c.secure.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// Request is a request to a receiver.
type Request struct {
	URL         string
	ContentType string
	Body        []byte
	Sign        func(http.Header) error // sets the headers with the signature; called just before the request is sent
}

// Response is the part of a response that matters to a sender.
type Response struct {
	Status     int
	RetryAfter time.Duration // pause before the next request that the receiver asks for; 0: none
}

// Post sends a request once. The timeout begins when fewer than MaxRequests other requests are being sent. Until then Post
// waits as long as ctx permits, and then returns an error that wraps ErrNotSent.
func (c *Client) Post(ctx context.Context, request Request) (Response, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Response{}, fmt.Errorf("%w: waiting for other requests: %w", ErrNotSent, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, request.URL, bytes.NewReader(request.Body))
	if err != nil {
		return Response{}, errors.New("the URL of the receiver is malformed") // without the URL
	}
	r.Header.Set("Content-Type", request.ContentType)
	r.Header.Set("User-Agent", "roomlog")
	if err := request.Sign(r.Header); err != nil {
		return Response{}, err
	}
	client := c.secure
	if r.URL.Scheme == "http" {
		client = c.plain
	}
	response, err := client.Do(r)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // without the address
		}
		return Response{}, fmt.Errorf("request to %s: %w", r.URL.Host, err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse) // so that the connection can be reused
	return Response{response.StatusCode, retryAfter(response.Header)}, nil
}

// ErrNotSent is wrapped when a request was not sent because of too many other requests.
var ErrNotSent = errors.New("not sent")

// retryAfter returns the seconds in a header Retry-After. It ignores dates.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 24)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
