package pack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
)

// Report describes a pack without faults.
type Report struct {
	Manifest
	Checkpoint transparency.Checkpoint
	Postings   int64
	Accounts   int   // number of accounts that had coins before the range or have postings in it
	SetAside   int64 // number of coin events that have no effect, because operators have set them aside

	Compared []transparency.Checkpoint // kept checkpoints that are equal to the tree of the pack at their size

	// Proven reports whether the balances before the range are proven: the range begins with the first event, or the
	// pack before it was verified.
	Proven bool

	closing map[domain.Account]domain.Coins
	leaves  [][]byte // hashes of the subtrees up to the last event
}

// Verify checks a pack. One of the known keys must have signed the checkpoint, and the tree of the checkpoint must
// contain the events. The postings must fit the bookkeeping. Every other file must have the content that Write derives
// from the events. before is the report of the pack that ends where this one begins, or nil. Verify returns the first
// fault as a *Fault. It returns an error that wraps transparency.ErrSignature if no known key has signed.
//
// kept are checkpoints that somebody has stored elsewhere. A kept checkpoint whose size is a position of the pack, or
// the size of the whole tree, must have the root that follows from the pack. Others cannot be compared with the pack.
func Verify(ctx context.Context, pack io.ReaderAt, size int64, known note.Verifiers, before *Report, kept ...transparency.Checkpoint) (Report, error) {
	files, err := openArchive(pack, size)
	if err != nil {
		return Report{}, err
	}
	signed, checkpoint, err := readCheckpoint(files[checkpointFile], known)
	if err != nil {
		return Report{}, err
	}
	m, err := readManifest(files[manifestFile], checkpoint)
	if err != nil {
		return Report{}, err
	}
	if want := (m.To - m.From + 1) * tlog.HashSize; files[hashesFile].Size() != want {
		return Report{}, &Fault{File: hashesFile, Text: fmt.Sprintf("the file has %d bytes, expected %d", files[hashesFile].Size(), want)}
	}
	v := &verification{files: files, manifest: m, checkpoint: checkpoint, book: newBook(m.From), kept: newKept(kept)}
	if err := v.openBook(before); err != nil {
		return Report{}, err
	}
	if err := v.run(ctx, signed); err != nil {
		return Report{}, err
	}
	return Report{m, checkpoint, v.book.postings, len(v.book.accounts), v.book.aside, v.kept.compared, m.From == 1 || before != nil && before.Proven, v.book.closing(), v.leaves}, nil
}

func readCheckpoint(file *io.SectionReader, known note.Verifiers) (signed []byte, c transparency.Checkpoint, err error) {
	if signed, err = readAll(file, checkpointFile, maxCheckpoint); err != nil {
		return nil, c, err
	}
	c, err = transparency.OpenCheckpoint(signed, known)
	return signed, c, err
}

func readAll(file *io.SectionReader, name string, limit int64) ([]byte, error) {
	if file.Size() > limit {
		return nil, &Fault{File: name, Text: fmt.Sprintf("the file has %d bytes, at most %d are possible", file.Size(), limit)}
	}
	return io.ReadAll(file)
}

// readManifest reads the part of the manifest that is needed to begin. The whole manifest is compared at the end.
func readManifest(file *io.SectionReader, c transparency.Checkpoint) (m Manifest, err error) {
	text, err := readAll(file, manifestFile, maxManifest)
	if err != nil {
		return m, err
	}
	fault := ""
	switch {
	case json.Unmarshal(text, &m) != nil:
		fault = "the file is not a manifest"
	case m.Format != format && m.Format != format1:
		fault = fmt.Sprintf("the format is %.40q, this program verifies %q and %q", m.Format, format1, format)
	case m.Origin != c.Origin || m.TreeSize != c.N:
		fault = fmt.Sprintf("the checkpoint is of another tree: %s", c)
	case m.From < 1 || m.To < m.From || m.To > m.TreeSize:
		fault = fmt.Sprintf("the checkpoint covers %d events, not the positions %d to %d", m.TreeSize, m.From, m.To)
	}
	if fault != "" {
		return m, &Fault{File: manifestFile, Text: fault}
	}
	m.Before, m.After = append([]tlog.Hash{}, m.Before...), append([]tlog.Hash{}, m.After...) // never null
	return m, nil
}

