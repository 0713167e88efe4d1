package strictjson

import (
	"encoding/json"
	"reflect"
)

// Unmarshal decodes data into v like json.Unmarshal. It returns a *MemberError if an object in data has an ambiguous
// member. It reports invalid JSON with the errors of encoding/json.
func Unmarshal(data []byte, v any) error {
	if err := Check(data, v); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Check returns a *MemberError if an object in data has an ambiguous member. v is a pointer to the value into which
// the caller will decode data, or nil. Check does not report invalid JSON.
func Check(data []byte, v any) error {
	s := scanner{data: data}
	if v != nil {
		s.root = shapeOf(reflect.TypeOf(v))
	}
	return s.scan()
}
