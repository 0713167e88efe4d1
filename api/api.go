package api

import "net/http"

// API is the HTTP handler of the REST API. It is safe for concurrent use.
type API struct {
	http.Handler
	server *server
}

// Drain ends all event streams, so that a shutdown does not wait for their readers. Other requests continue.
func (a *API) Drain() { a.server.drain() }

// New returns an API. It returns an error if c is invalid.
func New(c Config) (*API, error) {
	r, err := newAPI(c)
	if err != nil {
		return nil, err
	}
	return &API{Handler: r.router, server: r.server}, nil
}

// newAPI returns a server with all its routes.
func newAPI(c Config) (*routes, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	r := newRoutes(s)
	r.register()
	if err := r.check(); err != nil {
		return nil, err
	}
	s.spec, err = r.openAPI()
	return r, err
}