// verification writes all files of a pack again and compares them.
type verification struct {
	files      map[string]*io.SectionReader
	manifest   Manifest
	checkpoint transparency.Checkpoint
	book       *book
	kept       *kept
	leaves     [][]byte
}

// openBook reads the balances before the range.
func (v *verification) openBook(before *Report) error {
	if err := v.book.readOpening(v.files[trialBalanceFile]); err != nil {
		return err
	}
	switch {
	case before != nil:
		if err := v.continues(before); err != nil {
			return err
		}
		return v.expectOpening(before.closing)
	case v.manifest.From == 1:
		return v.expectOpening(nil)
	}
	return nil
}

// continues returns an error unless the pack begins where the pack before it ends, with the same tree up to there.
func (v *verification) continues(before *Report) error {
	if before.Origin != v.manifest.Origin || before.To+1 != v.manifest.From {
		return &Fault{File: manifestFile, Text: fmt.Sprintf("the positions %d to %d of %s do not continue the pack before, which has the positions %d to %d of %s",
			v.manifest.From, v.manifest.To, v.manifest.Origin, before.From, before.To, before.Origin)}
	}
	if !slices.EqualFunc(slicesOf(v.manifest.Before), before.leaves, bytes.Equal) {
		return &Fault{File: manifestFile, Text: fmt.Sprintf("the tree up to position %d is not the one of the pack before: the server has signed two histories", before.To)}
	}
	return nil
}

// expectOpening compares the balances before the range.
func (v *verification) expectOpening(want map[domain.Account]domain.Coins) error {
	for _, name := range slices.Sorted(maps.Keys(v.book.accounts)) {
		if opening := v.book.accounts[name].opening; opening != want[name] {
			return &Fault{File: trialBalanceFile, Text: fmt.Sprintf("%s has %d coins before the range, expected %d", name, opening, want[name])}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if v.book.accounts[name] == nil {
			return &Fault{File: trialBalanceFile, Text: fmt.Sprintf("%s has no coins before the range, expected %d", name, want[name])}
		}
	}
	return nil
}

func (v *verification) run(ctx context.Context, signed []byte) error {
	events, hashes := newDigest(io.Discard), newDigest(io.Discard)
	compared := &comparer{content: v.content(statementsFile)}
	statements := newDigest(compared)
	s, err := newScanner(v.manifest, v.book, v.kept, statements)
	if err == nil {
		err = s.scan(ctx, io.TeeReader(v.content(eventsFile), events), io.TeeReader(v.content(hashesFile), hashes))
	}
	// An event that could not be applied is an earlier fault than the one at which the scan has stopped.
	if fault := v.book.fault(); fault != nil && (err == nil || isFault(err)) {
		return fault
	}
	if err != nil {
		return err
	}
	v.leaves = slices.Clone(s.leaves.Hashes())
	root, err := s.root()
	if err != nil {
		return err
	}
	if root != v.checkpoint.Hash {
		return &Fault{Position: v.manifest.From, Text: fmt.Sprintf("the events from here to position %d, with the hashes of the pack, are not in the signed tree", v.manifest.To)}
	}
	if err := v.kept.compare(v.checkpoint); err != nil {
		return err
	}
	if err := compared.end(); err != nil {
		return &Fault{File: statementsFile, Text: "the file continues after the last posting"}
	}
	files := []File{fileOf(checkpointFile, signed), hashes.entry(hashesFile), events.entry(eventsFile), statements.entry(statementsFile)}
	balance, err := v.compare(trialBalanceFile, v.book.writeTrialBalance)
	if err != nil {
		return err
	}
	m := v.manifest
	m.Files = append(files, balance)
	_, err = v.compare(manifestFile, m.write)
	return err
}

func isFault(err error) bool {
	var f *Fault
	return errors.As(err, &f)
}

func (v *verification) content(name string) io.Reader {
	f := v.files[name]
	return io.NewSectionReader(f, 0, f.Size())
}

func fileOf(name string, content []byte) File {
	d := newDigest(io.Discard)
	_, _ = d.Write(content)
	return d.entry(name)
}

// compare writes a file again, and compares it with the one in the pack.
func (v *verification) compare(name string, write func(io.Writer) error) (File, error) {
	compared := &comparer{content: v.content(name)}
	out := newDigest(compared)
	err := write(out)
	if err == nil {
		err = compared.end()
	}
	if errors.Is(err, errDiffers) {
		err = &Fault{File: name, Text: err.Error()}
	}
	return out.entry(name), err
}
