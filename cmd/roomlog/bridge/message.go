package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"roomlog/api/replay"
	"roomlog/eventstore"
)

// The headers of a message that the bridge reads again. The other attributes of a CloudEvent have headers of the same form.
const (
	headerSource = "ce-source" // names the log
	headerCursor = "ce-cursor" // position and end of the event's id
	headerSealed = "ce-sealed" // "true": personal texts are sealed as in the log, and not left out
)

const (
	noLive     = "none" // token of the subject for events without a live
	maxSubject = 200    // maximum number of bytes of the type in a subject
)

// sourceOf returns the source of the CloudEvents of a log.
func sourceOf(store *eventstore.Store) string { return "urn:uuid:" + store.ID() }

// newMessage returns the message of an event: a CloudEvent in the binary content mode of the NATS protocol binding, without private
// fields. If sealed is true, the message contains the personal texts, sealed as in the log.
func newMessage(store *eventstore.Store, r eventstore.Record, stream string, sealed bool) (*nats.Msg, error) {
	c := replay.NewCloudEvent(store, r, "", false)
	if spec, known := store.Spec(r.Type); sealed && r.Fault == nil && known {
		stored, err := store.DecodePlain(r.Type, r.Payload)
		if err != nil {
			return nil, fmt.Errorf("decode the event at position %d: %w", r.Position, err)
		}
		var withheld []string
		c.Data, withheld = replay.SealedData(stored, spec)
		c.Withheld = strings.Join(withheld, ",")
	}
	m := nats.NewMsg(subjectOf(stream, r, c.Type))
	m.Header = headersOf(c)
	if sealed {
		m.Header.Set(headerSealed, "true")
	}
	if c.Data == nil {
		return m, nil
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Data); err != nil {
		return nil, fmt.Errorf("encode the event at position %d: %w", r.Position, err)
	}
	m.Data = bytes.TrimSuffix(data.Bytes(), []byte("\n"))
	return m, nil
}

// headersOf returns the attributes of a CloudEvent as headers: NATS Protocol Binding 1.0.3-wip, section 3.1.3.
func headersOf(c replay.CloudEvent) nats.Header {
	h := nats.Header{}
	set := func(name, value string) {
		if value != "" {
			h["ce-"+name] = []string{percentEncoded(value)}
		}
	}
	set("specversion", c.SpecVersion)
	set("id", c.ID)
	set("source", c.Source)
	set("type", c.Type)
	set("subject", string(c.Subject))
	if c.Time != nil {
		set("time", c.Time.Format("2006-01-02T15:04:05.999999999Z07:00"))
	}
	set("datacontenttype", c.DataContentType)
	set("sequence", c.Sequence)
	set("partitionkey", string(c.PartitionKey))
	set("cursor", c.Cursor)
	set("streamversion", strconv.Itoa(c.StreamVersion))
	set("actor", c.Actor)
	set("live", c.Live)
	set("withheld", c.Withheld)
	set("undecodable", c.Undecodable)
	return h
}

// percentEncoded encodes what a header value may not contain: NATS Protocol Binding 1.0.3-wip, section 3.1.3.2.
func percentEncoded(value string) string {
	return encoded(value, func(b byte) bool { return b > ' ' && b < 0x7f && b != '"' && b != '%' })
}

// encoded replaces the bytes of a text that are not plain by % and two hexadecimal digits.
func encoded(text string, plain func(byte) bool) string {
	var out strings.Builder
	for i := range len(text) {
		if plain(text[i]) {
			out.WriteByte(text[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", text[i])
		}
	}
	return out.String()
}

// subjectOf returns the subject of an event: STREAM.LIVE.TYPE. The dots of the type divide it into tokens. What a token may not
// contain is encoded like in a header; only events that this program does not know have such types.
func subjectOf(stream string, r eventstore.Record, eventType string) string {
	live := noLive
	if r.LiveID != 0 {
		live = strconv.FormatInt(int64(r.LiveID), 10)
	}
	tokens := strings.Split(eventType, ".")
	for i, token := range tokens {
		tokens[i] = encoded(token, func(b byte) bool {
			return b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
		})
	}
	kind := strings.Join(tokens, ".")
	if len(kind) > maxSubject || strings.Contains("."+kind+".", "..") { // no token may be empty
		kind = strings.ReplaceAll(kind, ".", "%2E")
		kind = kind[:min(len(kind), maxSubject)]
	}
	if kind == "" {
		kind = "%"
	}
	return stream + "." + live + "." + kind
}
