package native

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/invopop/jsonschema"
)

// object is a JSON object in a document. Its keys are sorted.
type object map[string]any

// AsyncAPI returns an AsyncAPI 3.0 document of the native dialect, generated from the types of the frames.
func AsyncAPI() []byte {
	messages, ops, names := object{}, object{}, object{}
	add := func(name, summary string, payload *jsonschema.Schema) object {
		messages[name] = object{
			"name": name, "summary": summary, "contentType": "application/json", "payload": payload,
			"examples": []object{{"name": "example", "payload": exampleOf(name, payload)}},
		}
		names[name] = ref("components/messages/" + name)
		return ref("channels/ws/messages/" + name)
	}
	failed := add("error.reply", "The reply to a request that was not executed.", envelope(replyFrame{}, "error", reflect.TypeFor[errorInfo]()))
	for _, op := range operations() {
		requested := add(op.name, op.summary, envelope(requestFrame{}, op.name, reflect.TypeOf(op.data)))
		replied := add(op.name+".ok", "The reply to "+op.name+".", envelope(replyFrame{}, "ok", reflect.TypeOf(op.reply)))
		ops[op.name] = object{
			"action": "receive", "channel": ref("channels/ws"), "summary": op.summary, "messages": []object{requested},
			"reply":    object{"channel": ref("channels/ws"), "messages": []object{replied, failed}},
			"x-access": op.access.String(), "x-rate-limit": op.rate.String(),
		}
	}
	for _, p := range pushes() {
		name := "push." + p.name
		sent := add(name, p.summary, envelope(p.form, p.name, p.data))
		ops[name] = object{"action": "send", "channel": ref("channels/ws"), "summary": p.summary, "messages": []object{sent}}
	}
	doc, err := json.MarshalIndent(object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "roomlog native dialect", "version": "1",
			"description": "Lives and chat over WebSocket, in JSON text frames. docs/REALTIME.md is the guide.",
		},
		"servers":       object{"local": object{"host": "localhost:7001", "protocol": "ws"}},
		"channels":      object{"ws": object{"address": "/ws", "messages": names}},
		"operations":    ops,
		"components":    object{"messages": messages},
		"x-error-codes": errorCodes(),
		"x-close-codes": closeCodes(),
	}, "", "  ")
	if err != nil {
		panic("native: describe the dialect: " + err.Error()) // cannot happen: the document consists of strings and maps
	}
	return append(doc, '\n')
}

func ref(to string) object { return object{"$ref": "#/" + to} }

// envelope returns the schema of a frame: the fields of form, with the given type and data.
func envelope(form any, name string, data reflect.Type) *jsonschema.Schema {
	s := schemaOf(form)
	s.Properties.Set("type", &jsonschema.Schema{Const: name})
	if data.NumField() == 0 {
		s.Properties.Set("data", &jsonschema.Schema{Type: "object"})
	} else {
		s.Properties.Set("data", schemaOf(reflect.Zero(data).Interface()))
		if !slices.Contains(s.Required, "data") {
			s.Required = append(s.Required, "data")
		}
	}
	return s
}

func schemaOf(v any) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true, AllowAdditionalProperties: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == reflect.TypeFor[time.Time]() {
				return &jsonschema.Schema{Type: "string", Format: "date-time"}
			}
			return nil
		},
	}
	s := r.Reflect(v)
	s.Version = ""
	return s
}
