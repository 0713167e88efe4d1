package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"roomlog/api/openapi"
	"roomlog/api/password"
	"roomlog/api/upload"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/limit"
)

// API is the HTTP handler of the REST API. It is safe for concurrent use.
type API struct {
	http.Handler
	server *server
}

// Drain ends all event streams, so that a shutdown does not wait for their readers. It does not affect other requests.
func (a *API) Drain() { a.server.drain() }

// Run deletes the files of deleted uploads until ctx ends.
func (a *API) Run(ctx context.Context) error {
	s := a.server
	return (&upload.Cleaner{Store: s.uploads, Find: s.findUploads, Deleted: s.deletedUploads, Interval: s.UploadSweep, Now: s.Now, Log: s.log}).Run(ctx)
}

// findUploads returns the status of uploads according to the tables.
func (s *server) findUploads(ctx context.Context, names []string) (map[string]upload.Status, error) {
	if err := s.Queries.CheckLag(ctx, s.Store.Now()); err != nil { // tables that are behind may lack an upload whose file is old enough to be deleted
		return nil, err
	}
	ids := make([]domain.UploadID, len(names))
	for i, name := range names {
		ids[i] = domain.UploadID(name)
	}
	found, err := s.Queries.Uploads(ctx, ids)
	known := make(map[string]upload.Status, len(found))
	for _, u := range found {
		known[string(u.ID)] = upload.Kept
		if u.Deleted {
			known[string(u.ID)] = upload.Deleted
		}
	}
	return known, err
}

// deletedUploads returns the uploads that were deleted in the log after since, a time of the clock of this process.
func (s *server) deletedUploads(ctx context.Context, since time.Time) ([]string, error) {
	if err := s.Queries.CheckLag(ctx, s.Store.Now()); err != nil { // the tables lack deletions, and later searches would not look for them
		return nil, err
	}
	return s.Queries.DeletedUploads(ctx, since.Add(-s.Store.ClockSkew()))
}

// New returns an API. It returns an error if c is invalid.
func New(c Config) (*API, error) {
	r, err := newAPI(c)
	if err != nil {
		return nil, err
	}
	return &API{Handler: r.router, server: r.server}, nil
}

// newAPI returns the routes of a new server.
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
	s.openAPI = sync.OnceValues(func() ([]byte, error) { return openapi.Document(r.huma.OpenAPI()) })
	return r, nil
}

// Document returns the OpenAPI document as JSON. The first call makes it, which takes longer than New. Document returns an error
// if a schema has no name or a text no example.
func (a *API) Document() ([]byte, error) { return a.server.openAPI() }

// EnterCommand returns the command with which user enters a live by its password or by an invitation; one of the two is "". It
// is for clients of other protocols: their requests count against the same limits as those over REST. limit.WithAddress must
// have added the address of the client to ctx. A wrong password is a *domain.Refusal, a request above a limit is a
// *ratelimit.Exceeded, and eventstore.ErrBusy means that too many passwords wait to be checked.
func (a *API) EnterCommand(ctx context.Context, user domain.UserID, live domain.LiveID, secret, invitation string) (domain.Command, error) {
	s := a.server
	err := s.rates.take(s.rates.classes[rateSignIns], limit.AddressOf(ctx))
	var command domain.Command
	if err == nil {
		command, err = s.enterCommand(ctx, user, live, secret, invitation)
	}
	var f *failure
	switch {
	case errors.As(err, &f) && f.Code == domain.CodeRateLimited:
		return nil, &ratelimit.Exceeded{RetryAfter: f.retryAfter}
	case errors.Is(err, password.ErrBusy):
		return nil, fmt.Errorf("%w: %w", eventstore.ErrBusy, err)
	}
	return command, err
}
