package native

import (
	"strings"
	"testing"
)

// TestOperations checks that every entry of the table of operations has an access, a rate and documentation.
func TestOperations(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, op := range operations() {
		if names[op.name] {
			t.Errorf("%s has two entries", op.name)
		}
		names[op.name] = true
		if op.access != accessAnyone && op.access != accessSession {
			t.Errorf("%s names no access", op.name)
		}
		if op.access == accessAnyone && op.name != "hello" && op.name != "ping" {
			t.Errorf("%s is open to everybody: is that meant?", op.name)
		}
		if op.rate < rateFrames || op.rate > rateChat {
			t.Errorf("%s names no rate", op.name)
		}
		if strings.HasPrefix(op.name, "chat.") != (op.rate == rateChat) {
			t.Errorf("%s: operations of the chat, and only they, have the rate of the chat", op.name)
		}
		if !strings.HasSuffix(op.summary, ".") || op.reply == nil || op.data == nil {
			t.Errorf("%s lacks documentation", op.name)
		}
	}
}
