package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// TestScripts runs the scripts in testdata/script as an operator would, each with a new database, which is migrated except for
// the script migrate. In a script, "register NAME…" registers users, and "sql STATEMENT" changes the database directly.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			var dsn string
			if filepath.Base(file) == "migrate.txtar" {
				dsn = pgtest.Blank(t)
			} else {
				dsn = pgtest.New(t).DSN
			}
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(e *testscript.Env) error {
					e.Setenv("DATABASE_URL", dsn)
					e.Setenv("ROOMLOG_DATA", e.WorkDir+"/data")
					e.Setenv(raceOptions, os.Getenv(raceOptions))
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"register": func(ts *testscript.TestScript, _ bool, names []string) { ts.Check(register(dsn, names)) },
					"halve":    halve,
					"sql": func(ts *testscript.TestScript, _ bool, args []string) {
						ts.Check(execute(dsn, strings.Join(args, " ")))
					},
				},
			})
		})
	}
}

// register registers users in the way of the REST API.
func register(dsn string, names []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: 2})
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	sequencer, ended := eventstore.NewSequencer(store, eventstore.SequencerConfig{}), make(chan error, 1)
	go func() { ended <- sequencer.Run(running) }()
	defer func() { stop(); <-ended }()
	for _, name := range names {
		hash := uuid.NewString()
		if err := store.InsertCredential(ctx, eventstore.CredentialID(hash), hash); err != nil {
			return err
		}
		_, err := sequencer.Execute(ctx, domain.Request{Command: domain.RegisterUser{
			Username: name, NameKey: store.NameKey(name), Credential: eventstore.CredentialID(hash).String()}})
		if err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}

func execute(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.Exec(ctx, statement)
	return err
}

// halve cuts the last line of a file, as happens when the disk is full.
func halve(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()-100))
}
