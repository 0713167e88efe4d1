package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Binary is an argument that is sent as an attachment. It may be an argument itself, or a value in a map[string]any or
// []any.
type Binary []byte

// placeholder replaces an attachment in the JSON of a packet.
type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// encodeArguments encodes arguments as a JSON array with placeholders, and returns the attachments.
func encodeArguments(arguments []any) (json.RawMessage, [][]byte) {
	var attachments [][]byte
	if arguments = extractBinary(arguments, &attachments).([]any); arguments == nil {
		arguments = []any{}
	}
	return encodeJSON(arguments), attachments
}

// encodeJSON encodes v without escaping HTML: clients escape strings themselves. It panics if v cannot be encoded.
func encodeJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("protocol: encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// extractBinary returns v with placeholders instead of its Binary values, which it appends to attachments.
func extractBinary(v any, attachments *[][]byte) any {
	switch v := v.(type) {
	case Binary:
		*attachments = append(*attachments, v)
		return placeholder{true, len(*attachments) - 1}
	case []any:
		if v == nil {
			return v
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = extractBinary(v[i], attachments)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = extractBinary(v[key], attachments)
		}
		return out
	}
	return v
}

// errAttachment is the error for a placeholder without an attachment.
var errAttachment = errors.New("no such attachment")

// insertBinary returns decoded JSON with the attachments instead of their placeholders. It changes v.
func insertBinary(v any, attachments [][]byte) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = insertBinary(v[i], attachments); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			num, ok := v["num"].(float64)
			if !ok || num < 0 || num >= float64(len(attachments)) {
				return nil, errAttachment
			}
			return Binary(attachments[int(num)]), nil
		}
		for key := range v {
			if v[key], err = insertBinary(v[key], attachments); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
