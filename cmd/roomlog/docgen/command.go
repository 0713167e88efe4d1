package docgen

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"roomlog/api"
	"roomlog/api/payment"
	"roomlog/api/token"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/native"
)

// Command is the command "roomlog docs". It writes the generated documents of a source tree.
type Command struct {
	Source string `default:"." help:"Source tree of roomlog; the documents are written to its folder docs."`
}

// Help returns the part of the help text after the summary.
func (Command) Help() string {
	return `Writes docs/EVENTS.md (commands and events), docs/openapi.json (REST), docs/asyncapi.json (WebSocket),
api/refusals/table.go (the codes of refusals in openapi.json) and api/schemas (JSON Schemas of events). It prints the files that have
changed. It needs no database. make generate runs this command and updates all other generated files.`
}

// Standalone marks a command that uses no database.
func (*Command) Standalone() {}

// Run writes the documents that have changed, and prints their paths.
func (c *Command) Run(ctx context.Context, sh cli.Shell) error {
	refusals, err := readRefusals(os.DirFS(c.Source))
	if err != nil {
		return fmt.Errorf("read the refusals: %w", err)
	}
	described, err := openAPI(ctx, sh, refusals)
	if err != nil {
		return fmt.Errorf("generate openapi.json: %w", err)
	}
	type document struct {
		path string
		make func() ([]byte, error)
	}
	documents := []document{
		{"docs/EVENTS.md", func() ([]byte, error) { return Events(os.DirFS(c.Source)) }},
		{"docs/openapi.json", func() ([]byte, error) { return described, nil }},
		{"docs/asyncapi.json", func() ([]byte, error) { return native.AsyncAPI(), nil }},
		{"api/refusals/table.go", func() ([]byte, error) { return refusals.source(described) }},
	}
	for _, spec := range domain.Events {
		documents = append(documents, document{schemaFile(spec.Type), func() ([]byte, error) { return Schema(os.DirFS(c.Source), spec) }})
	}
	for _, document := range documents {
		text, err := document.make()
		if err != nil {
			return fmt.Errorf("generate %s: %w", document.path, err)
		}
		path := filepath.Join(c.Source, document.path)
		if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, text) {
			continue
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("write a document: %w", err)
		}
		fmt.Fprintln(sh.Stdout, path)
	}
	return nil
}

// openAPI returns the document that a server serves at /openapi.json, with a fixed version number. It needs no
// database.
func openAPI(ctx context.Context, sh cli.Shell, r refusals) ([]byte, error) {
	uploads, err := os.MkdirTemp("", "roomlog-docs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(uploads)
	secret := []string{strings.Repeat("-", 32)}
	tokens, err := token.NewIssuer(secret, 0, sh.Now)
	if err != nil {
		return nil, err
	}
	signer, err := media.NewSigner(secret, 0, sh.Now)
	if err != nil {
		return nil, err
	}
	payments, err := payment.NewSharedSecret(secret)
	if err != nil {
		return nil, err
	}
	store, queries := new(eventstore.Store), new(projections.Queries)
	server, err := api.New(api.Config{
		Store: store, Commands: new(eventstore.Sequencer), Queries: queries, Feed: new(feed.Feed), Admission: new(projections.Admission),
		Tokens: tokens, Signs: signer, Payments: payments, Uploads: uploads, Now: sh.Now, Version: "1",
		Refusals: r.codes,
	})
	if err != nil {
		return nil, err
	}
	document, err := server.Document()
	if err != nil {
		return nil, err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, document, "", "  "); err != nil {
		return nil, err
	}
	return append(bytes.TrimSpace(pretty.Bytes()), '\n'), nil
}
