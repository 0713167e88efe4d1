package native

import (
	"bytes"
	"encoding/json"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// requestFrame is the envelope of every frame from a client.
type requestFrame struct {
	ID   string          `json:"id,omitempty" jsonschema:"maxLength=64" jsonschema_description:"id of the request; the reply repeats it as re"`
	Type string          `json:"type"`
	Key  string          `json:"key,omitempty" jsonschema:"maxLength=64" jsonschema_description:"idempotency key: a repeated request with the same key and data gets the first reply again"`
	Data json.RawMessage `json:"data,omitempty"`
}

// replyFrame is the envelope of a reply, and of an error that no request caused.
type replyFrame struct {
	Re   string `json:"re,omitempty"`
	Type string `json:"type"`
	Data any    `json:"data"`
}

// livePush is the envelope of a fact of a live. Pos and Prev let clients detect a missing fact.
type livePush struct {
	Type   string        `json:"type"`
	Live   domain.LiveID `json:"live"`
	Pos    int64         `json:"pos" jsonschema_description:"position in the log"`
	Prev   int64         `json:"prev" jsonschema_description:"nothing happened in this live after prev and before pos"`
	Cursor string        `json:"cursor" jsonschema_description:"send it as since of the next room.join"`
	Data   any           `json:"data"`
}

// statePush is the envelope of a push about a live that is not a fact: it has no position.
type statePush struct {
	Type string        `json:"type"`
	Live domain.LiveID `json:"live"`
	Data any           `json:"data"`
}

// userPush is the envelope of a fact of the user channel.
type userPush struct {
	Type   string `json:"type"`
	Pos    int64  `json:"pos" jsonschema_description:"position in the log"`
	Cursor string `json:"cursor" jsonschema_description:"send it with ack, and as since of the next hello"`
	Data   any    `json:"data"`
}

// chatPush is the envelope of an update of the chat.
type chatPush struct {
	Type   string            `json:"type"`
	Room   domain.ChatRoomID `json:"room,omitempty" jsonschema_description:"absent: the public chat, or a message to you alone"`
	Pos    int64             `json:"pos,omitempty" jsonschema_description:"position in the log; a typing note has none"`
	Cursor string            `json:"cursor,omitempty" jsonschema_description:"send it as since of the next chat.join"`
	Data   any               `json:"data"`
}

// connectionPush is the envelope of a push about the connection.
type connectionPush struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// noData is the data of frames without fields.
type noData struct{}

// encode encodes a frame as JSON, without escaping for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // cannot fail: frames consist of strings, numbers and times
		panic("native: encode a frame: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// cursorOf returns the cursor for the event of a delta.
func cursorOf(d projections.Delta) string {
	return eventstore.CursorOf(eventstore.Record{Position: d.Position, ID: d.EventID})
}
