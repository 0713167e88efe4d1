package transparency

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// WitnessSettings selects the witnesses of a server.
type WitnessSettings struct {
	Witnesses    []string `placeholder:"KEY" help:"Public keys of the witnesses whose cosignatures of checkpoints this server accepts and serves, as roomlog witness --name logs them. At most 16. Default: none."`
	Cosignatures int      `default:"1" min:"1" max:"16" unit:"witnesses" help:"Number of witnesses that must have cosigned a checkpoint over an event before the event counts as anchored."`
}

// maxWitnesses is the maximum number of witnesses of a server.
const maxWitnesses = 16

// CheckSettings checks the keys.
func (s *WitnessSettings) CheckSettings() error {
	_, err := s.Open()
	return err
}

// Open returns the witnesses, or nil if there are none.
func (s *WitnessSettings) Open() (*Witnesses, error) {
	switch n := len(s.Witnesses); {
	case n == 0:
		return nil, nil
	case n > maxWitnesses:
		return nil, fmt.Errorf("--witnesses must have at most %d keys (got %d)", maxWitnesses, n)
	case s.Cosignatures > n:
		return nil, fmt.Errorf("--cosignatures must be at most the number of --witnesses, %d (got %d)", n, s.Cosignatures)
	}
	w := &Witnesses{keys: s.Witnesses, required: s.Cosignatures}
	var verifiers []note.Verifier
	for i, key := range s.Witnesses {
		v, err := cosignature.NewVerifierForCosignatureV1(key)
		if err == nil && !strings.HasPrefix(key, fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash())) {
			err = errors.New("the hash in it is not that of the key")
		}
		if err != nil {
			return nil, fmt.Errorf("--witnesses: %q is no public key of a witness, like witness.example+1c2d3e4f+BAAA…: %w", key, err)
		}
		if slices.Contains(s.Witnesses[:i], key) {
			return nil, fmt.Errorf("--witnesses: %s is in the list twice", key)
		}
		if slices.ContainsFunc(verifiers, func(other note.Verifier) bool { return other.Name() == v.Name() }) {
			return nil, fmt.Errorf("--witnesses: the witness %s has two keys: a witness must not count twice", v.Name())
		}
		verifiers = append(verifiers, v)
	}
	w.verifiers = verifiers
	return w, nil
}

// Witnesses are the witnesses whose cosignatures (C2SP tlog-cosignature) a server accepts.
type Witnesses struct {
	keys      []string
	verifiers []note.Verifier
	required  int
}

// Keys returns the public keys of the witnesses.
func (w *Witnesses) Keys() []string { return w.keys }

// Required returns the number of witnesses that must have cosigned a checkpoint over an event before the event counts as
// anchored.
func (w *Witnesses) Required() int { return w.required }

// ErrWitness means that no known witness has cosigned a checkpoint.
var ErrWitness = errors.New("no witness that this server knows has cosigned the checkpoint")

// Cosigned is a signed checkpoint with the cosignature of one witness.
type Cosigned struct {
	Witness string // public key of the witness
	Note    []byte // the checkpoint with the signatures of the server and one cosignature
}

// OpenCosigned checks a signed checkpoint of the server with cosignatures. At least one of the known keys of the server and
// at least one witness must have signed it. OpenCosigned returns the checkpoint, and one note for each witness, without
// signatures of others. It fails with ErrWitness or ErrSignature.
func (w *Witnesses) OpenCosigned(signed []byte, known note.Verifiers) (Checkpoint, []Cosigned, error) {
	c, err := OpenCheckpoint(signed, known)
	if err != nil {
		return c, nil, err
	}
	own, err := note.Open(signed, known)
	if err != nil {
		return c, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	cosigned, err := note.Open(signed, note.VerifierList(w.verifiers...))
	if unsigned := (*note.UnverifiedNoteError)(nil); errors.As(err, &unsigned) {
		return c, nil, ErrWitness
	}
	if err != nil {
		return c, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	var all []Cosigned
	for i, v := range w.verifiers {
		at := slices.IndexFunc(cosigned.Sigs, func(s note.Signature) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() })
		if at < 0 {
			continue
		}
		text, err := note.Sign(&note.Note{Text: own.Text, Sigs: append(slices.Clone(own.Sigs), cosigned.Sigs[at])})
		if err != nil {
			return c, nil, fmt.Errorf("write a cosignature: %w", err)
		}
		all = append(all, Cosigned{w.keys[i], text})
	}
	return c, all, nil
}

// Lines returns the signed checkpoint with the cosignatures of notes, which are of the same checkpoint.
func (w *Witnesses) Lines(signed []byte, notes [][]byte) []byte {
	for _, one := range notes {
		n, err := note.Open(one, note.VerifierList(w.verifiers...))
		if err != nil {
			continue // the witness was replaced
		}
		for _, s := range n.Sigs {
			signed = fmt.Appendf(slices.Clip(signed), "— %s %s\n", s.Name, s.Base64)
		}
	}
	return signed
}

// Anchored returns the position up to which events are anchored: the largest position that the newest cosigned
// checkpoints of at least Required witnesses cover. sizes contains the sizes of these checkpoints, one for each witness
// that has cosigned any.
func (w *Witnesses) Anchored(sizes []int64) int64 {
	if len(sizes) < w.required {
		return 0
	}
	sorted := slices.Sorted(slices.Values(sizes))
	return sorted[len(sorted)-w.required]
}
