package pack

import (
	"fmt"

	"roomlog/eventstore/transparency"
)

// kept contains checkpoints that somebody has stored elsewhere, by the sizes of their trees.
type kept struct {
	bySize   map[int64][]transparency.Checkpoint
	compared []transparency.Checkpoint // checkpoints that are equal to the tree of the pack at their size
}

func newKept(all []transparency.Checkpoint) *kept {
	k := &kept{bySize: map[int64][]transparency.Checkpoint{}}
	for _, c := range all {
		k.bySize[c.N] = append(k.bySize[c.N], c)
	}
	return k
}

// has reports whether there are checkpoints of a size.
func (k *kept) has(size int64) bool { return len(k.bySize[size]) > 0 }

// compare compares the kept checkpoints of the size of c with c, the tree of the pack at this size.
func (k *kept) compare(c transparency.Checkpoint) error {
	for _, one := range k.bySize[c.N] {
		if one != c {
			return &Fault{Position: c.N, Text: fmt.Sprintf("a kept checkpoint (%s) is not the tree of the pack (%s): an event up to this position has changed since", one, c)}
		}
		k.compared = append(k.compared, one)
	}
	delete(k.bySize, c.N)
	return nil
}
