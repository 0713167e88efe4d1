package domain

import (
	"strings"
	"unicode"
)

// maxURL is the maximum length of a URL in bytes.
const maxURL = 1024

// uploadPath is the beginning of the path of every uploaded file.
const uploadPath = "/uploads/"

// checkOptionalURL returns a *Refusal for a text that cannot be the URL of an image. Pages put such texts into img and
// anchor elements, so it accepts only http and https URLs and paths of uploads. An empty text is accepted.
func checkOptionalURL(field, s string) error {
	switch {
	case s == "":
		return nil
	case len(s) > maxURL:
		return refuse(CodeTextTooLong, "%s must have at most %d bytes", field, maxURL)
	case strings.ContainsFunc(s, unicode.IsSpace):
		return refuse(CodeTextInvalid, "%s must not contain spaces", field)
	}
	if err := checkReadable(field, s); err != nil {
		return err
	}
	if strings.ContainsAny(s, "\"<>\\`") || !isWebURL(s) && !isUploadPath(s) {
		return refuse(CodeTextInvalid, "%s must be a URL that begins with http:// or https://, or the path of an upload, like %s…", field, uploadPath)
	}
	return nil
}

// isWebURL reports whether s is an http or https URL with a host and without a user name.
func isWebURL(s string) bool {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	return host != "" && host[0] != ':' && !strings.Contains(host, "@")
}

// isUploadPath reports whether s is the path of an uploaded file.
func isUploadPath(s string) bool {
	name, ours := strings.CutPrefix(s, uploadPath)
	return ours && name != "" && !strings.ContainsAny(name, "/?#%")
}
