package rtmp

import "encoding/binary"

// The types of messages that a Conn hands over.
const (
	TypeAudio = 8
	TypeVideo = 9
	TypeData  = 18
)

// The types that it keeps to itself.
const (
	typeSetChunkSize     = 1
	typeAbort            = 2
	typeAck              = 3
	typeUserControl      = 4
	typeWindowAckSize    = 5
	typeSetPeerBandwidth = 6
	typeDataAMF3         = 15
	typeCommandAMF3      = 17
	typeCommand          = 20
)

// The chunk streams on which we write.
const (
	csControl = 2
	csCommand = 3
	csData    = 5
	csAudio   = 6
	csVideo   = 7
)

const (
	// ChunkSize is the size of the chunks we write, from the answer to connect on.
	ChunkSize = 60_000
	// MediaStream is the id of the one message stream of a connection.
	MediaStream = 1

	firstChunkSize = 128      // of both sides, before they say otherwise
	extended       = 0xFFFFFF // in place of a timestamp that follows in four bytes
)

// Message is one message of a client, put together from its chunks.
type Message struct {
	Type byte
	Time uint32 // milliseconds, modulo 2^32
	Data []byte // the receiver's own
}

func (m Message) media() bool { return m.Type == TypeAudio || m.Type == TypeVideo }

// AppendMedia appends an audio, video or data message as it goes to any player: on the media stream, in
// chunks of ChunkSize, with a full header. The bytes depend on nothing else, so that all players can
// share them.
func AppendMedia(dst []byte, kind byte, time uint32, payload []byte) []byte {
	cs := byte(csData)
	switch kind {
	case TypeAudio:
		cs = csAudio
	case TypeVideo:
		cs = csVideo
	}
	return appendMessage(dst, cs, kind, MediaStream, time, ChunkSize, payload)
}

// MediaSize is how many bytes AppendMedia appends for a payload of n bytes at most.
func MediaSize(n int) int { return n + 16 + n/ChunkSize*5 }

// appendMessage appends one message: a chunk of type 0, and chunks of type 3 as long as there is more.
// Past 4.66 hours each of them carries the timestamp in four bytes more.
func appendMessage(dst []byte, cs, kind byte, stream, time uint32, chunk int, payload []byte) []byte {
	short := min(time, extended)
	n := len(payload)
	dst = append(dst, cs, byte(short>>16), byte(short>>8), byte(short), byte(n>>16), byte(n>>8), byte(n), kind)
	dst = binary.LittleEndian.AppendUint32(dst, stream)
	for first := true; ; first = false {
		if !first {
			dst = append(dst, 3<<6|cs)
		}
		if short == extended {
			dst = binary.BigEndian.AppendUint32(dst, time)
		}
		k := min(len(payload), chunk)
		dst = append(dst, payload[:k]...)
		if payload = payload[k:]; len(payload) == 0 {
			return dst
		}
	}
}
