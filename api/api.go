package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"roomlog/api/password"
	"roomlog/api/upload"
)

// API is the HTTP handler of the REST API. It is safe for concurrent use.
type API struct {
	http.Handler
	server *server
}

// Drain ends all event streams, so that a shutdown does not wait for their readers. Other requests continue.
func (a *API) Drain() { a.server.drain() }

// server holds the state of an API.
type server struct {
	Config
	log       *slog.Logger
	router    chi.Router
	huma      huma.API
	timeZone  *time.Location
	passwords *password.Hasher
	uploads   *upload.Store
	rates     *rates
	meters    *meters

	streams  chan struct{} // one element for each open event stream
	draining chan struct{} // closed by drain
	drain    func()

	endpoints []endpoint
	unlimited map[string]string // route → reason why it needs no rate limit
	spec      []byte            // the OpenAPI document as JSON
}

// New returns an API. It returns an error if c is invalid.
func New(c Config) (*API, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return &API{Handler: s.router, server: s}, nil
}

func newServer(c Config) (*server, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	draining := make(chan struct{})
	s := &server{
		Config: c, log: c.Log, router: chi.NewRouter(), passwords: password.NewHasher(c.Password), rates: newRates(c),
		streams: make(chan struct{}, c.EventStreams), draining: draining, drain: sync.OnceFunc(func() { close(draining) }),
		unlimited: make(map[string]string),
	}
	s.huma = newHuma(s.router, c.Version)
	var err error
	if s.timeZone, err = time.LoadLocation(c.TimeZone); err != nil {
		return nil, fmt.Errorf("api: load the time zone: %w", err)
	}
	if s.uploads, err = upload.Open(c.Uploads, c.UploadBytes); err != nil {
		return nil, err
	}
	if s.meters, err = newMeters(c.Metrics); err != nil {
		return nil, err
	}
	s.register()
	if err := checkEndpoints(s.endpoints); err != nil {
		return nil, err
	}
	s.spec, err = openAPIJSON(s.huma.OpenAPI())
	return s, err
}
