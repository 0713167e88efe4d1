package transparency

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Dimensions of a tile.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight // number of hashes of a full tile
	TileBytes  = TileWidth * tlog.HashSize
)

// Tile is the content of one tile.
type Tile struct {
	Level  int
	Index  int64
	Hashes []byte // 1 to 256 hashes of 32 bytes
}

// Edge is the right edge of a growing tree: the partial tile of each level. It contains all that is needed to append
// leaves and to compute the hash of the tree.
type Edge struct {
	size    int64
	partial [][]byte // hashes of the partial tile of each level
	dirty   []bool   // whether Append has changed the partial tile of a level since the last Flush
	full    []Tile   // tiles that have become full since the last Flush
}

// LoadEdge returns the edge of a tree of the given size. read returns at least width hashes of a tile.
func LoadEdge(size int64, read func(level int, index int64, width int) ([]byte, error)) (*Edge, error) {
	e := &Edge{size: size}
	for level := 0; size>>(TileHeight*level) > 0; level++ {
		count := size >> (TileHeight * level)
		width := int(count % TileWidth)
		var hashes []byte
		if width > 0 {
			found, err := read(level, count/TileWidth, width)
			if err != nil {
				return nil, err
			}
			if len(found) < width*tlog.HashSize {
				return nil, fmt.Errorf("tile %d of level %d has %d bytes, expected %d", count/TileWidth, level, len(found), width*tlog.HashSize)
			}
			hashes = append(hashes, found[:width*tlog.HashSize]...)
		}
		e.partial, e.dirty = append(e.partial, hashes), append(e.dirty, false)
	}
	return e, nil
}

// Size returns the number of leaves.
func (e *Edge) Size() int64 { return e.size }

// Partial returns the hashes of the partial tile of a level, which may be empty.
func (e *Edge) Partial(level int) []byte {
	if level >= len(e.partial) {
		return nil
	}
	return e.partial[level]
}

// Append appends a leaf.
func (e *Edge) Append(leaf tlog.Hash) {
	e.append(0, leaf)
	e.size++
}

func (e *Edge) append(level int, h tlog.Hash) {
	if level == len(e.partial) {
		e.partial, e.dirty = append(e.partial, nil), append(e.dirty, false)
	}
	hashes := append(e.partial[level], h[:]...)
	e.partial[level], e.dirty[level] = hashes, true
	if len(hashes) < TileBytes {
		return
	}
	index := (e.size + 1) >> (TileHeight * (level + 1)) // number of full tiles of this level, including this one
	e.full = append(e.full, Tile{level, index - 1, hashes})
	e.partial[level], e.dirty[level] = nil, false
	e.append(level+1, subtree(hashes))
}

// Flush returns the tiles that Append has changed since the last call.
func (e *Edge) Flush() []Tile {
	changed := e.full
	e.full = nil
	for level, hashes := range e.partial {
		if e.dirty[level] && len(hashes) > 0 {
			changed = append(changed, Tile{level, e.size >> (TileHeight * (level + 1)), append([]byte(nil), hashes...)})
		}
		e.dirty[level] = false
	}
	return changed
}

// Tree returns the size and the hash of the tree.
func (e *Edge) Tree() tlog.Tree {
	if e.size == 0 {
		return tlog.Tree{Hash: sha256.Sum256(nil)}
	}
	var root *tlog.Hash
	for _, hashes := range e.partial {
		for end, width := len(hashes), 1; end > 0; width *= 2 {
			if end/tlog.HashSize&width == 0 {
				continue
			}
			begin := end - width*tlog.HashSize
			node := subtree(hashes[begin:end])
			if root != nil {
				node = tlog.NodeHash(node, *root)
			}
			root, end = &node, begin
		}
	}
	return tlog.Tree{N: e.size, Hash: *root}
}

// subtree returns the hash of a perfect subtree over the given hashes.
func subtree(hashes []byte) tlog.Hash {
	if len(hashes) == tlog.HashSize {
		return tlog.Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

// Width returns how many hashes a tile has in a tree of the given size.
func Width(size int64, level int, index int64) int {
	count := size >> (TileHeight * level)
	return int(min(max(count-index*TileWidth, 0), TileWidth))
}
