package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Binary is an argument that travels as an attachment. It may be an argument itself, or be inside of a
// map[string]any or []any.
type Binary []byte

// placeholder stands for an attachment.
type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// encodeArguments writes arguments as a JSON array, with placeholders for the attachments that it takes out.
func encodeArguments(arguments []any) (json.RawMessage, [][]byte) {
	var attachments [][]byte
	if arguments = takeOut(arguments, &attachments).([]any); arguments == nil {
		arguments = []any{}
	}
	return encodeJSON(arguments), attachments
}

// encodeJSON is JSON as it leaves: texts raw, for clients put them where they belong.
func encodeJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // a fault of the caller's
		panic("protocol: encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// takeOut answers v with placeholders for what is binary in it, which it appends to attachments.
func takeOut(v any, attachments *[][]byte) any {
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
			out[i] = takeOut(v[i], attachments)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = takeOut(v[key], attachments)
		}
		return out
	}
	return v
}

// errAttachment is for a placeholder of an attachment that did not come.
var errAttachment = errors.New("no such attachment")

// putBack answers decoded JSON with the attachments in place of their placeholders. It changes v.
func putBack(v any, attachments [][]byte) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = putBack(v[i], attachments); err != nil {
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
			if v[key], err = putBack(v[key], attachments); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
