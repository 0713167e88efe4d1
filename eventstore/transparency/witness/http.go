package witness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/anchor"
	"roomlog/internal/netconn"
	"roomlog/internal/settings"
)

const (
	maxCheckpoint  = 64 << 10 // maximum size of a signed checkpoint in bytes
	requestTimeout = 30 * time.Second
)

// ErrNotFound means that the server does not have what was requested.
var ErrNotFound = errors.New("the server does not have what was requested")

// HTTP reads the transparency log of a server with C2SP tlog-tiles.
type HTTP struct {
	base   string
	shown  string // base without a password, for errors
	client *http.Client
}

// NewHTTP returns the transparency log of the server at an address like https://live.example. An address with a path,
// like https://live.example/tlog, is the folder of the log itself.
func NewHTTP(address string) (*HTTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the address of the server must be like https://live.example, without a query")
	}
	if u.Path = strings.TrimSuffix(u.Path, "/"); u.Path == "" {
		u.Path = "/tlog"
	}
	return &HTTP{u.String(), settings.Redact(u.String()), &http.Client{Timeout: requestTimeout, Transport: netconn.NewTransport()}}, nil
}

// Checkpoint reads the newest signed checkpoint.
func (h *HTTP) Checkpoint(ctx context.Context) ([]byte, error) {
	return h.get(ctx, "/checkpoint", maxCheckpoint)
}

// Cosign sends a checkpoint with a cosignature to the server. The error wraps anchor.ErrRefused if the server refuses it.
func (h *HTTP) Cosign(ctx context.Context, signed []byte) error {
	if err := anchor.Post(ctx, h.base+"/cosignature", signed); err != nil {
		return fmt.Errorf("deliver a cosignature to the server: %w", err)
	}
	return nil
}

// Tile reads a tile. If the server has a partial tile only as a full one, Tile reads that.
func (h *HTTP) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	want := t.W * tlog.HashSize
	content, err := h.get(ctx, "/tile/"+transparency.TilePath(t), transparency.TileBytes)
	if err != nil && t.W < transparency.TileWidth {
		t.W = transparency.TileWidth
		var fullErr error
		if content, fullErr = h.get(ctx, "/tile/"+transparency.TilePath(t), transparency.TileBytes); fullErr != nil {
			return nil, err
		}
		content = content[:min(want, len(content))]
	}
	if err == nil && len(content) != want {
		return nil, fmt.Errorf("tile %s has %d bytes, expected %d", transparency.TilePath(t), len(content), want)
	}
	return content, nil
}

func (h *HTTP) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := h.client.Do(r)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the URL may contain a secret
		}
		return nil, fmt.Errorf("GET %s%s: %w", h.shown, path, err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("GET %s%s: %w", h.shown, path, ErrNotFound)
	default:
		return nil, fmt.Errorf("GET %s%s: %s", h.shown, path, response.Status)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s%s: %w", h.shown, path, err)
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("GET %s%s: the response is larger than %d bytes", h.shown, path, limit)
	}
	return content, nil
}
