package contentcoding_test

import (
	"net/http"
	"testing"

	"roomlog/internal/contentcoding"
)

func TestChoose(t *testing.T) {
	for header, want := range map[string][2]string{ // with gzip offered, and with zstd and gzip
		"": {"", ""}, "gzip": {"gzip", "gzip"}, "br, GZIP": {"gzip", "gzip"}, "br;q=1.0, gzip;q=0.8": {"gzip", "gzip"}, "gzip;q=0": {"", ""},
		"gzip; q=0.000": {"", ""}, "identity": {"", ""}, "xgzip": {"", ""}, "gzip;q=x": {"", ""}, "gzip;q=NaN": {"", ""},
		"gzip, deflate, br, zstd": {"gzip", "zstd"}, "zstd": {"", "zstd"}, "zstd;q=0.5, gzip": {"gzip", "gzip"}, "zstd;q=0, gzip;q=0.1": {"gzip", "gzip"}, "*": {"", ""},
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {header}}}
		got := [2]string{contentcoding.Choose(r, contentcoding.Gzip), contentcoding.Choose(r, contentcoding.Zstd, contentcoding.Gzip)}
		if got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
