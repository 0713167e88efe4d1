package record

import (
	"bytes"
	"math"
	"os"

	"github.com/abema/go-mp4"
)

const (
	maxSeekPoints = 4000 // maximum number of seek points in the table of a file
	sidxHeader    = 40   // bytes before the references
	sidxEntry     = 12   // bytes of a reference
	boxHeader     = 8    // bytes of the header of any box
	tableBytes    = sidxHeader + maxSeekPoints*sidxEntry + boxHeader
)

// seekPoint is the position of a key frame, where a player can start.
type seekPoint struct {
	at     int64 // time in the part in ms
	offset int64
}

// seekPoints holds the seek points of a part, at most maxSeekPoints. When there are more, every second seek point is
// dropped.
type seekPoints struct {
	all   []seekPoint
	every int // key frames per seek point
	n     int
}

// add adds the position of a key frame.
func (m *seekPoints) add(k seekPoint) {
	if m.every == 0 {
		m.every = 1
	}
	if m.n++; (m.n-1)%m.every != 0 {
		return
	}
	m.all = append(m.all, k)
	if len(m.all) < maxSeekPoints {
		return
	}
	kept := m.all[:0]
	for i, k := range m.all {
		if i%2 == 0 {
			kept = append(kept, k)
		}
	}
	m.all, m.every = kept, 2*m.every
}

// table returns the seek table (a sidx box), with which players find the fragments without reading all of them. It
// replaces the free box in the header of a file and ends where the fragments begin. timeScale is the time scale of the
// first track, because players use it for the table. header and end are in bytes, length is in ms. table returns nil if
// there are no seek points or they cannot be represented.
func (m *seekPoints) table(timeScale, header, end, length int64) []byte {
	if len(m.all) == 0 || m.all[0].offset != header || timeScale <= 0 {
		return nil
	}
	size := sidxHeader + len(m.all)*sidxEntry
	box := mp4.Sidx{FullBox: mp4.FullBox{Version: 1}, ReferenceID: 1, Timescale: uint32(timeScale),
		EarliestPresentationTimeV1: uint64(max(0, m.all[0].at) * timeScale / 1000), FirstOffsetV1: uint64(tableBytes - size), ReferenceCount: uint16(len(m.all))}
	for i, k := range m.all {
		next := seekPoint{at: max(length, k.at), offset: end}
		if i+1 < len(m.all) {
			next = m.all[i+1]
		}
		duration := (next.at*timeScale - k.at*timeScale) / 1000
		if duration < 0 || duration > math.MaxUint32 || next.offset-k.offset >= 1<<31 {
			return nil
		}
		box.References = append(box.References, mp4.SidxReference{ReferencedSize: uint32(next.offset - k.offset),
			SubsegmentDuration: uint32(duration), StartsWithSAP: true, SAPType: 1})
	}
	var out bytes.Buffer
	out.Write(boxStart("sidx", size))
	if _, err := mp4.Marshal(&out, &box, mp4.Context{}); err != nil || out.Len() != size {
		return nil
	}
	out.Write(free(tableBytes - size))
	return out.Bytes()
}

// free returns a box of size bytes that players ignore.
func free(size int) []byte { return append(boxStart("free", size), make([]byte, size-boxHeader)...) }

func boxStart(kind string, size int) []byte {
	return append([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, kind...)
}

// closePart writes the seek table into the reserved space at the end of the header, syncs the file and closes it.
func closePart(file *os.File, table []byte, header int64) (err error) {
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	if len(table) > 0 {
		if _, err := file.WriteAt(table, header-int64(len(table))); err != nil {
			return err
		}
	}
	return file.Sync()
}
