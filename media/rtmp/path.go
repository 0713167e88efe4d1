package rtmp

import (
	"fmt"
	"net/url"
	"strings"
)

const maxName = 64

// ErrPath is wrapped when app and stream name are not a valid stream path.
var ErrPath = fmt.Errorf("%w: bad stream path", ErrProtocol)

// ValidName reports whether name is a valid app or stream name: [A-Za-z0-9_-]{1,64}.
func ValidName(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(name) >= 1 && len(name) <= maxName
}

// SplitPath returns the app, the stream name and the query arguments of a request. app is the app of connect, name is
// the stream name of publish or play. Encoders append the query to app or to name, and some put the whole path into
// app. If app and name have the same argument, the argument in name is used.
func SplitPath(app, name string) (string, string, url.Values, error) {
	if len(app)+len(name) > maxPath {
		return "", "", nil, fmt.Errorf("%w: %d bytes", ErrPath, len(app)+len(name))
	}
	app, appQuery, _ := strings.Cut(app, "?")
	name, nameQuery, _ := strings.Cut(name, "?")
	args, err := url.ParseQuery(appQuery)
	if err != nil {
		return "", "", nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	more, err := url.ParseQuery(nameQuery)
	if err != nil {
		return "", "", nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	for key, values := range more {
		args[key] = values
	}
	app, name = strings.Trim(app, "/"), strings.Trim(name, "/")
	if name == "" {
		app, name, _ = strings.Cut(app, "/")
	}
	if !ValidName(app) || !ValidName(name) {
		return "", "", nil, fmt.Errorf("%w: app %.80q, name %.80q", ErrPath, app, name)
	}
	return app, name, args, nil
}
