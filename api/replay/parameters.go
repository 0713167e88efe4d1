package replay

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/eventstore/place"
)

// Document completes the documentation of the operation that replays events.
func Document(o *huma.Operation, schemas huma.Registry) {
	schema := func(types ...reflect.Type) *huma.Schema {
		one := &huma.Schema{}
		for _, t := range types {
			one.AnyOf = append(one.AnyOf, schemas.Schema(t, true, ""))
		}
		return one
	}
	line := schema(reflect.TypeFor[EventLine](), reflect.TypeFor[CursorLine](), reflect.TypeFor[CloudEvent]())
	o.Responses["200"].Description = "ndjson and sse: one line per event. A line with only a cursor reports the position up to which the log was searched. " +
		"The last line also has end: head, until, limit, slow, shutdown, or an error code with a text, such as token_expired, session_ended, banned or forbidden, " +
		"within a second after the reader has lost the right to read. json: one page, and the header Link with the next one; complete pages have an ETag. " +
		"count=true: a number. Compressed with zstd or gzip on request (Accept-Encoding)."
	o.Responses["200"].Content = map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: line}, "text/event-stream": {Schema: line},
		"application/json":                   {Schema: schema(reflect.TypeFor[EventPage](), reflect.TypeFor[EventCount]())},
		"application/cloudevents-batch+json": {Schema: &huma.Schema{Type: huma.TypeArray, Items: schemas.Schema(reflect.TypeFor[CloudEvent](), true, "")}},
	}
	o.Responses["101"] = &huma.Response{Description: "A WebSocket, on request (Upgrade: websocket): each line of ndjson is a text message. After the last line the server closes the connection with 1000."}
	o.Parameters = append(o.Parameters, Parameters()...)
}

// Parameters returns the parameters of a request for a replay.
func Parameters() []*huma.Param {
	text, flag := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeBoolean}
	least, most := 1.0, float64(place.MaxPosition)
	number := &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most}
	word := func(words ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: words} }
	parameter := func(name string, schema *huma.Schema, text string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Schema: schema, Description: text}
	}
	return []*huma.Param{
		parameter("after", text, "cursor to continue from; default: the beginning"),
		parameter("from", text, "where to start, instead of after: beginning, now, a position, a day (UTC) or a time (RFC 3339)"),
		parameter("until", text, "end before this position, day (UTC) or time (RFC 3339)"),
		parameter("type", &huma.Schema{Type: huma.TypeArray, Items: text}, "only these event types: types and prefixes like gift.*, separated by commas"),
		parameter("stream", text, "only events of this stream, such as wallet-12"),
		parameter("live", number, "only events of this live"),
		parameter("user", number, "only events that this user caused"),
		parameter("follow", flag, "continue as the log grows; the default for server-sent events and WebSocket"),
		parameter("limit", number, "end after this number of events; a page has 500 by default and at most 1000"),
		parameter("format", word("ndjson", "sse", "json"), "ndjson: JSON lines, the default; sse: server-sent events, the default with Accept: text/event-stream; json: one page"),
		parameter("envelope", word("roomlog", "cloudevents"), "form of each event; cloudevents: CloudEvents 1.0, as a batch with format=json"),
		parameter("count", flag, "return only the number of events"),
		{Name: "Last-Event-ID", In: "header", Schema: text, Description: "cursor to continue from, as an EventSource sends it; takes precedence over after and from"},
	}
}
