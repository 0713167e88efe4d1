package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/api"
	"roomlog/cmd/roomlog/docgen"
	"roomlog/eventstore"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/realtime"
)

type docsCommand struct {
	Source string `default:"." help:"The source tree of roomlog; the documents are written into its folder docs."`
}

// Help implements kong.HelpProvider.
func (docsCommand) Help() string {
	return `Writes docs/EVENTS.md (the vocabulary of the log), docs/openapi.json (REST) and docs/asyncapi.json (WebSocket).
Needs no database. The tests fail while one of them is not what the code says.`
}

// Run carries the command out.
func (c *docsCommand) Run(ctx context.Context, sh shell) error {
	for _, document := range []struct {
		name string
		make func() ([]byte, error)
	}{
		{"EVENTS.md", func() ([]byte, error) { return docgen.Events(os.DirFS(c.Source)) }},
		{"openapi.json", func() ([]byte, error) { return openAPI(ctx, sh) }},
		{"asyncapi.json", func() ([]byte, error) { return realtime.AsyncAPI(), nil }},
	} {
		text, err := document.make()
		if err != nil {
			return fmt.Errorf("make %s: %w", document.name, err)
		}
		path := filepath.Join(c.Source, "docs", document.name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("write a document: %w", err)
		}
		fmt.Fprintln(sh.stdout, path)
	}
	return nil
}

// openAPI is what a server says at /openapi.json, of a version that is not of one build. The door it asks
// has nothing behind it: describing itself needs nothing.
func openAPI(ctx context.Context, sh shell) ([]byte, error) {
	uploads, err := os.MkdirTemp("", "roomlog-docs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(uploads)
	secret := []string{strings.Repeat("-", 32)}
	tokens, err := api.NewTokens(secret, 0, sh.now)
	if err != nil {
		return nil, err
	}
	signer, err := media.NewSigner(secret, 0, sh.now)
	if err != nil {
		return nil, err
	}
	payments, err := api.NewSharedSecret(secret)
	if err != nil {
		return nil, err
	}
	store, queries := new(eventstore.Store), new(projections.Queries)
	door, err := api.New(api.Config{
		Store: store, Commands: new(eventstore.Sequencer), Queries: queries, Feed: new(projections.Feed), Pool: new(pgxpool.Pool),
		Tokens: tokens, Signs: signer, Payments: payments, Uploads: uploads, Now: sh.now, Version: "1",
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	door.ServeHTTP(answer, request)
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("/openapi.json is answered with %d", answer.status)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, answer.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	return append(bytes.TrimSpace(pretty.Bytes()), '\n'), nil
}

// kept is an answer that goes nowhere.
type kept struct {
	bytes.Buffer
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.status = status }
