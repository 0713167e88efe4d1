package record

import (
	"bytes"
	"math"

	"github.com/abema/go-mp4"
)

const (
	maxMarks   = 4000 // in the table of a file
	sidxHead   = 40   // bytes before its references
	sidxEntry  = 12   // bytes of each
	boxHead    = 8    // bytes of the head of any box
	tableBytes = sidxHead + maxMarks*sidxEntry + boxHead
)

// mark is a place where a player can begin.
type mark struct {
	at     int64 // ms in the part
	offset int64
}

// marks are the places of a part, at most maxMarks: when there are more, every other one is forgotten.
type marks struct {
	all   []mark
	every int // how many key frames make one
	n     int
}

func (m *marks) add(k mark) {
	if m.every == 0 {
		m.every = 1
	}
	if m.n++; (m.n-1)%m.every != 0 {
		return
	}
	m.all = append(m.all, k)
	if len(m.all) < maxMarks {
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

// table is what takes the place that a file has kept free for it: where its fragments are, so that a player
// finds its way without reading all of them. It must end where the fragments begin. rate is the clock of the
// first track: players take it for that of the table. nil means that there is nothing to say, or that it
// cannot be said.
func (m *marks) table(rate, head, end, length int64) []byte {
	if len(m.all) == 0 || m.all[0].offset != head || rate <= 0 {
		return nil
	}
	size := sidxHead + len(m.all)*sidxEntry
	box := mp4.Sidx{FullBox: mp4.FullBox{Version: 1}, ReferenceID: 1, Timescale: uint32(rate),
		EarliestPresentationTimeV1: uint64(max(0, m.all[0].at) * rate / 1000), FirstOffsetV1: uint64(tableBytes - size), ReferenceCount: uint16(len(m.all))}
	for i, k := range m.all {
		next := mark{at: max(length, k.at), offset: end}
		if i+1 < len(m.all) {
			next = m.all[i+1]
		}
		lasts := (next.at*rate - k.at*rate) / 1000
		if lasts < 0 || lasts > math.MaxUint32 || next.offset-k.offset >= 1<<31 {
			return nil
		}
		box.References = append(box.References, mp4.SidxReference{ReferencedSize: uint32(next.offset - k.offset),
			SubsegmentDuration: uint32(lasts), StartsWithSAP: true, SAPType: 1})
	}
	var out bytes.Buffer
	out.Write(boxStart("sidx", size))
	if _, err := mp4.Marshal(&out, &box, mp4.Context{}); err != nil || out.Len() != size {
		return nil
	}
	out.Write(free(tableBytes - size))
	return out.Bytes()
}

// free is a box that says nothing.
func free(size int) []byte { return append(boxStart("free", size), make([]byte, size-boxHead)...) }

func boxStart(kind string, size int) []byte {
	return append([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, kind...)
}
