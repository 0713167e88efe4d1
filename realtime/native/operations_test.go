package native

import (
	"strings"
	"testing"
)

// TestOperations checks that every operation has an access rule, a rate and documentation.
func TestOperations(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, op := range operations() {
		if names[op.name] {
			t.Errorf("realtime/native/operations.go: %s has two entries: remove one", op.name)
		}
		names[op.name] = true
		if op.access != accessAnyone && op.access != accessSession {
			t.Errorf("realtime/native/operations.go: %s has no access: pass accessAnyone or accessSession", op.name)
		}
		if op.access == accessAnyone && op.name != "hello" && op.name != "ping" {
			t.Errorf("realtime/native/operations.go: %s has accessAnyone: use accessSession, or add the operation to this test if clients need it before hello", op.name)
		}
		if op.rate < rateFrames || op.rate > rateChat {
			t.Errorf("realtime/native/operations.go: %s has no rate: pass a rate of realtime/native/request.go", op.name)
		}
		if strings.HasPrefix(op.name, "chat.") != (op.rate == rateChat) {
			t.Errorf("realtime/native/operations.go: %s: operations whose names begin with chat. have rateChat, all others another rate", op.name)
		}
		if !strings.HasSuffix(op.summary, ".") || op.reply == nil || op.data == nil {
			t.Errorf("realtime/native/operations.go: %s: pass a summary that ends with a full stop (got %q), and a zero value of the reply that the handler sends",
				op.name, op.summary)
		}
	}
}
