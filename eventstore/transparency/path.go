package transparency

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tilePrefix precedes the path of a tile of height 8 in package tlog. C2SP tlog-tiles leaves the height out.
var tilePrefix = "tile/" + strconv.Itoa(TileHeight) + "/"

// TilePath returns the path of a tile of height 8, relative to the folder of the tiles: "0/x001/067.p/5".
func TilePath(t tlog.Tile) string { return strings.TrimPrefix(t.Path(), tilePrefix) }

// ParseTilePath parses a path that TilePath returns. It fails for every other form of the path.
func ParseTilePath(path string) (tlog.Tile, error) {
	t, err := tlog.ParseTilePath(tilePrefix + path)
	if err != nil || t.L < 0 {
		return tlog.Tile{}, fmt.Errorf("%q is no path of a tile", path)
	}
	return t, nil
}

// TileReader reads tiles of height 8 for package tlog. It returns the tiles in the given order. tlog.TileHashReader
// compares what it returns with the hash of a tree.
type TileReader func(tiles []tlog.Tile) ([][]byte, error)

// Height returns the height of the tiles.
func (TileReader) Height() int { return TileHeight }

// ReadTiles returns the content of tiles.
func (r TileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) { return r(tiles) }

// SaveTiles does nothing: no tile is kept.
func (TileReader) SaveTiles([]tlog.Tile, [][]byte) {}
