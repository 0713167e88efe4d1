package api

import "time"

// Until answers until when a token is good, for a door whose connections may outlive it; the zero time
// for a token that Verify refuses.
func (t *Tokens) Until(token string) time.Time {
	var said claims
	token = bare(token)
	if len(token) > maxTokenLen {
		return time.Time{}
	}
	if _, err := t.parser.ParseWithClaims(token, &said, t.keys); err != nil {
		return time.Time{}
	}
	return said.ExpiresAt.Time // the parser requires it
}
