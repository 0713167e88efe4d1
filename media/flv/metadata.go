package flv

import (
	"errors"
	"fmt"

	"roomlog/media/amf"
)

// ErrNoMetadata is returned for script data other than onMetaData.
var ErrNoMetadata = errors.New("flv: script data is not metadata")

// ParseMetadata parses script data that contains onMetaData. It returns the payload for players, without the leading
// @setDataFrame and the numbers that some cameras send before it, and the fields. It returns ErrNoMetadata for other script
// data.
func ParseMetadata(payload []byte) (clean []byte, fields amf.Object, err error) {
	const maxLeading = 4
	name, size, err := amf.First(payload)
	for range maxLeading {
		if _, isNumber := name.(float64); err != nil || !isNumber && name != "@setDataFrame" {
			break
		}
		payload = payload[size:]
		name, size, err = amf.First(payload)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("metadata: %w", err)
	}
	if name != "onMetaData" {
		return nil, nil, ErrNoMetadata
	}
	values, err := amf.Decode(payload[size:])
	if err != nil {
		return nil, nil, fmt.Errorf("metadata: %w", err)
	}
	if len(values) == 0 {
		return nil, nil, ErrNoMetadata
	}
	fields, isObject := values[0].(amf.Object)
	if !isObject {
		return nil, nil, ErrNoMetadata
	}
	return payload, fields, nil
}
