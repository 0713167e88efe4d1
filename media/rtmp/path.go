package rtmp

import (
	"fmt"
	"net/url"
	"slices"
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
// the stream name of publish or play. The returned app is "" if the client names none. If app and name have the same
// argument, the argument in name is used. An error wraps ErrPath and describes the fault. SplitPath accepts these
// forms, which encoders send:
//
//   - the query in app or in name, or the query as the name after an app that ends with a question mark
//   - the whole path in app, in name or in both, or a URL in name
//   - the instance _definst_ of Flash Media Server
//   - a format before the name, such as flv:KEY
func SplitPath(app, name string) (string, string, url.Values, error) {
	if len(app)+len(name) > maxPath {
		return "", "", nil, fmt.Errorf("%w: the path has %d bytes, at most %d are allowed", ErrPath, len(app)+len(name), maxPath)
	}
	if strings.HasSuffix(app, "?") && strings.Contains(name, "=") && !strings.Contains(name, "?") {
		app, name = app+name, ""
	}
	appPath, appQuery := splitAddress(app)
	namePath, nameQuery := splitAddress(name)
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
	path := append(appPath, namePath...)
	address, _, _ := strings.Cut(name, "?")
	isWhole := len(namePath) > 1 || strings.Contains(address, "://")
	if isWhole && len(appPath) > 0 && len(namePath) >= len(appPath) && slices.Equal(namePath[:len(appPath)], appPath) {
		path = namePath // the name repeats the app
	}
	if len(path) == 1 {
		path = append([]string{""}, path...)
	}
	if len(path) != 2 {
		return "", "", nil, fmt.Errorf("%w: the path must be APP/KEY (got %.80q)", ErrPath, strings.Join(path, "/"))
	}
	app, name = path[0], withoutFormat(path[1])
	if app != "" && !ValidName(app) || !ValidName(name) {
		return "", "", nil, fmt.Errorf("%w: app and stream key must have 1 to %d letters, digits, _ or - (got %.80q and %.80q)", ErrPath, maxName, app, name)
	}
	return app, name, args, nil
}

// splitAddress returns the segments of the path and the query of an app, a stream name, or a URL.
func splitAddress(address string) (path []string, query string) {
	address, query, _ = strings.Cut(address, "?")
	if _, rest, isURL := strings.Cut(address, "://"); isURL {
		_, address, _ = strings.Cut(rest, "/") // the address without its host
	}
	for segment := range strings.SplitSeq(address, "/") {
		if segment != "" && segment != "_definst_" {
			path = append(path, segment)
		}
	}
	return path, query
}

// withoutFormat removes the format that clients of Flash Media Server put before a stream name.
func withoutFormat(name string) string {
	if format, rest, found := strings.Cut(name, ":"); found && slices.Contains([]string{"flv", "mp4", "f4v", "mp3"}, format) {
		return rest
	}
	return name
}
