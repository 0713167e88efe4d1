package replay

import (
	"fmt"
	"net/url"
	"strings"

	"roomlog/api/schemas"
	"roomlog/domain"
)

// maxTypes is the maximum number of types and prefixes in the parameter type.
const maxTypes = 100

// ParseStream returns the stream in the parameter stream, or "" if there is none. It refuses a text that cannot be the name
// of a stream.
func ParseStream(q url.Values) (domain.Stream, error) {
	stream := domain.Stream(q.Get("stream"))
	_, known := domain.StateSpecOf(stream)
	if q.Has("stream") && (!known || strings.ContainsFunc(string(stream), func(r rune) bool { return r <= ' ' || r > '~' })) {
		return "", refusal("stream must be the name of a stream like wallet-12, as events contain it (got %.60q)", stream)
	}
	return stream, nil
}

// ParseTypes returns the event types, as stored in the log, that match the requested types and prefixes. The result
// includes types of older versions, because their events are converted to the newest version when they are read. It
// refuses types and prefixes that no event has.
func ParseTypes(requested []string) ([]string, error) {
	var types []string
	n := 0
	for _, list := range requested {
		for want := range strings.SplitSeq(list, ",") {
			if n++; n > maxTypes {
				return nil, refusal("type must contain at most %d types (got more)", maxTypes)
			}
			found := domain.StoredTypes(want)
			if len(found) == 0 {
				return nil, refusal("type: there is no event type %.60q; send a type like gift.sent.v2 or a prefix like gift.*, see %s", want, schemas.Path)
			}
			types = append(types, found...)
		}
	}
	return types, nil
}

func refusal(format string, args ...any) error {
	return &domain.Refusal{Code: domain.CodeBadRequest, Text: fmt.Sprintf(format, args...)}
}
