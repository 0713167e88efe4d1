package restream

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

const (
	maxAddress = 2048 // maximum length of an address and of a stream key in bytes

	schemeRTMPS = "rtmps"
	portRTMP    = "1935"
	portRTMPS   = "443"
)

// Errors of ParseTarget. Their texts are for people and contain no part of the address.
var (
	ErrAddress = errors.New("the address must be a URL like rtmps://host/app")
	ErrUser    = errors.New("the address must not contain a user or a password: services put secrets into the stream key")
	ErrNoKey   = errors.New("the stream key is missing")
	ErrTooLong = errors.New("the address and the stream key must have at most 2048 bytes each")
)

// Target is a server and a stream to which a broadcast is pushed on.
type Target struct {
	URL    string // scheme, host and path of the app; contains no secret
	Secret Secret
}

// Secret is the part of a target that must not be shown.
type Secret struct {
	Query string // query of the app
	Name  string // stream name with its query
}

// Named is a target with its name in the live.
type Named struct {
	Name   string
	Target Target
	Fault  error // why the target cannot be used; nil if it can
}

// ParseTarget returns the target of an address and a stream key as services show them to streamers. Without a key, the last segment
// of the address is the key.
func ParseTarget(address, key string) (Target, error) {
	address, key = strings.TrimSpace(address), strings.TrimSpace(key)
	if len(address) > maxAddress || len(key) > maxAddress {
		return Target{}, ErrTooLong
	}
	address, fragment, _ := strings.Cut(address, "#")
	address, query, _ := strings.Cut(address, "?")
	u, err := url.Parse(address)
	switch {
	case err != nil || fragment != "" || u.Scheme != "rtmp" && u.Scheme != schemeRTMPS || u.Hostname() == "" || !isPrintable(address+query+key):
		return Target{}, ErrAddress
	case u.User != nil:
		return Target{}, ErrUser
	}
	app := strings.Trim(u.Path, "/")
	secret := Secret{query, key}
	if key == "" {
		at := strings.LastIndexByte(app, '/')
		if at < 0 {
			return Target{}, ErrNoKey
		}
		secret = Secret{Name: withQuery(app[at+1:], query)}
		app = app[:at]
	}
	if app == "" {
		return Target{}, ErrAddress
	}
	return Target{u.Scheme + "://" + strings.ToLower(u.Host) + "/" + app, secret}, nil
}

func withQuery(s, query string) string {
	if query == "" {
		return s
	}
	return s + "?" + query
}

// isPrintable reports whether s is printable ASCII without spaces.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// server returns the host and port to connect to, the host alone, and whether the connection uses TLS.
func (t Target) server() (address, host string, secure bool, err error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return "", "", false, ErrAddress
	}
	port := u.Port()
	if secure = u.Scheme == schemeRTMPS; port == "" {
		if port = portRTMP; secure {
			port = portRTMPS
		}
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), secure, nil
}

// app returns the app with its query.
func (t Target) app() string {
	_, rest, _ := strings.Cut(t.URL, "://")
	_, app, _ := strings.Cut(rest, "/")
	return withQuery(app, t.Secret.Query)
}
