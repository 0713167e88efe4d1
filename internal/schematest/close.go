package schematest

// Close forbids the members that a schema does not describe, in all schemas of a decoded document. Clients must ignore
// unknown members, so published schemas permit them; a server must not send them.
func Close(document any) {
	switch value := document.(type) {
	case map[string]any:
		if _, is := value["properties"].(map[string]any); is && value["additionalProperties"] == nil {
			value["additionalProperties"] = false
		}
		for _, member := range value {
			Close(member)
		}
	case []any:
		for _, item := range value {
			Close(item)
		}
	}
}
