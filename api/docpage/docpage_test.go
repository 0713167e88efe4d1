package docpage

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

func get(path string, headers ...string) *httptest.ResponseRecorder {
	router := chi.NewRouter()
	router.Get("/", Redirect)
	router.Get(Path, Page)
	router.Get(Path+"/{file}", File(http.NotFound))
	router.Get("/openapi.json", Document(func() []byte { return []byte(`{"openapi":"3.1.0"}`) }))
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

func gunzip(t *testing.T, compressed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestScalarIsTheRecordedFile checks that the viewer is the file whose SHA-256 is recorded.
func TestScalarIsTheRecordedFile(t *testing.T) {
	want, name, _ := strings.Cut(strings.TrimSpace(string(read("scalar.sha256"))), "  ")
	sum := sha256.Sum256(gunzip(t, read("scalar.js.gz")))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("scalar.js.gz is not %s: SHA-256 %s, want %s; run make docpage", name, got, want)
	}
}

// TestPage follows the scripts of the page.
func TestPage(t *testing.T) {
	page := get(Path)
	if kind := page.Header().Get("Content-Type"); page.Code != http.StatusOK || kind != "text/html; charset=utf-8" {
		t.Fatalf("%d %s, want an HTML page", page.Code, kind)
	}
	for _, rule := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"} {
		if got := page.Header().Get("Content-Security-Policy"); !strings.Contains(got, rule) {
			t.Errorf("the policy %q lacks %s", got, rule)
		}
	}
	html := page.Body.String()
	if strings.Contains(html, "<script>") || strings.Contains(html, "://") {
		t.Errorf("the page has an inline script or an address of another server:\n%s", html)
	}
	scripts := regexp.MustCompile(`src="([^"]+-[0-9a-f]{12}\.js)"`).FindAllStringSubmatch(html, -1)
	if len(scripts) != 2 {
		t.Fatalf("the page loads %v, want two scripts with hashes in their names", scripts)
	}
	for _, script := range scripts {
		small, plain := get(script[1], "Accept-Encoding", "br, gzip;q=0.8"), get(script[1], "Accept-Encoding", "gzip;q=0")
		if small.Code != http.StatusOK || small.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %v, want it compressed if the client accepts that", script[1], small.Code, small.Header())
		}
		if !bytes.Equal(gunzip(t, small.Body.Bytes()), plain.Body.Bytes()) || plain.Body.Len() == 0 {
			t.Errorf("%s: the compressed file differs from the plain one", script[1])
		}
		if got := small.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" || small.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Cache-Control %q, want it cached for good", script[1], got)
		}
	}
	for _, path := range []string{Path + "/scalar.js", Path + "/page.html", Path + "/..%2fdoc.go"} {
		if got := get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got.Code)
		}
	}
}

func TestRedirect(t *testing.T) {
	if got := get("/"); got.Code != http.StatusFound || got.Header().Get("Location") != Path {
		t.Errorf("%d to %q, want 302 to %s", got.Code, got.Header().Get("Location"), Path)
	}
}

func TestDocument(t *testing.T) {
	got := get("/openapi.json", "Accept-Encoding", "gzip")
	if text := string(gunzip(t, got.Body.Bytes())); text != `{"openapi":"3.1.0"}` || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s, %v", text, got.Header())
	}
}

// TestAsyncDocument checks that the document names the server that the client has reached.
func TestAsyncDocument(t *testing.T) {
	t.Parallel()
	base := ""
	handler := AsyncDocument(func() []byte {
		return []byte(`{"asyncapi":"3.0.0","servers":{"local":{"host":"localhost:7001"}},"channels":{}}`)
	}, func(*http.Request) string { return base })
	for at, want := range map[string]string{
		"http://127.0.0.1:7001": `{"this":{"host":"127.0.0.1:7001","protocol":"ws"}}`,
		"https://live.example":  `{"this":{"host":"live.example","protocol":"wss"}}`,
		"https://[::1]:8443/x":  `{"this":{"host":"[::1]:8443","protocol":"wss"}}`,
		"":                      `{"this":{"host":"localhost","protocol":"ws"}}`,
	} {
		for range 2 {
			base = at
			answer := httptest.NewRecorder()
			handler(answer, httptest.NewRequest(http.MethodGet, "/asyncapi.json", nil))
			var document struct {
				AsyncAPI string
				Servers  json.RawMessage
			}
			if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil || document.AsyncAPI != "3.0.0" || string(document.Servers) != want {
				t.Errorf("%s: got the servers %s, %v, want %s", at, document.Servers, err, want)
			}
		}
	}
}
