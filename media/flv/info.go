package flv

import "encoding/binary"

// Info describes a payload as far as its first bytes show.
type Info struct {
	Kind   byte
	Codec  Codec // codec; "" if unknown
	Track  byte  // number among the tracks of one kind; nearly always 0
	Header bool  // whether the payload is a sequence header, which decoders need first, or script data
	Key    bool  // whether the payload is a video frame that can be decoded without earlier frames
	Coded  bool  // whether the payload is coded media
	Mixed  bool  // whether the payload contains several tracks; Body is then the start of all of them
	Body   int   // offset of the bytes of the codec, if Coded or Header is true
	Offset int32 // composition time: milliseconds from the timestamp until the frame is shown
}

// The packet types of enhanced RTMP. Types 0 and 1 are also the packet types of H.264 and AAC in FLV.
const (
	packetHeader      = 0
	packetCoded       = 1
	packetCodedX      = 3 // coded picture without composition time
	packetMetadata    = 4
	packetMultitrack  = 5 // several audio tracks
	packetMultitrackV = 6 // several video tracks
	packetModifier    = 7
)

const (
	frameKey     = 1
	frameCommand = 5

	formatEnhanced = 9  // audio format number that marks enhanced RTMP
	formatDevice   = 15 // audio format number of sound that only the device itself understands
)

// Describe returns the description of a payload. It never fails: an unknown payload is neither a header nor coded
// media.
func Describe(kind byte, payload []byte) Info {
	info := Info{Kind: kind}
	switch {
	case len(payload) == 0:
	case kind == Video && payload[0]&0x80 != 0:
		info.enhanced(payload, payload[0]>>4&7)
	case kind == Video:
		info.video(payload)
	case kind == Audio && payload[0]>>4 == formatEnhanced:
		info.enhanced(payload, 0)
	case kind == Audio:
		info.audio(payload)
	case kind == Script:
		info.Header = true
	}
	return info
}

// video describes a video payload of FLV.
func (i *Info) video(b []byte) {
	frame := b[0] >> 4
	i.Codec = videoCodec(b[0] & 15)
	switch {
	case frame == frameCommand:
	case i.Codec != H264 && i.Codec != HEVC && i.Codec != AV1:
		i.Key, i.Coded, i.Body = frame == frameKey, true, 1
	case len(b) < 5:
	default:
		i.Header = b[1] == packetHeader
		i.Coded = b[1] == packetCoded
		i.Key = i.Coded && frame == frameKey
		i.Body, i.Offset = 5, offset(b[2:])
	}
}

// audio describes an audio payload of FLV.
func (i *Info) audio(b []byte) {
	i.Codec = audioCodec(b[0] >> 4)
	switch {
	case i.Codec != AAC:
		i.Coded, i.Body = true, 1
	case len(b) >= 2:
		i.Header, i.Coded, i.Body = b[1] == packetHeader, b[1] == packetCoded, 2
	}
}

// enhanced describes a payload of enhanced RTMP: modifiers, an optional track, and a FourCC.
func (i *Info) enhanced(b []byte, frame byte) {
	packet, rest := b[0]&15, b[1:]
	for packet == packetModifier {
		if packet, rest = skipModifier(rest); rest == nil {
			return
		}
	}
	tracks := packet == packetMultitrack && i.Kind == Audio || packet == packetMultitrackV && i.Kind == Video
	single := true
	if tracks {
		if len(rest) < 1 {
			return
		}
		single = rest[0]>>4 == 0
		packet, rest = rest[0]&15, rest[1:]
	}
	if frame == frameCommand && packet != packetMetadata || len(rest) < 4 {
		return
	}
	i.Codec, rest = fourCC(rest[:4]), rest[4:]
	if tracks {
		if len(rest) < 1 {
			return
		}
		i.Track, rest = rest[0], rest[1:]
	}
	i.Header = packet == packetHeader
	coded := packet == packetCoded || packet == packetCodedX && i.Kind == Video
	i.Key = coded && i.Kind == Video && frame == frameKey
	if packet == packetCoded && (i.Codec == H264 || i.Codec == HEVC) {
		if len(rest) < 3 {
			return
		}
		i.Offset, rest = offset(rest), rest[3:]
	}
	i.Coded, i.Mixed = coded, !single
	i.Body = len(b) - len(rest)
	if coded && single && i.Kind == Video && frame == 0 {
		i.Key = containsKey(i.Codec, rest)
	}
}

// skipModifier skips the data of a modifier. It returns the type of the packet that follows, and the rest.
func skipModifier(b []byte) (packet byte, rest []byte) {
	if len(b) < 1 {
		return 0, nil
	}
	size, b := int(b[0])+1, b[1:]
	if size == 256 {
		if len(b) < 2 {
			return 0, nil
		}
		size, b = int(binary.BigEndian.Uint16(b))+1, b[2:]
	}
	if len(b) < size+1 {
		return 0, nil
	}
	return b[size] & 15, b[size+1:]
}

// offset returns the signed number in the first three bytes of b.
func offset(b []byte) int32 { return int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8) >> 8 }

// FourCC returns the FourCC that an RTMP server must have announced before a client may send it this payload. needed is
// false for payloads that every RTMP server takes. For HEVC and AV1 under a codec number that is not standardized, code is
// "" and needed is true: no server announces them.
func FourCC(info Info, payload []byte) (code string, needed bool) {
	switch {
	case len(payload) == 0 || info.Kind == Script:
		return "", false
	case info.Kind == Video && isUnofficial(payload[0]):
		return "", true
	case info.Kind == Video && payload[0]&0x80 == 0, info.Kind == Audio && payload[0]>>4 != formatEnhanced:
		return "", false
	}
	switch info.Codec {
	case H264:
		return "avc1", true
	case HEVC:
		return "hvc1", true
	case AV1:
		return "av01", true
	case VP9:
		return "vp09", true
	case AAC:
		return "mp4a", true
	case MP3:
		return ".mp3", true
	}
	return string(info.Codec), true
}
