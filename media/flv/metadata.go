package flv

import (
	"errors"
	"fmt"

	"roomlog/media/amf"
)

// ErrNoMetadata is returned for script data other than onMetaData.
var ErrNoMetadata = errors.New("flv: script data is not metadata")

// ParseMetadata parses script data that contains onMetaData. It returns the payload for players, without the leading
// @setDataFrame and the numbers that some cameras send before it, and the fields. It removes hasAudio and hasVideo: some players
// believe them more than the header of the file, and wait for a track that may never come. It returns ErrNoMetadata for other
// script data.
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
	return withoutPromises(payload, fields), fields, nil
}

// withoutPromises returns metadata without the fields that announce tracks, and deletes them from fields.
func withoutPromises(payload []byte, fields amf.Object) []byte {
	before := len(fields)
	delete(fields, "hasAudio")
	delete(fields, "hasVideo")
	if len(fields) == before {
		return payload
	}
	return amf.Encode("onMetaData", fields)
}
