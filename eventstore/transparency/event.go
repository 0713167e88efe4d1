package transparency

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// entryFormat is the first field of every entry. Another encoding of events must have another name.
const entryFormat = "roomlog event 1"

// Event is one row of table events, exactly as it is stored.
type Event struct {
	Position   int64
	Stream     string
	Version    int64
	ID         uuid.UUID
	Type       string
	Payload    []byte // bytes of the JSON text, with personal texts sealed
	Metadata   []byte // bytes of the JSON text
	LiveID     *int64 // live of the event; nil if the column is null
	RecordedAt int64  // microseconds since 1970-01-01 UTC
}

// AppendEntry appends the entry of the event to b: its format and its nine columns in the order of the fields of Event.
// Each of the ten fields is preceded by its length as 4 bytes. Numbers have 8 bytes; all numbers are big-endian. A live
// id that is null has length 0.
func (e *Event) AppendEntry(b []byte) []byte {
	b = appendField(b, entryFormat)
	b = appendNumber(b, e.Position)
	b = appendField(b, e.Stream)
	b = appendNumber(b, e.Version)
	b = appendField(b, e.ID[:])
	b = appendField(b, e.Type)
	b = appendField(b, e.Payload)
	b = appendField(b, e.Metadata)
	if e.LiveID == nil {
		b = appendField(b, "")
	} else {
		b = appendNumber(b, *e.LiveID)
	}
	return appendNumber(b, e.RecordedAt)
}

// Hash returns the hash of the leaf of the event: SHA-256 of a zero byte and the entry (RFC 6962, section 2.1).
func (e *Event) Hash() tlog.Hash {
	var leaf [2048]byte // on the stack, because a follower hashes every event of the log
	return sha256.Sum256(e.AppendEntry(leaf[:1]))
}

func appendField[T string | []byte](b []byte, field T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

func appendNumber(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
