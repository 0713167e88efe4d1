package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/anchor"
	"roomlog/internal/filelock"
	"roomlog/internal/loglimit"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

// ErrRewritten means that the server has signed two histories.
var ErrRewritten = errors.New("the history of the log was rewritten")

// Config configures a Witness. Source, Keys and Dir are required.
type Config struct {
	Source *HTTP          // the server
	Keys   note.Verifiers // public keys of the server
	Dir    string         // folder of the checkpoints; created if it is missing
	Log    *slog.Logger   // receives the messages of the program; nil: none

	// Cosigner adds a cosignature (C2SP tlog-cosignature) to each checkpoint that the witness keeps, and the witness delivers
	// it to the server; nil: none.
	Cosigner note.Signer
	Anchors  []anchor.Anchor // store the newest checkpoint that the witness keeps

	Interval time.Duration `default:"10s"` // time between two requests for the newest checkpoint
}

// Witness follows one server. It is not safe for concurrent use. Several witnesses, also in several processes, may use one
// folder: each accepts only what continues the checkpoints of all.
type Witness struct {
	c      Config
	newest transparency.Checkpoint
	signed []byte // nil before the first checkpoint

	delivered []byte         // the kept checkpoint that the server has received with the cosignature; nil: unknown
	stored    [][]byte       // for each anchor, the kept checkpoint that it has stored; nil: unknown
	refusal   loglimit.Cause // why the server has refused the last cosignature
}

// Names of files and folders in Config.Dir.
const (
	newestFile   = "newest"
	keptDir      = "checkpoints" // a file for each kept checkpoint, named by its size
	evidenceFile = "rewritten"   // the checkpoint that contradicts the newest one
	lockFile     = ".lock"       // locked while a process reads and changes the folder
)

// Open opens the folder of a witness. It fails with ErrRewritten if the folder contains the evidence of a rewritten
// history.
func Open(c Config) (*Witness, error) {
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &Witness{c: c, stored: make([][]byte, len(c.Anchors))}
	if err := w.load(); err != nil {
		return nil, err
	}
	return w, nil
}

// load reads the newest checkpoint in the folder.
func (w *Witness) load() error {
	if _, err := os.Stat(filepath.Join(w.c.Dir, evidenceFile)); err == nil {
		return fmt.Errorf("%w: %s contains a checkpoint that contradicts %s", ErrRewritten, filepath.Join(w.c.Dir, evidenceFile), filepath.Join(w.c.Dir, newestFile))
	}
	signed, err := os.ReadFile(filepath.Join(w.c.Dir, newestFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read the newest checkpoint: %w", err)
	}
	newest, err := transparency.OpenCheckpoint(signed, w.c.Keys)
	if err != nil {
		return fmt.Errorf("the newest checkpoint in %s: %w", w.c.Dir, err)
	}
	w.newest, w.signed = newest, signed
	return nil
}

// lockDir locks the folder of a witness. It fails at once if another process holds the lock.
func lockDir(dir string) (*filelock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	lock, err := filelock.TryLock(file)
	if errors.Is(err, filelock.ErrLocked) {
		return nil, fmt.Errorf("another witness uses %s at this moment", dir)
	}
	return lock, err
}

// Newest returns the newest checkpoint that the witness keeps, and reports whether there is one.
func (w *Witness) Newest() (transparency.Checkpoint, bool) { return w.newest, w.signed != nil }

// Run looks for new checkpoints until ctx ends, and then returns nil. It returns an error that wraps ErrRewritten if the
// server has signed two histories, and transparency.ErrSignature if the server does not sign with a known key. While the
// server cannot be reached, it tries again.
func (w *Witness) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := w.Step(ctx)
		switch {
		case errors.Is(err, ErrRewritten), errors.Is(err, transparency.ErrSignature):
			return err
		case err != nil && ctx.Err() == nil:
			w.c.Log.WarnContext(ctx, "following the transparency log failed, retrying", slog.Any("error", err))
		}
		wait.Sleep(ctx, w.c.Interval)
	}
	return nil
}

