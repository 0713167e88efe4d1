package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

func get(p *Page, path string, preview Preview, headers ...string) *httptest.ResponseRecorder {
	router := chi.NewRouter()
	router.Get("/", func(w http.ResponseWriter, _ *http.Request) { p.Write(w, preview) })
	router.Get(FilesRoute, File(http.NotFound))
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

// TestLibrariesAreTheRecordedFiles checks that the libraries are the files whose SHA-256 is recorded, and that each has a
// license.
func TestLibrariesAreTheRecordedFiles(t *testing.T) {
	sums, err := embedded.ReadFile("assets/vendor/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	licenses, err := embedded.ReadFile("assets/vendor/LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := embedded.ReadDir("assets/vendor")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		if packages, found := strings.CutPrefix(lines.Text(), "# "); found {
			for _, name := range strings.Fields(packages) {
				if !bytes.Contains(licenses, []byte("\n"+name+": ")) {
					t.Errorf("LICENSES.txt has no license of %s", name)
				}
			}
			continue
		}
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		recorded[name] = sum
	}
	for _, entry := range entries {
		if entry.Name() == "SHA256SUMS" {
			continue
		}
		content, err := embedded.ReadFile("assets/vendor/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); recorded[entry.Name()] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has SHA-256 %x, want %s; run make vendor-web", entry.Name(), sum, recorded[entry.Name()])
		}
	}
}

// TestPage follows the files of the page.
func TestPage(t *testing.T) {
	p := New(Options{MediaURL: "http://media.example"})
	page := get(p, "/", Preview{})
	for _, rule := range []string{"default-src 'none';", "script-src 'self';", "style-src 'self';", "connect-src 'self' http://media.example ws://media.example;", "img-src 'self' data: blob: https: http://media.example;", "frame-ancestors 'none'"} {
		if got := page.Header().Get("Content-Security-Policy"); !strings.Contains(got, rule) {
			t.Errorf("the policy %q lacks %s", got, rule)
		}
	}
	html := page.Body.String()
	if strings.Contains(html, "<script>") || strings.Contains(html, "style=") || strings.Contains(html, "og:title") {
		t.Errorf("the page has an inline script, an inline style, or a preview:\n%s", html)
	}
	found := regexp.MustCompile(`(?:src|href)="(/page/[0-9a-f]{12}/([^"]+))"`).FindAllStringSubmatch(html, -1)
	var names []string
	for _, f := range found {
		names = append(names, f[2])
		small, plain := get(p, f[1], Preview{}, "Accept-Encoding", "gzip"), get(p, f[1], Preview{})
		if small.Code != http.StatusOK || small.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" || plain.Body.Len() == 0 {
			t.Errorf("%s: %d, %v", f[1], small.Code, small.Header())
		}
		if small.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s is not cached for good: %v", f[1], small.Header())
		}
	}
	for _, want := range []string{"app.js", "style.css", "icon.svg", "client.js", "vendor/ui.js"} {
		if !slices.Contains(names, want) {
			t.Errorf("the page loads %q, want %s among them", names, want)
		}
	}
	for _, path := range []string{"/page/000000000000/app.js", "/page/" + load().version + "/index.html", "/page/" + load().version + "/../doc.go"} {
		if got := get(p, path, Preview{}); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got.Code)
		}
	}
}

// TestPreviewIsEscaped checks that a title is never markup.
func TestPreviewIsEscaped(t *testing.T) {
	html := get(New(Options{}), "/", Preview{Title: `"><script>alert(1)</script>`, Description: "Ann", Image: "https://live.example/uploads/a.jpg", URL: "https://live.example/watch/6"}).Body.String()
	if strings.Contains(html, "<script>alert") || !strings.Contains(html, `content="https://live.example/uploads/a.jpg"`) || !strings.Contains(html, `content="https://live.example/watch/6"`) {
		t.Errorf("the page contains\n%s", html)
	}
}

// ownCode returns the size of the code of the page without the players, compressed, in bytes.
func ownCode() (size int) {
	for name := range load().files {
		if !strings.HasPrefix(name, "vendor/") || name == "vendor/ui.js" {
			size += get(New(Options{}), "/page/"+load().version+"/"+name, Preview{}, "Accept-Encoding", "gzip").Body.Len()
		}
	}
	return size
}

// TestOwnCodeIsSmall checks that the code of the page without the players stays below 150 KB compressed.
func TestOwnCodeIsSmall(t *testing.T) {
	const limit = 150_000
	if size := ownCode(); size > limit {
		t.Errorf("the code of the page has %d bytes compressed, want at most %d", size, limit)
	}
}

// BenchmarkFigurePageCode reports the size of the code of the page.
func BenchmarkFigurePageCode(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(ownCode())/1000, "page_code_kb")
	}
}

// TestTextsHaveBothLanguages checks that the modules use only texts that exist in both languages.
func TestTextsHaveBothLanguages(t *testing.T) {
	texts, err := embedded.ReadFile("assets/text.js")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, entry := range regexp.MustCompile(`"([\w.]+)": \["[^"]+", "[^"]+"\]`).FindAllSubmatch(texts, -1) {
		known[string(entry[1])] = true
	}
	if declared := regexp.MustCompile(`"[\w.]+": \[`).FindAll(texts, -1); len(declared) != len(known) {
		t.Errorf("%d texts, %d of them in both languages under a name of their own", len(declared), len(known))
	}
	entries, err := embedded.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".js") {
			continue
		}
		code, err := embedded.ReadFile("assets/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`\bt\("([\w.]+)"[,)]`).FindAllSubmatch(code, -1) {
			if !known[string(used[1])] {
				t.Errorf("%s uses the text %q, which text.js does not have", entry.Name(), used[1])
			}
		}
	}
}

// TestOverviewOfAnUnknownPosition runs the module with the samples of the overview: while /readyz names no position, the rate of events
// is not known, and neither is the first one afterwards. A broadcast without pictures has no size.
func TestOverviewOfAnUnknownPosition(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED, the samples of the overview are not tested: node is not installed")
	}
	code, err := embedded.ReadFile("assets/sample.js")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sample.mjs")
	script := string(code) + `
let before = null;
const shown = ["90 of 100", "130 of 130", "unavailable", undefined, "190 of 200", "200 of 203"].map((tables, i) => {
  before = sampleOf({ streams: [], sockets: { replied: 1, total: 5 }, ready: { checks: tables && { tables } } }, 3 * i, before);
  return [before.lag, before.rate, before.bits];
});
console.log(JSON.stringify(shown), sizeOf({ video: "h264", width: 1280, height: 720, audio: "aac" }), sizeOf({ audio: "aac" }), sizeOf(null));
`
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), node, file).CombinedOutput()
	if want := "[[10,null,null],[0,10,0],[null,null,0],[null,null,0],[10,null,0],[3,1,0]] 1280×720 – –"; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("got %s (%v), want %s", out, err, want)
	}
}
