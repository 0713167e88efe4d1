package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

// subtrees computes the roots of trees from the hashes of subtrees.
var subtrees = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// scanner reads the events of a pack, compares them with the hashes of the leaves, and applies them to a book.
type scanner struct {
	manifest   Manifest
	book       *book
	kept       *kept
	leaves     *compact.Range // tree up to the last event that was read
	statements *statement
	entry      []byte // buffer of the entry of an event
}

func newScanner(m Manifest, b *book, k *kept, statements io.Writer) (*scanner, error) {
	leaves, err := subtrees.NewRange(0, uint64(m.From-1), slicesOf(m.Before))
	if err != nil {
		return nil, &Fault{File: manifestFile, Text: fmt.Sprintf("the hashes before the range: %v", err)}
	}
	s := &scanner{manifest: m, book: b, kept: k, leaves: leaves}
	if err := s.compareKept(m.From - 1); err != nil {
		return nil, err
	}
	s.statements, err = newStatement(statements, m.Format)
	if errors.Is(err, errDiffers) {
		err = &Fault{File: statementsFile, Text: "line 1: " + err.Error()}
	}
	return s, err
}

func slicesOf(hashes []tlog.Hash) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}

// scan reads all events. It returns the first fault, unless it can only be found at the end.
func (s *scanner) scan(ctx context.Context, events, hashes io.Reader) error {
	lines, leaves := bufio.NewReaderSize(events, maxLine), bufio.NewReaderSize(hashes, 64<<10)
	var scratch []byte
	for position := s.manifest.From; position <= s.manifest.To; position++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return s.broken(position, err)
		}
		e, err := parseLine(line, &scratch)
		if err == nil && e.Position != position {
			err = fmt.Errorf("the line contains position %d", e.Position)
		}
		if err != nil {
			return &Fault{Position: position, Text: err.Error()}
		}
		if err := s.compare(&e, leaves); err != nil {
			return err
		}
		if err := s.compareKept(position); err != nil {
			return err
		}
		if err := s.book.apply(&e, s.statements); err != nil {
			if errors.Is(err, errDiffers) {
				err = &Fault{Position: position, Text: statementsFile + " does not say what the event says"}
			}
			return err
		}
	}
	if n, err := lines.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return &Fault{File: eventsFile, Text: fmt.Sprintf("the file continues after position %d", s.manifest.To)}
	}
	return nil
}

// broken returns the fault of a file that ends before position, or the error of reading it.
func (s *scanner) broken(position int64, err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Fault{Position: position, Text: "the event is missing"}
	case errors.Is(err, bufio.ErrBufferFull):
		return &Fault{Position: position, Text: fmt.Sprintf("the line has more than %d bytes", maxLine)}
	}
	return err
}

// compare compares an event with its leaf, and appends the leaf to the tree.
func (s *scanner) compare(e *transparency.Event, leaves io.Reader) error {
	var want tlog.Hash
	if _, err := io.ReadFull(leaves, want[:]); err != nil {
		return s.broken(e.Position, err)
	}
	s.entry = e.AppendEntry(s.entry[:0])
	if tlog.RecordHash(s.entry) != want {
		return &Fault{Position: e.Position, Text: "the event is not the one whose hash the pack contains"}
	}
	return s.leaves.Append(want[:], nil)
}

// compareKept compares the kept checkpoints of the given size with the tree up to there.
func (s *scanner) compareKept(size int64) error {
	if size < 1 || !s.kept.has(size) {
		return nil
	}
	c := transparency.Checkpoint{Origin: s.manifest.Origin, Tree: tlog.Tree{N: size}}
	hash, err := s.leaves.GetRootHash(nil)
	if err != nil {
		return err
	}
	copy(c.Hash[:], hash)
	return s.kept.compare(c)
}

// root returns the root of the whole tree.
func (s *scanner) root() (root tlog.Hash, err error) {
	after, err := subtrees.NewRange(uint64(s.manifest.To), uint64(s.manifest.TreeSize), slicesOf(s.manifest.After))
	if err != nil {
		return root, &Fault{File: manifestFile, Text: fmt.Sprintf("the hashes after the range: %v", err)}
	}
	if err := s.leaves.AppendRange(after, nil); err != nil {
		return root, err
	}
	hash, err := s.leaves.GetRootHash(nil)
	copy(root[:], hash)
	return root, err
}
