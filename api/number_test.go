package api

import (
	"encoding/json"
	"testing"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]number{
		`6`: 6, `"6"`: 6, `0`: 0, `-1`: -1, `"-1"`: -1, `9223372036854775807`: 1<<63 - 1, `"9223372036854775807"`: 1<<63 - 1,
	} {
		var n number
		if err := json.Unmarshal([]byte(text), &n); err != nil || n != want {
			t.Errorf("%s: got %d, %v, want %v", text, n, err, want)
		}
	}
	for _, text := range []string{`""`, `"x"`, `6.5`, `6e2`, `true`, `null`, `{}`, `[6]`, `"6`, `"6 "`, `9223372036854775808`, `"+-6"`} {
		var n number
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s: decoded as %d", text, n)
		}
	}
}
