package media

import (
	"time"

	"roomlog/media/flv"
)

// publisher is a connection that publishes a stream. Only one goroutine writes its frames.
type publisher struct {
	client     Client
	startedAt  time.Time
	disconnect func() // closes the connection

	placed bool   // offset is known
	offset uint32 // ms to add to its timestamps to get timestamps of the broadcast
	hasKey bool   // a key frame has been received
}

// parsed is a payload of a publisher with its description.
type parsed struct {
	info    flv.Info
	payload []byte
	size    flv.Size
	sound   flv.Sound
}

// parse describes a payload. It reports false if players cannot use the payload. It accepts payloads of unknown
// codecs.
func (p *publisher) parse(kind byte, payload []byte) (parsed, bool) {
	m := parsed{info: flv.Describe(kind, payload), payload: payload}
	switch kind {
	case flv.Script:
		var err error
		m.payload, _, err = flv.ParseMetadata(payload)
		return m, err == nil
	case flv.Video:
		p.hasKey = p.hasKey || m.info.Key
		if m.info.Coded && !p.hasKey {
			return m, false // cannot be decoded, and would disturb players that show an earlier picture
		}
		if m.info.Header && len(payload) <= maxHeader {
			m.size, _ = flv.ParseSize(payload) // players get a malformed header too
		}
	case flv.Audio:
		if (m.info.Header || m.info.Codec == flv.MP3) && len(payload) <= maxHeader {
			m.sound, _ = flv.ParseSound(payload)
		}
	}
	return m, true
}
