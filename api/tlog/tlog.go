package tlog

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// Paths of the endpoints. The path of a tile contains slashes.
const (
	CheckpointPath = "/tlog/checkpoint"
	TilePath       = "/tlog/tile/{level}/{path}"
)

// Values of Cache-Control. A tile with 256 hashes never changes, except when an operator begins a new tree. A partial tile is
// replaced by a larger one.
const (
	cacheNever   = "no-cache"
	cacheShortly = "public, max-age=60"
	cacheForever = "public, max-age=31536000, immutable"
)

// Handler serves the transparency log in a database. While the database is a standby, it serves no checkpoint, and calls
// Failed instead of NotFound.
type Handler struct {
	Pool      *pgxpool.Pool
	LogID     string                  // id of the log
	Witnesses *transparency.Witnesses // witnesses whose cosignatures are accepted; nil: none
	Timeout   time.Duration           // maximum time of a query
	Log       *slog.Logger

	Body      func(w http.ResponseWriter, r *http.Request) ([]byte, error) // reads the body of a request
	Succeeded func(w http.ResponseWriter, data any)                        // writes the response to a request that has succeeded
	NotFound  http.HandlerFunc                                             // writes the response to a request for something that does not exist
	Failed    func(w http.ResponseWriter, r *http.Request, err error)      // writes the response to a request that failed
}

// Checkpoint serves the newest signed checkpoint.
func (h Handler) Checkpoint(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.Timeout)
	defer cancel()
	signed, err := tree.ReadPublic(ctx, h.Pool, h.Witnesses)
	switch {
	case err != nil:
		h.Failed(w, r, err)
	case signed == nil:
		h.NotFound(w, r)
	default:
		write(w, "text/plain; charset=utf-8", cacheNever, signed)
	}
}

// Tile serves a tile.
func (h Handler) Tile(w http.ResponseWriter, r *http.Request) {
	t, err := transparency.ParseTilePath(chi.URLParam(r, "level") + "/" + chi.URLParam(r, "*"))
	if err != nil {
		h.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.Timeout)
	defer cancel()
	hashes, err := tree.ReadPublicTile(ctx, h.Pool, t.L, t.N, t.W)
	switch {
	case errors.Is(err, tree.ErrNoTile):
		h.NotFound(w, r)
	case err != nil:
		h.Failed(w, r, err)
	case t.W < transparency.TileWidth:
		write(w, "application/octet-stream", cacheShortly, hashes)
	default:
		write(w, "application/octet-stream", cacheForever, hashes)
	}
}

func write(w http.ResponseWriter, contentType, cache string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // fails only if the client has disconnected
}

const exampleCheckpoint = "roomlog/5f0c2a77-3a52-4d6e-9a4b-0c9d1e2f3a4b/1\n4711\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
	"— roomlog/5f0c2a77-3a52-4d6e-9a4b-0c9d1e2f3a4b/1 k1i/yQ==\n"

// DescribeCheckpoint completes the documentation of the checkpoint.
func DescribeCheckpoint(o *huma.Operation) {
	o.Description += " A signed note with origin, size and root of the tree (C2SP tlog-checkpoint). With a line for each witness that has cosigned it (C2SP tlog-cosignature). docs/AUDIT.md describes how to check it. 404 if none was signed yet."
	o.Responses["200"] = &huma.Response{Description: "The newest signed checkpoint.", Content: map[string]*huma.MediaType{
		"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}, Example: exampleCheckpoint},
	}}
}

// DescribeTile completes the documentation of the tiles.
func DescribeTile(o *huma.Operation) {
	o.Description += " The hashes of 32 bytes that a tile contains, one after another (C2SP tlog-tiles). A tile with 256 hashes never changes. " +
		"A partial tile has the suffix .p/W, where W is the number of hashes. Entry bundles are not served. 404 if the tree has no such tile."
	o.Responses["200"] = &huma.Response{Description: "The hashes.", Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
	o.Parameters = append(o.Parameters,
		&huma.Param{Name: "level", In: "path", Required: true, Description: "level of the tile, from 0", Example: "0", Schema: &huma.Schema{Type: huma.TypeString}},
		&huma.Param{Name: "path", In: "path", Required: true, Description: "index of the tile in groups of three digits, like 067 or x001/x234/067, with the suffix of a partial tile; the value may contain slashes",
			Example: "000.p/5", Schema: &huma.Schema{Type: huma.TypeString}})
}
