package localpg_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

// fake creates an installation whose initdb prints its name and fails.
func fake(t *testing.T, parent, name, version string) string {
	t.Helper()
	bin := filepath.Join(parent, name, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"postgres":  "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n",
		"initdb":    "#!/bin/sh\necho this is " + name + "\nexit 1\n",
		"pg_config": "#!/bin/sh\necho " + bin + "\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, file), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestStart_finds_an_installation(t *testing.T) {
	t.Parallel()
	there := pgtest.Dir(t)
	var (
		fifteen = fake(t, there, "fifteen", "15.14 (Debian 15.14-0+deb12u1)")
		sixteen = fake(t, there, "sixteen", "16.1")
		beta    = fake(t, there, "beta", "99beta1")
		tooOld  = fake(t, there, "tooold", "14.20")
		config  = fake(t, there, "config", "18.0")
	)
	if err := os.Mkdir(filepath.Join(there, "links"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(sixteen, "initdb"), filepath.Join(there, "links", "initdb")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(there, "tools"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(config, "pg_config"), filepath.Join(there, "tools", "pg_config")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config localpg.Config
		env    map[string]string
		uses   string
	}{
		{"that BinDir names, before all", localpg.Config{BinDir: fifteen}, map[string]string{"PG_BINDIR": sixteen, "PATH": sixteen}, "fifteen"},
		{"that PG_BINDIR names", localpg.Config{SearchPaths: []string{sixteen}}, map[string]string{"PG_BINDIR": fifteen, "PATH": sixteen}, "fifteen"},
		{"in PATH", localpg.Config{SearchPaths: []string{}}, map[string]string{"PATH": "/nowhere:" + fifteen}, "fifteen"},
		{"behind a link in PATH", localpg.Config{SearchPaths: []string{}}, map[string]string{"PATH": filepath.Join(there, "links")}, "sixteen"},
		{"that pg_config knows", localpg.Config{SearchPaths: []string{fifteen}}, map[string]string{"PATH": filepath.Join(there, "tools")}, "config"},
		{"in the usual places, the newest", localpg.Config{SearchPaths: []string{there + "/[fst]*/bin"}}, nil, "sixteen"},
		{"but never a beta by itself", localpg.Config{SearchPaths: []string{beta, fifteen}}, nil, "fifteen"},
		{"a beta if it is named", localpg.Config{BinDir: beta}, nil, "beta"},
		{"that is new enough", localpg.Config{SearchPaths: []string{tooOld, fifteen}}, nil, "fifteen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.DataDir = pgtest.Dir(t)
			c.config.Getenv = func(name string) string { return c.env[name] }
			if _, err := localpg.Start(t.Context(), c.config); err == nil || !strings.Contains(err.Error(), "this is "+c.uses+"\n") && !strings.HasSuffix(err.Error(), "this is "+c.uses) {
				t.Errorf("want %s: %v", c.uses, err)
			}
		})
	}
	t.Run("that fits the data", func(t *testing.T) {
		dir := pgtest.Dir(t)
		if err := os.Mkdir(filepath.Join(dir, "postgres"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for places, want := range map[string]error{fifteen: nil, sixteen: localpg.ErrVersionMismatch} {
			_, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, SearchPaths: []string{places, beta}, Getenv: func(string) string { return "" }})
			if err == nil || errors.Is(err, localpg.ErrVersionMismatch) != (want != nil) {
				t.Errorf("%s: %v", places, err)
			}
		}
	})
	t.Run("fails if the named folder has none", func(t *testing.T) {
		_, err := localpg.Start(t.Context(), localpg.Config{DataDir: pgtest.Dir(t), BinDir: there})
		if !errors.Is(err, localpg.ErrNotInstalled) || !strings.Contains(fmt.Sprint(err), there) {
			t.Error(err)
		}
	})
}

func TestStart_without_an_installation_advises_how_to_install_one(t *testing.T) {
	t.Parallel()
	_, err := localpg.Start(t.Context(), localpg.Config{DataDir: pgtest.Dir(t), SearchPaths: []string{}, Getenv: func(string) string { return "" }})
	if !errors.Is(err, localpg.ErrNotInstalled) {
		t.Fatal(err)
	}
	for _, say := range []string{"install", "PG_BINDIR", "DATABASE_URL", "npm"} {
		if !strings.Contains(err.Error(), say) {
			t.Errorf("%q is not in: %v", say, err)
		}
	}
}

func TestFindTool(t *testing.T) {
	t.Parallel()
	there := pgtest.Dir(t)
	for name, version := range map[string]string{"old": "15.2", "new": "17.1", "beta": "18beta1"} {
		script := "#!/bin/sh\necho 'pg_dump (PostgreSQL) " + version + "'\n"
		if err := errors.Join(os.Mkdir(filepath.Join(there, name), 0o755), os.WriteFile(filepath.Join(there, name, "pg_dump"), []byte(script), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	c := localpg.Config{DataDir: there, SearchPaths: []string{there + "/*"}, Getenv: func(string) string { return "" }}
	for atLeast, want := range map[int]string{15: "old", 16: "new", 17: "new"} {
		if got, err := localpg.FindTool(t.Context(), c, "pg_dump", atLeast); err != nil || got.Path != filepath.Join(there, want, "pg_dump") {
			t.Errorf("at least %d: %+v, %v", atLeast, got, err)
		}
	}
	if got, err := localpg.FindTool(t.Context(), c, "pg_dump", 18); !errors.Is(err, localpg.ErrNoTool) || !strings.Contains(err.Error(), "pg_dump of version 18 or newer") {
		t.Errorf("a beta was used: %+v, %v", got, err)
	}
}
