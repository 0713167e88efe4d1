package rtmp

import "encoding/binary"

// Message types that ReadMedia returns.
const (
	TypeAudio = 8
	TypeVideo = 9
	TypeData  = 18
)

// Message types that a Conn handles itself.
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

// Events of user control messages.
const (
	eventStreamBegin  = 0
	eventStreamEOF    = 1
	eventPingRequest  = 6
	eventPingResponse = 7
)

// Chunk streams of the messages that the server sends.
const (
	csControl = 2
	csCommand = 3
	csData    = 5
	csAudio   = 6
	csVideo   = 7
)

const (
	// ChunkSize is the size in bytes of the chunks that the server sends after the response to connect.
	ChunkSize = 60_000
	// MediaStream is the id of the only message stream of a connection.
	MediaStream = 1

	firstChunkSize = 128      // initial chunk size in bytes of both sides
	extended       = 0xFFFFFF // timestamp which means that four extra bytes contain the timestamp
)

// Message is one message of a client, assembled from its chunks.
type Message struct {
	Type byte
	Time uint32 // timestamp in milliseconds, modulo 2^32
	Data []byte // owned by the receiver
}

// isMedia reports whether the message is audio or video.
func (m Message) isMedia() bool { return m.Type == TypeAudio || m.Type == TypeVideo }

// isCommand reports whether the message is a command.
func (m Message) isCommand() bool { return m.Type == typeCommand || m.Type == typeCommandAMF3 }

// AppendMedia appends an audio, video or data message to dst, with a full header and in chunks of ChunkSize. time is
// in milliseconds. The bytes are the same for every player, so that all players can share them.
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

// MediaSize returns the maximum number of bytes that AppendMedia appends for a payload of n bytes.
func MediaSize(n int) int { return n + 16 + n/ChunkSize*5 }

// appendMessage appends one message: a chunk of type 0 and as many chunks of type 3 as needed. From a timestamp of
// 4.66 hours on, every chunk carries the extended timestamp.
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
