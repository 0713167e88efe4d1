package domain

import "strings"

// Request is a command, the actor who issues the command, and the ids that the log stores with its events.
type Request struct {
	Command        Command
	Actor          Actor
	IdempotencyKey string // idempotency key, chosen by the actor: 1–64 printable ASCII bytes; "" for none
	Correlation    string // id that groups requests in logs and analyses: at most 200 printable ASCII bytes
	Causation      string // id of the event or request that caused this request: at most 200 printable ASCII bytes

	// History is the number of the history of the log (eventstore.History) in which the sender has read facts that the
	// command contains. The request fails if the log has another one. 0: the command contains no such facts.
	History int64
}

// MaxIdempotencyKey is the maximum length of an idempotency key in bytes.
const MaxIdempotencyKey = 64

// Maximum lengths of ids in bytes.
const (
	maxStreamName = 128
	maxReference  = 200
)

// Reads returns the streams whose states Decide needs: the streams of the command and, for a signed-in user, the
// streams of the user and the session.
func (r Request) Reads() []Stream {
	streams := r.Command.Reads(r.Actor)
	if r.Actor.Kind == Authenticated {
		streams = append(streams, userStream(r.Actor.User), sessionStream(r.Actor.User))
	}
	return streams
}

// Validate returns a *Refusal for a request that is invalid in every state: an unknown command, a malformed idempotency
// key, or a stream name that the log cannot store. Callers validate a request before they load states. Decide validates
// it again.
func (r Request) Validate() error {
	if r.Command == nil {
		return refuse(CodeBadRequest, "the request has no command")
	}
	if _, ok := commandsByType[r.Command.Type()]; !ok {
		return refuse(CodeBadRequest, "there is no command %s", r.Command.Type())
	}
	for _, s := range r.Command.Reads(r.Actor) {
		if len(s) > maxStreamName || !printable(string(s)) || strings.Contains(string(s), " ") {
			return refuse(CodeTextInvalid, "the name of a stream must have at most %d bytes of printable ASCII without spaces", maxStreamName)
		}
	}
	if !reference(r.Correlation) || !reference(r.Causation) {
		return refuse(CodeBadRequest, "correlation and causation must have at most %d bytes of printable ASCII", maxReference)
	}
	if c, ok := r.Command.(serverFields); ok {
		for _, s := range c.serverTexts() {
			if !reference(s) {
				return refuse(CodeBadRequest, "fields that a server adds must have at most %d bytes of printable ASCII", maxReference)
			}
		}
	}
	return r.validateKey()
}

func (r Request) validateKey() error {
	switch key := r.IdempotencyKey; {
	case key == "":
		return nil
	case r.Actor.Kind == Anonymous:
		return refuse(CodeBadKey, "an idempotency key requires a signed-in user")
	case len(key) > MaxIdempotencyKey:
		return refuse(CodeBadKey, "the idempotency key must have at most %d bytes", MaxIdempotencyKey)
	case !printable(key):
		return refuse(CodeBadKey, "the idempotency key must be printable ASCII")
	}
	return nil
}

func reference(s string) bool { return len(s) <= maxReference && printable(s) }
