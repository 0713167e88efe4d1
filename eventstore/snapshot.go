package eventstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"

	"roomlog/domain"
)

// snapshotKeys are the keys of the checksums of snapshots, newest first. The database does not contain them, so an edit
// of table snapshot is noticed. Without keys, snapshots are neither written nor read.
type snapshotKeys [][]byte

// snapshotRow is a row of table snapshot, with the id of the event at its version.
type snapshotRow struct {
	stream   domain.Stream
	version  int
	format   int
	state    []byte
	event    uuid.UUID
	checksum []byte
}

// checksumVersion is part of the input of the checksum. Change it when the other parts of the input change.
const checksumVersion = "roomlog snapshot 1"

// sign returns the checksum of the row: a keyed hash of the state, its stream and its version. The hash also covers the
// id of the event at that version, and the events of the stream that were set aside.
func (r snapshotRow) sign(key []byte, aside aside) []byte {
	mac := hmac.New(sha256.New, key)
	part := func(b []byte) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		mac.Write(b)
	}
	number := func(n int64) { mac.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	part([]byte(checksumVersion))
	part([]byte(r.stream))
	number(int64(r.version))
	number(int64(r.format))
	part(r.event[:])
	for _, position := range aside.of(r.stream) {
		number(position)
	}
	part(r.state)
	return mac.Sum(nil)
}

// valid reports whether the checksum of the row was made with one of the keys.
func (k snapshotKeys) valid(r snapshotRow, aside aside) bool {
	return slices.ContainsFunc(k, func(key []byte) bool { return hmac.Equal(r.checksum, r.sign(key, aside)) })
}

// fromSnapshot returns the entry of a stored snapshot. It reports false if the snapshot is invalid; the state must then
// be folded from all events of the stream.
func (k snapshotKeys) fromSnapshot(r snapshotRow, aside aside) (entry, bool) {
	spec, _ := domain.StateSpecOf(r.stream)
	r.format = spec.Format
	if !k.valid(r, aside) {
		return entry{}, false
	}
	state, err := spec.Decode(r.state)
	if err != nil {
		return entry{}, false
	}
	return entry{state: state, version: r.version, snapshot: r.version, event: r.event}, true
}