// Step reads the newest checkpoint of the server once. If its tree continues the newest kept one, Step keeps it.
func (w *Witness) Step(ctx context.Context) (err error) {
	lock, err := lockDir(w.c.Dir)
	if err != nil {
		return fmt.Errorf("lock the folder of the witness: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := w.load(); err != nil { // another witness may have changed the folder
		return err
	}
	signed, err := w.c.Source.Checkpoint(ctx)
	if err != nil {
		return err
	}
	c, err := transparency.OpenCheckpoint(signed, w.c.Keys)
	if err != nil {
		return err
	}
	if w.signed == nil {
		return w.keep(ctx, c, signed)
	}
	switch old := w.newest; {
	case c.Origin != old.Origin:
		return w.rewritten(ctx, signed, fmt.Errorf("the server signs %s, and signed %s before", c, old))
	case c.Tree == old.Tree && w.lacksCosignature():
		return w.keep(ctx, c, signed)
	case c.Tree == old.Tree:
		return w.deliver(ctx)
	case c.N == old.N:
		return w.rewritten(ctx, signed, fmt.Errorf("the server has signed two trees of one size: %s, and %s before", c, old))
	case c.N < old.N:
		err := w.consistent(ctx, c, old)
		if errors.Is(err, ErrNotFound) {
			return w.rewritten(ctx, signed, fmt.Errorf("the server signs a smaller tree, and has lost tiles of the kept one: %s, and %s before", c, old))
		}
		if err != nil {
			return w.decide(ctx, signed, err, fmt.Errorf("the server signs a smaller tree that is not the beginning of the kept one: %s, and %s before", c, old))
		}
		return fmt.Errorf("the server shows an older checkpoint: %s, the witness keeps %s", c, old)
	default:
		if err := w.consistent(ctx, old, c); err != nil {
			return w.decide(ctx, signed, err, fmt.Errorf("the server signs a tree that does not contain the kept one: %s, and %s before", c, old))
		}
		return w.keep(ctx, c, signed)
	}
}

// errInconsistent means that the tiles of the server fit one checkpoint but not an older one.
var errInconsistent = errors.New("the trees are not consistent")

// consistent returns errInconsistent if the newer tree does not continue the older one. It returns another error if the
// tiles of the server do not fit the newer tree.
func (w *Witness) consistent(ctx context.Context, older, newer transparency.Checkpoint) error {
	reader := tlog.TileHashReader(newer.Tree, transparency.TileReader(func(tiles []tlog.Tile) ([][]byte, error) {
		all := make([][]byte, len(tiles))
		for i, t := range tiles {
			var err error
			if all[i], err = w.c.Source.Tile(ctx, t); err != nil {
				return nil, err
			}
		}
		return all, nil
	}))
	root, err := tlog.TreeHash(older.N, reader)
	if err != nil {
		return fmt.Errorf("compare the tree with the kept one: %w", err)
	}
	if root != older.Hash {
		return errInconsistent
	}
	return nil
}

// decide returns the error of a comparison. If the trees are not consistent, it returns the error of a rewritten
// history.
func (w *Witness) decide(ctx context.Context, signed []byte, err, cause error) error {
	if errors.Is(err, errInconsistent) {
		return w.rewritten(ctx, signed, cause)
	}
	return err
}

// rewritten keeps the evidence and returns ErrRewritten. It sends the kept checkpoint to the server, if it has a
// cosignature: a server whose database was rewritten then halts its transparency log.
func (w *Witness) rewritten(ctx context.Context, signed []byte, cause error) error {
	err := fmt.Errorf("%w: %w", ErrRewritten, cause)
	if writeErr := transparency.ReplaceFile(filepath.Join(w.c.Dir, evidenceFile), signed); writeErr != nil {
		err = errors.Join(err, fmt.Errorf("keep the evidence: %w", writeErr))
	}
	w.c.Log.ErrorContext(ctx, "the history of the log was rewritten", slog.Any("error", err))
	if w.c.Cosigner != nil && !w.lacksCosignature() {
		if postErr := w.c.Source.Cosign(ctx, w.signed); postErr != nil && !errors.Is(postErr, anchor.ErrRefused) {
			w.c.Log.WarnContext(ctx, "the server was not told about the rewritten history", slog.Any("error", postErr))
		}
	}
	return err
}

func (w *Witness) keep(ctx context.Context, c transparency.Checkpoint, signed []byte) error {
	signed, err := w.cosign(signed)
	if err != nil {
		return err
	}
	for _, path := range []string{filepath.Join(w.c.Dir, keptDir, strconv.FormatInt(c.N, 10)), filepath.Join(w.c.Dir, newestFile)} {
		if err := transparency.ReplaceFile(path, signed); err != nil {
			return fmt.Errorf("keep a checkpoint: %w", err)
		}
	}
	w.newest, w.signed = c, signed
	w.c.Log.InfoContext(ctx, "kept a checkpoint that continues the earlier ones", slog.String("checkpoint", c.String()))
	return w.deliver(ctx)
}

// lacksCosignature reports whether the kept checkpoint has no cosignature of this witness, because the witness had no key
// when it kept the checkpoint.
func (w *Witness) lacksCosignature() bool {
	return w.c.Cosigner != nil && !strings.Contains(string(w.signed), "\n— "+w.c.Cosigner.Name()+" ")
}

// deliver sends the kept checkpoint to the server, if it has a cosignature, and to the anchors. It does nothing if they have
// it. The next step tries again after an error. If the server refuses the cosignature, deliver logs why.
func (w *Witness) deliver(ctx context.Context) error {
	var faults []error
	if w.c.Cosigner != nil && !bytes.Equal(w.delivered, w.signed) {
		err := w.c.Source.Cosign(ctx, w.signed)
		if refused := errors.Is(err, anchor.ErrRefused); refused || err == nil {
			if w.delivered = w.signed; w.refusal.Changed(err) && refused {
				w.c.Log.WarnContext(ctx, "the server has refused a cosignature", slog.Any("error", err))
			}
			err = nil
		}
		faults = append(faults, err)
	}
	for i, a := range w.c.Anchors {
		if bytes.Equal(w.stored[i], w.signed) {
			continue
		}
		err := a.Store(ctx, w.signed)
		if err == nil {
			w.stored[i] = w.signed
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// cosign adds the cosignature of the witness to a checkpoint.
func (w *Witness) cosign(signed []byte) ([]byte, error) {
	if w.c.Cosigner == nil {
		return signed, nil
	}
	n, err := note.Open(signed, w.c.Keys)
	if err == nil {
		signed, err = note.Sign(n, w.c.Cosigner)
	}
	if err != nil {
		return nil, fmt.Errorf("cosign a checkpoint: %w", err)
	}
	return signed, nil
}
