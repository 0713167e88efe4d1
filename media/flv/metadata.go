package flv

import (
	"errors"
	"fmt"
	"slices"

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
	return withoutTrackFlags(payload, size, fields), fields, nil
}

// withoutTrackFlags returns metadata without the fields that announce tracks, and deletes them from fields. It changes no other byte,
// because edges compare repeated metadata by its bytes. size is the size of the name onMetaData.
func withoutTrackFlags(payload []byte, size int, fields amf.Object) []byte {
	flags := []string{"hasAudio", "hasVideo"}
	for _, flag := range flags {
		delete(fields, flag)
	}
	object := payload[size:]
	if rest := amf.RemoveFields(object, flags...); len(rest) < len(object) {
		return slices.Concat(payload[:size], rest)
	}
	return payload
}
