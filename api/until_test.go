package api

import (
	"testing"
	"time"
)

func TestTokensUntil(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tokens := newTokens(t, now, secretOfTests)
	good, err := tokens.issue(caller{12, "s1", 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{good, "Bearer " + good} {
		if got := tokens.Until(token); !got.Equal(now.Add(time.Hour)) {
			t.Errorf("until %v, want an hour from %v", got, now)
		}
	}
	foreign, err := newTokens(t, now, olderSecret).issue(caller{12, "s1", 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "x", foreign} {
		if got := tokens.Until(token); !got.IsZero() {
			t.Errorf("%q is good until %v", token, got)
		}
	}
}
