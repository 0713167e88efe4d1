package transparency

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the state of a tree that was or will be signed (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // name of the tree
	tlog.Tree
}

// Origin returns the origin of the tree of a log. number is the number of the tree: it is 1, and grows when an operator
// begins a new tree because the history of the log has changed.
func Origin(logID string, number int64) string {
	return "roomlog/" + logID + "/" + strconv.FormatInt(number, 10)
}

// ParseOrigin returns the id of the log and the number of the tree in an origin.
func ParseOrigin(origin string) (logID string, number int64, err error) {
	parts := strings.Split(origin, "/")
	if len(parts) == 3 && parts[0] == "roomlog" {
		if number, err = strconv.ParseInt(parts[2], 10, 64); err == nil && number > 0 && Origin(parts[1], number) == origin {
			return parts[1], number, nil
		}
	}
	return "", 0, fmt.Errorf("%q is no origin of a roomlog tree", origin)
}

func (c Checkpoint) text() string {
	return string(log.Checkpoint{Origin: c.Origin, Size: uint64(c.N), Hash: c.Hash[:]}.Marshal())
}

// String describes the checkpoint for people.
func (c Checkpoint) String() string {
	return fmt.Sprintf("size %d, root %s, of %s", c.N, base64.StdEncoding.EncodeToString(c.Hash[:]), c.Origin)
}

// ErrSignature means that no known key has signed a checkpoint, or that a signature is wrong.
var ErrSignature = errors.New("the checkpoint has no valid signature of the key")

// OpenCheckpoint checks the signatures of a signed checkpoint. At least one of the known keys must have signed it, and
// the name of that key must be the origin of the checkpoint. Signatures of unknown keys are ignored.
func OpenCheckpoint(signed []byte, known note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(signed, known)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	c, err := parseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	own := false
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("%w: a signature is not written in its canonical form", ErrSignature)
		}
		own = own || s.Name == c.Origin
	}
	if own {
		return c, nil
	}
	return Checkpoint{}, fmt.Errorf("%w: the origin is %s", ErrSignature, c.Origin)
}

// ParseCheckpoint returns the checkpoint in a signed note without checking its signatures.
func ParseCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return Checkpoint{}, errors.New("the checkpoint is malformed")
	}
	return parseText(text + "\n")
}

func parseText(text string) (Checkpoint, error) {
	var parsed log.Checkpoint
	if rest, err := parsed.Unmarshal([]byte(text)); err != nil || len(rest) > 0 {
		return Checkpoint{}, fmt.Errorf("the checkpoint is malformed: %w", errors.Join(err, unexpected(rest)))
	}
	c := Checkpoint{Origin: parsed.Origin, Tree: tlog.Tree{N: int64(parsed.Size)}}
	if len(parsed.Hash) != tlog.HashSize || c.N < 0 {
		return Checkpoint{}, errors.New("the checkpoint is malformed: size or hash is out of range")
	}
	copy(c.Hash[:], parsed.Hash)
	if c.text() != text {
		return Checkpoint{}, errors.New("the checkpoint is not written in its canonical form")
	}
	return c, nil
}

func unexpected(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	return errors.New("the checkpoint has more lines than an origin, a size and a hash")
}
