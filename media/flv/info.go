package flv

import "encoding/binary"

// Info is what the first bytes of a payload tell.
type Info struct {
	Kind   byte
	Codec  Codec // "" if they do not tell
	Track  byte  // of several of one kind; nearly always 0
	Header bool  // a sequence header: nothing can be decoded without it
	Key    bool  // a video frame that needs no other before it
	Coded  bool  // coded media, neither a header nor anything else around it
	Mixed  bool  // of several tracks in one: Body is theirs together
	Body   int   // where the codec's own bytes begin, if Coded or Header
	Offset int32 // ms from the tag's time to when the frame is shown
}

// The types of packets, in the numbers of enhanced RTMP; the first two are also those of H264 and AAC.
const (
	packetHeader      = 0
	packetCoded       = 1
	packetCodedX      = 3 // without an offset
	packetMetadata    = 4
	packetMultitrack  = 5 // of audio
	packetMultitrackV = 6 // of video
	packetModifier    = 7
)

const (
	frameKey     = 1
	frameCommand = 5

	formatEnhanced = 9 // in place of an audio format
)

// Describe reads the first bytes of a payload. It never fails: what it does not know is a frame that is
// neither header nor key.
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

func (i *Info) audio(b []byte) {
	i.Codec = audioCodec(b[0] >> 4)
	switch {
	case i.Codec != AAC:
		i.Coded, i.Body = true, 1
	case len(b) >= 2:
		i.Header, i.Coded, i.Body = b[1] == packetHeader, b[1] == packetCoded, 2
	}
}

// enhanced reads the packets of enhanced RTMP: modifiers, perhaps a track, a codec in four letters.
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
		i.Key = looksKey(i.Codec, rest)
	}
}

// skipModifier skips what a modifier says and returns the type of the packet behind it.
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

// offset is a signed number of three bytes.
func offset(b []byte) int32 { return int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8) >> 8 }
