package audit

import "math/bits"

// idSet is a set of ids, which are mostly consecutive. It needs about one bit for each id.
type idSet map[int64]*[chunkWords]uint64

const (
	chunkWords = 64
	chunkBits  = 64 * chunkWords
)

func split(id int64) (chunk int64, word int, bit uint64) {
	chunk = id >> 12
	rest := id - chunk<<12
	return chunk, int(rest / 64), 1 << (rest % 64)
}

func (s idSet) add(id int64) {
	chunk, word, bit := split(id)
	if s[chunk] == nil {
		s[chunk] = new([chunkWords]uint64)
	}
	s[chunk][word] |= bit
}

func (s idSet) remove(id int64) {
	if chunk, word, bit := split(id); s[chunk] != nil {
		s[chunk][word] &^= bit
	}
}

func (s idSet) has(id int64) bool {
	chunk, word, bit := split(id)
	return s[chunk] != nil && s[chunk][word]&bit != 0
}

// each calls visit with every id, in no particular order.
func (s idSet) each(visit func(id int64)) {
	for chunk, words := range s {
		for i, word := range words {
			for ; word != 0; word &= word - 1 {
				visit(chunk*chunkBits + int64(i*64+bits.TrailingZeros64(word)))
			}
		}
	}
}
