package webhook

import (
	"errors"
	"net/url"

	"roomlog/internal/settings"
)

// maxURL is the maximum length of a URL in bytes.
const maxURL = 2000

// CheckURL returns an error unless text can be the URL of a receiver. The error continues the name of the field, and does not
// contain the URL.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return errors.New("must have at most 2000 bytes")
	case err != nil || !settings.IsHTTPURL(text):
		return errors.New("must be a URL such as https://hooks.example/roomlog")
	case u.User != nil:
		return errors.New("must not contain a user or a password: receivers check the signature")
	case u.Fragment != "":
		return errors.New("must not contain #")
	}
	return nil
}
