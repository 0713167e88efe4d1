package transparency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proofFormat is the value of the first member of a proof.
const proofFormat = "roomlog proof 1"

// ErrProof means that a proof does not show what it claims.
var ErrProof = errors.New("the proof does not hold")

// Proof shows that the log contained an event when a checkpoint was signed. It can be checked without the log.
type Proof struct {
	Format     string      `json:"format"`
	Gift       *Gift       `json:"gift,omitempty"` // receipt with the content of a gift.sent event; nil for other events
	Event      ProvenEvent `json:"event"`
	Index      int64       `json:"index"`           // index of the leaf
	Inclusion  []tlog.Hash `json:"inclusion_proof"` // the hashes that lead from the leaf to the root, in base64
	Checkpoint string      `json:"checkpoint"`      // the signed checkpoint
}

// Gift is the receipt of a gift, in the words of its payload.
type Gift struct {
	Sender       int64  `json:"sender"`
	Streamer     int64  `json:"streamer"`
	Live         int64  `json:"live"`
	Gift         int64  `json:"gift"`
	Name         string `json:"name"`
	Price        int64  `json:"price"`
	Num          int64  `json:"num"`
	Coins        int64  `json:"coins"`
	BalanceAfter int64  `json:"balance_after"`
}

// ProvenEvent is an event in a proof. Payload and metadata are texts, so that every byte is the one that was hashed.
type ProvenEvent struct {
	Position   int64     `json:"position"`
	Stream     string    `json:"stream"`
	Version    int64     `json:"version"`
	ID         uuid.UUID `json:"event_id"`
	Type       string    `json:"type"`
	Payload    string    `json:"payload"`
	Metadata   string    `json:"metadata"`
	LiveID     *int64    `json:"live_id,omitempty"`
	RecordedAt time.Time `json:"recorded_at"`
}

// giftTypes contains the event types for which a proof has a receipt, with their earlier versions.
var giftTypes = []string{"gift.sent.v1", "gift.sent.v2"}

// NewProof returns the proof of an event with the hashes of reader, for a signed checkpoint. reader must read the tree
// of the checkpoint.
func NewProof(e Event, signed []byte, reader tlog.HashReader) (Proof, error) {
	c, err := ParseCheckpoint(signed)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Format: proofFormat, Index: e.Position - 1, Checkpoint: string(signed), Event: ProvenEvent{
		e.Position, e.Stream, e.Version, e.ID, e.Type, string(e.Payload), string(e.Metadata), e.LiveID, recordedAt(e.RecordedAt)}}
	if p.Inclusion, err = tlog.ProveRecord(c.N, p.Index, reader); err != nil {
		return Proof{}, fmt.Errorf("prove position %d: %w", e.Position, err)
	}
	if err := tlog.CheckRecord(p.Inclusion, c.N, c.Hash, p.Index, e.Hash()); err != nil {
		return Proof{}, fmt.Errorf("%w: the event at position %d is not the one in the transparency log", ErrProof, e.Position)
	}
	p.Gift, err = p.Event.gift()
	return p, err
}

// Encode returns the proof as a file.
func (p Proof) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(p); err != nil {
		return nil, fmt.Errorf("encode the proof: %w", err)
	}
	return b.Bytes(), nil
}

// CheckProof decodes a proof and checks it. One of the known keys must have signed the checkpoint, the tree of the
// checkpoint must contain the event, and the receipt must agree with the event. CheckProof returns an error that wraps
// ErrProof or ErrSignature if the proof does not hold.
func CheckProof(file []byte, known note.Verifiers) (Proof, Checkpoint, error) {
	p, err := decodeProof(file)
	if err != nil {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	c, err := OpenCheckpoint([]byte(p.Checkpoint), known)
	if err != nil {
		return Proof{}, Checkpoint{}, err
	}
	if p.Index != p.Event.Position-1 {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: position %d has the index %d, not %d", ErrProof, p.Event.Position, p.Event.Position-1, p.Index)
	}
	e := p.Event.event()
	if p.Index < 0 || p.Index >= c.N {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: the checkpoint covers %d events, not position %d", ErrProof, c.N, p.Event.Position)
	}
	if err := tlog.CheckRecord(p.Inclusion, c.N, c.Hash, p.Index, e.Hash()); err != nil {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: the tree does not contain the event", ErrProof)
	}
	gift, err := p.Event.gift()
	if err != nil {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if (gift == nil) != (p.Gift == nil) || gift != nil && *gift != *p.Gift {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: the receipt does not say what the event says", ErrProof)
	}
	return p, c, nil
}

// decodeProof decodes a file. It accepts only the form that Encode writes, so that every reader understands the file in
// the same way.
func decodeProof(file []byte) (p Proof, err error) {
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("the file is not a proof: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return p, errors.New("the file has more than a proof")
	}
	if p.Format != proofFormat {
		return p, fmt.Errorf("the format is %q, this program checks %q", p.Format, proofFormat)
	}
	p.Event.RecordedAt = recordedAt(p.Event.RecordedAt.UnixMicro()) // a file with more digits or another time zone has another form
	again, err := p.Encode()
	if err == nil && !bytes.Equal(bytes.ReplaceAll(file, []byte("\r\n"), []byte("\n")), again) {
		err = errors.New("the file is not written as roomlog writes it")
	}
	return p, err
}

// recordedAt returns the time in a proof: microseconds, in UTC.
func recordedAt(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func (e ProvenEvent) event() Event {
	return Event{e.Position, e.Stream, e.Version, e.ID, e.Type, []byte(e.Payload), []byte(e.Metadata), e.LiveID, e.RecordedAt.UnixMicro()}
}

// gift returns the receipt of a gift, or nil for another event.
func (e ProvenEvent) gift() (*Gift, error) {
	if !slices.Contains(giftTypes, e.Type) {
		return nil, nil
	}
	var g Gift
	if err := json.Unmarshal([]byte(e.Payload), &g); err != nil {
		return nil, fmt.Errorf("the payload of the gift cannot be read: %w", err)
	}
	return &g, nil
}

// Summary describes what a proof shows, for people.
func (p Proof) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "position %d: %s, recorded at %s", p.Event.Position, p.Event.Type, p.Event.RecordedAt.Format(time.RFC3339Nano))
	if g := p.Gift; g != nil {
		fmt.Fprintf(&b, "\nuser %d gave %d × %q (gift %d) to user %d in live %d: %d × %d = %d coins, balance after it %d",
			g.Sender, g.Num, g.Name, g.Gift, g.Streamer, g.Live, g.Num, g.Price, g.Coins, g.BalanceAfter)
	} else {
		fmt.Fprintf(&b, "\n%s", p.Event.Payload)
	}
	return b.String()
}
