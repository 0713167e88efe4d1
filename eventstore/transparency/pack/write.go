package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// page is the number of events of one read.
const page = 1024

// Range selects the events of a pack.
type Range struct {
	From, To int64  // positions of the first and the last event
	Signed   []byte // signed checkpoint, which covers To
}

// Write writes a pack to a file. It creates the file only when the pack is complete, and replaces an existing file. It
// fails with an error that wraps transparency.ErrProof if an event or the tree in the database differs from the tree of
// the checkpoint. If the bookkeeping has a fault, Write writes the pack, which contains the evidence, and also returns
// the *Fault. db must be a transaction with one snapshot.
func Write(ctx context.Context, db tree.Querier, r Range, path string) (err error) {
	c, err := transparency.ParseCheckpoint(r.Signed)
	if err != nil {
		return err
	}
	if r.From < 1 || r.To < r.From || r.To > c.N {
		return fmt.Errorf("%w: positions %d to %d, the checkpoint covers %d events", tree.ErrNotSigned, r.From, r.To, c.N)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".pack-*") // mode 0600, because a pack contains private data
	if err != nil {
		return err
	}
	defer func() {
		_ = draft.Close()
		_ = os.Remove(draft.Name()) // it has another name if the pack is complete
	}()
	w := &writer{db: db, r: r, book: newBook(1), archive: archive{file: draft}}
	w.manifest = Manifest{Format: format, Origin: c.Origin, TreeSize: c.N, From: r.From, To: r.To}
	if err := w.prove(ctx, c.Tree); err != nil {
		return err
	}
	if err := w.openBook(ctx); err != nil {
		return err
	}
	if err := w.write(ctx, c); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return w.book.fault()
}

// writer writes one pack.
type writer struct {
	db       tree.Querier
	r        Range
	manifest Manifest
	book     *book
	archive  archive
	leaves   []byte // hashes of one tile
	tile     int64  // index of the tile of leaves
}

// prove reads the hashes of the subtrees before and after the range. The reader checks them against the checkpoint.
func (w *writer) prove(ctx context.Context, t tlog.Tree) (err error) {
	reader := tlog.TileHashReader(t, tree.TileReader(ctx, w.db))
	read := func(begin, end int64) ([]tlog.Hash, error) {
		var indexes []int64
		for _, node := range compact.RangeNodes(uint64(begin), uint64(end), nil) {
			indexes = append(indexes, tlog.StoredHashIndex(int(node.Level), int64(node.Index)))
		}
		if len(indexes) == 0 {
			return []tlog.Hash{}, nil
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return nil, fmt.Errorf("%w: the tree in the database is not the one of the checkpoint: %w", transparency.ErrProof, err)
		}
		return hashes, nil
	}
	if w.manifest.Before, err = read(0, w.r.From-1); err != nil {
		return err
	}
	w.manifest.After, err = read(w.r.To, t.N)
	return err
}

// openBook applies all events before the range.
func (w *writer) openBook(ctx context.Context) error {
	err := w.each(ctx, 1, w.r.From-1, func(e *transparency.Event) error { return w.book.apply(e, nil) })
	w.book.startRange()
	return err
}

// each calls do for each event from first to last.
func (w *writer) each(ctx context.Context, first, last int64, do func(*transparency.Event) error) error {
	for next := first; next <= last; {
		events, err := tree.ReadEvents(ctx, w.db, next-1, last, page)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return notInTree(next)
		}
		for i := range events {
			if events[i].Position != next {
				return notInTree(next)
			}
			if err := do(&events[i]); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

func notInTree(position int64) error {
	return fmt.Errorf("%w: the event at position %d is not the one in the transparency log", transparency.ErrProof, position)
}

func (w *writer) write(ctx context.Context, c transparency.Checkpoint) error {
	if _, err := w.archive.add(checkpointFile, func(to io.Writer) error { _, err := to.Write(w.r.Signed); return err }); err != nil {
		return err
	}
	hashes, err := w.archive.add(hashesFile, func(to io.Writer) error { return w.writeHashes(ctx, to) })
	if err != nil {
		return err
	}
	events, err := w.archive.add(eventsFile, func(to io.Writer) error { return w.writeEvents(ctx, to) })
	if err != nil {
		return err
	}
	_, err = w.archive.add(statementsFile, func(to io.Writer) error {
		out := bufio.NewWriterSize(to, 64<<10)
		s, err := newScanner(w.manifest, w.book, newKept(nil), out)
		if err == nil {
			err = s.scan(ctx, events, hashes)
		}
		if err != nil {
			return err
		}
		if root, err := s.root(); err != nil || root != c.Hash {
			return errors.Join(err, fmt.Errorf("%w: the hashes of the events in the database are not those of the checkpoint", transparency.ErrProof))
		}
		return out.Flush()
	})
	if err != nil {
		return err
	}
	if _, err := w.archive.add(trialBalanceFile, w.book.writeTrialBalance); err != nil {
		return err
	}
	w.manifest.Files = w.archive.files
	if _, err := w.archive.add(manifestFile, w.manifest.write); err != nil {
		return err
	}
	return w.archive.finish()
}

func (w *writer) writeHashes(ctx context.Context, to io.Writer) error {
	for index := w.r.From - 1; index < w.r.To; {
		first, last := index%transparency.TileWidth, min(transparency.TileWidth, w.r.To-index+index%transparency.TileWidth)
		hashes, err := w.readLeaves(ctx, index/transparency.TileWidth)
		if err != nil {
			return err
		}
		if _, err := to.Write(hashes[first*tlog.HashSize : last*tlog.HashSize]); err != nil {
			return err
		}
		index += last - first
	}
	return nil
}

// readLeaves returns the hashes of a tile of leaves, as far as the tree of the checkpoint has them.
func (w *writer) readLeaves(ctx context.Context, index int64) ([]byte, error) {
	if w.leaves != nil && w.tile == index {
		return w.leaves, nil
	}
	hashes, err := tree.ReadTile(ctx, w.db, 0, index, transparency.Width(w.manifest.TreeSize, 0, index))
	if err != nil {
		return nil, fmt.Errorf("read tile %d of the leaves: %w", index, err)
	}
	w.leaves, w.tile = hashes, index
	return hashes, nil
}

// writeEvents writes the lines of the events, and compares each event with its leaf.
func (w *writer) writeEvents(ctx context.Context, to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	var line, scratch []byte
	err := w.each(ctx, w.r.From, w.r.To, func(e *transparency.Event) error {
		leaves, err := w.readLeaves(ctx, (e.Position-1)/transparency.TileWidth)
		if err != nil {
			return err
		}
		if e.Hash() != tlog.Hash(leaves[(e.Position-1)%transparency.TileWidth*tlog.HashSize:][:tlog.HashSize]) {
			return notInTree(e.Position)
		}
		line = appendLine(line[:0], e)
		if again, err := parseLine(line, &scratch); err != nil || again.Hash() != e.Hash() || len(line) > maxLine {
			return fmt.Errorf("position %d has contents that roomlog never writes, or more than %d bytes", e.Position, maxLine)
		}
		_, err = out.Write(line)
		return err
	})
	return errors.Join(err, out.Flush())
}
