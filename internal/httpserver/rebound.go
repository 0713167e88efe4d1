package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Rebound reports whether r may come from a page of another site whose name was made to resolve to this server (DNS
// rebinding). The browser then treats the page and the server as one origin, so CORS does not protect the response.
//
// Requests of browsers are refused unless their Host is an IP address, localhost, a name without a dot, or the host of
// publicURL ("" or "https://live.example"): another site cannot have these names. Scrapers and other programs may use
// any name: they do not send the header fields that a browser adds to each request and that a page cannot remove.
func Rebound(r *http.Request, publicURL string) bool {
	host := hostname(r.Host)
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return false
	}
	if public, err := url.Parse(publicURL); err == nil && strings.EqualFold(host, hostname(public.Host)) {
		return false
	}
	return ofBrowser(r.Header)
}

// hostname returns the host of a Host field without port, brackets and a final dot.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
}

// ofBrowser reports whether a request has a header field that browsers add. A page may change Accept-Language, but the
// field is sent nevertheless.
func ofBrowser(h http.Header) bool {
	for _, name := range []string{"Accept-Language", "Origin", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site"} {
		if _, sent := h[name]; sent {
			return true
		}
	}
	return strings.HasPrefix(h.Get("User-Agent"), "Mozilla/")
}
