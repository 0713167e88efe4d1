package settings

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// IsHTTPURL reports whether text is an absolute URL with the scheme http or https.
func IsHTTPURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && validPort(u)
}

// Redact returns text without the user, the password and the query of a URL, in the form in which it may be shown. It also
// hides them in a text that is no URL but looks like one: everything between // and the last @, everything before the last @
// of a text with a colon, and everything behind // if a colon follows that begins no port.
func Redact(text string) string {
	begin, rest, isURL := strings.Cut(text, "//")
	switch {
	case isURL:
		begin += "//"
	default:
		begin, rest = "", text
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && (isURL || strings.Contains(rest[:at], ":")) {
		rest = "xxxxx" + rest[at:]
	}
	if !isURL {
		return begin + rest
	}
	host, _, _ := strings.Cut(rest, "/")
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 && !strings.HasSuffix(host, "]") && strings.Trim(host[colon+1:], "0123456789?#,") != "" && !strings.ContainsAny(host, "?#,") {
		return begin + "xxxxx"
	}
	if query := strings.IndexAny(rest, "?#"); query >= 0 {
		rest = rest[:query+1] + "xxxxx"
	}
	return begin + rest
}

// IsOrigin reports whether text is an origin as browsers send it, such as "https://live.example", "file://" or "null",
// or "*", which stands for every origin.
func IsOrigin(text string) bool {
	if text == "*" || text == "null" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.User == nil && validPort(u) && strings.EqualFold(text, u.Scheme+"://"+u.Host)
}

// validPort reports whether u has no port, or a port from 1 to 65535. Package url also accepts larger numbers.
func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// IsFolder reports whether path is a folder, or can become one: the nearest existing part of the path is a folder. It does not
// check permissions.
func IsFolder(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			return info.IsDir()
		case !errors.Is(err, fs.ErrNotExist):
			return errors.Is(err, fs.ErrPermission)
		}
		path = filepath.Dir(path)
	}
}

// IsListenAddress reports whether text is an address for net.Listen, such as ":7001" or "127.0.0.1:0": a host name, an
// IP address or nothing, and a port from 0 to 65535. It does not resolve host names.
func IsListenAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /\\") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
