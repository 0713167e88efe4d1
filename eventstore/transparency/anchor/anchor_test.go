package anchor_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/eventstore/transparency/anchor"
)

func open(t *testing.T, target string) anchor.Anchor {
	t.Helper()
	a, err := anchor.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoints")
	for _, signed := range []string{"a\n1\nx\n\n— a x\n", "a\n2\ny\n\n— a y\n", "a\n2\ny\n\n— a y\n"} { // the last one is there already
		if err := open(t, path).Store(t.Context(), []byte(signed)); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if want := "a\n1\nx\n\n— a x\na\n2\ny\n\n— a y\n"; err != nil || string(content) != want {
		t.Errorf("the file contains %q, want %q, %v", content, want, err)
	}
	if err := open(t, filepath.Join(path, "no", "folder")).Store(t.Context(), nil); err == nil {
		t.Error("a path below a file is accepted")
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	var statuses []int
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+string(body))
		status := http.StatusNoContent
		if len(statuses) > 0 {
			status, statuses = statuses[0], statuses[1:]
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	for _, tt := range []struct {
		statuses []int
		requests int
		ok       bool
		refused  bool
	}{
		{nil, 1, true, false},
		{[]int{500, 429}, 3, true, false},
		{[]int{403}, 1, false, true},
		{[]int{302}, 1, false, true}, // a client that followed it would send a GET, and take its status for that of the POST
		{[]int{308}, 1, false, true},
		{[]int{500, 502, 503, 504}, 4, false, false},
	} {
		statuses, bodies = tt.statuses, nil
		err := open(t, server.URL+"/x?token=geheim").Store(t.Context(), []byte("signed"))
		if (err == nil) != tt.ok || errors.Is(err, anchor.ErrRefused) != tt.refused || len(bodies) != tt.requests || bodies[0] != "POST signed" {
			t.Errorf("%v: %d requests, %q, %v", tt.statuses, len(bodies), bodies, err)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
	server.Close()
	if err := open(t, server.URL+"/x?token=geheim").Store(t.Context(), nil); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a server that has gone: %v", err)
	}
}

// TestRefusalIsExplained checks that an error contains the code and the English text of a refusal of roomlog, and the beginning of
// other responses.
func TestRefusalIsExplained(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reply, want string }{
		{`{"msg":"fail","data":"未知的见证人","code":"witness_unknown","text_en":"no configured witness has cosigned"}`, `403 Forbidden ("witness_unknown", "no configured witness has cosigned")`},
		{"go away\n" + strings.Repeat("x", 400), `403 Forbidden "go away\n` + strings.Repeat("x", 292) + `"`},
		{"{}", `403 Forbidden "{}"`},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, tt.reply)
		}))
		if err := anchor.Post(t.Context(), server.URL, []byte("signed")); !errors.Is(err, anchor.ErrRefused) || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
		server.Close()
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "ftp://example/x", "https://", "://x"} {
		if _, err := anchor.Open(target); err == nil {
			t.Errorf("%q is accepted", target)
		}
	}
	if got := open(t, "https://anna:secret@example/x?token=1").String(); got != "https://xxxxx@example/x?xxxxx" {
		t.Errorf("got %s", got)
	}
}
