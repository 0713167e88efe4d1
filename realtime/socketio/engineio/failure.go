package engineio

import (
	"encoding/json"
	"net/http"
)

// failure is the response to a request that is refused, with a code of the protocol.
type failure struct {
	status  int
	code    int
	message string
}

var (
	unknownTransport = failure{http.StatusBadRequest, 0, "Transport unknown"}
	unknownSession   = failure{http.StatusBadRequest, 1, "Session ID unknown"}
	badMethod        = failure{http.StatusBadRequest, 2, "Bad handshake method"}
	badRequest       = failure{http.StatusBadRequest, 3, "Bad request"}
	forbidden        = failure{http.StatusForbidden, 4, "Forbidden"}
	badVersion       = failure{http.StatusBadRequest, 5, "Unsupported protocol version"}

	// The protocol has no codes for these failures.
	tooLarge    = failure{http.StatusRequestEntityTooLarge, 3, "Payload too large"}
	rateLimited = failure{http.StatusTooManyRequests, 3, "Too many packets"}
	tooMany     = failure{http.StatusServiceUnavailable, 3, "Too many sessions"}
	stopping    = failure{http.StatusServiceUnavailable, 3, "Restarting"}
)

func (f failure) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": f.code, "message": f.message})
}
