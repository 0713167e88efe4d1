package asset_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"roomlog/internal/asset"
)

// TestFile serves a file with and without compression.
func TestFile(t *testing.T) {
	f := asset.New(asset.CSS, []byte("body { margin: 0 }"))
	for coding, want := range map[string]string{"gzip": "gzip", "br": "", "": ""} {
		r := httptest.NewRequest(http.MethodGet, "/style.css", nil)
		r.Header.Set("Accept-Encoding", coding)
		w := httptest.NewRecorder()
		f.Serve(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Content-Type") != asset.CSS || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %v", coding, w.Header())
		}
		if want == "" && w.Body.String() != "body { margin: 0 }" {
			t.Errorf("the body is %q", w.Body)
		}
	}
	if a, b := asset.Hash([]byte("a")), asset.Hash([]byte("b")); a == b || len(a) != 12 {
		t.Errorf("hashes %q and %q", a, b)
	}
}
