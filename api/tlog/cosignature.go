package tlog

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// Paths of the endpoints for witnesses.
const (
	CosignaturePath = "/tlog/cosignature"
	WitnessesPath   = "/tlog/witnesses"
)

// Codes with which cosignatures are refused.
const (
	CodeSignature   domain.Code = "signature_invalid"
	CodeWitness     domain.Code = "witness_unknown"
	CodeTree        domain.Code = "tree_unknown"
	CodeUnknownSize domain.Code = "tree_size_unknown"
	CodeFork        domain.Code = "tree_forked"
)

// CodeNotSigned is the code with which a proof is refused until a signed checkpoint covers the event.
const CodeNotSigned domain.Code = "proof_not_ready"

// Cosigned is the response to a cosignature.
type Cosigned struct {
	Size     int64 `json:"size" doc:"number of events of the cosigned checkpoint"`
	Anchored int64 `json:"anchored" doc:"position up to which enough witnesses have cosigned the tree; 0 before that"`
}

// Witness is a witness that this server knows, in a response.
type Witness struct {
	Key        string `json:"key" example:"witness.example+1c2d3e4f+BAAA" doc:"public key that checks the cosignatures of the witness"`
	Size       int64  `json:"size" doc:"number of events of the newest checkpoint that the witness has cosigned; 0: none"`
	Checkpoint string `json:"checkpoint,omitempty" example:"roomlog/5f0c2a77-3a52-4d6e-9a4b-0c9d1e2f3a4b/1\n4711\n…" doc:"checkpoint that the witness has cosigned, with the signature of the server and the cosignature"`
}

// WitnessList is the response to a request for the witnesses.
type WitnessList struct {
	Anchored  int64     `json:"anchored" doc:"position up to which enough witnesses have cosigned the tree; 0 before that"`
	Required  int       `json:"required" doc:"number of witnesses that must have cosigned a checkpoint over an event; 0: this server knows no witness"`
	Witnesses []Witness `json:"witnesses"`
}

// AddCosignature stores the cosignatures of the checkpoint in the body of the request.
func (h Handler) AddCosignature(w http.ResponseWriter, r *http.Request) {
	body, err := h.Body(w, r)
	if err != nil {
		h.Failed(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.Timeout)
	defer cancel()
	if h.Witnesses == nil {
		h.Failed(w, r, &domain.Refusal{Code: CodeWitness, Text: "this server knows no witness: its operator sets --witnesses"})
		return
	}
	c, err := tree.AddCosignatures(ctx, h.Pool, h.LogID, h.Witnesses, body)
	if errors.Is(err, tree.ErrFork) || errors.Is(err, tree.ErrUnknownSize) && c.N > 0 {
		h.Log.ErrorContext(ctx, "a witness has cosigned a checkpoint that the transparency log does not contain", slog.String("checkpoint", c.String()))
	}
	if err != nil {
		h.Failed(w, r, refusalOf(err))
		return
	}
	_, anchored, err := tree.ReadPublicWitnesses(ctx, h.Pool, h.Witnesses)
	if err != nil {
		h.Failed(w, r, err)
		return
	}
	h.Succeeded(w, Cosigned{c.N, anchored})
}

// refusalOf converts an error of tree.AddCosignatures into a refusal, if it is one.
func refusalOf(err error) error {
	for _, one := range []struct {
		is   error
		code domain.Code
	}{
		{tree.ErrFork, CodeFork}, {tree.ErrUnknownSize, CodeUnknownSize}, {tree.ErrOrigin, CodeTree},
		{transparency.ErrWitness, CodeWitness}, {transparency.ErrSignature, CodeSignature},
	} {
		if errors.Is(err, one.is) {
			return &domain.Refusal{Code: one.code, Text: err.Error()}
		}
	}
	return err
}

// ListWitnesses returns the witnesses of this server with the newest checkpoint that each has cosigned.
func (h Handler) ListWitnesses(ctx context.Context, _ *struct{}) (WitnessList, error) {
	list := WitnessList{Witnesses: []Witness{}}
	states, anchored, err := tree.ReadPublicWitnesses(ctx, h.Pool, h.Witnesses)
	for _, s := range states {
		list.Witnesses = append(list.Witnesses, Witness{s.Key, s.Size, string(s.Note)})
	}
	if h.Witnesses != nil {
		list.Required = h.Witnesses.Required()
	}
	list.Anchored = anchored
	return list, err
}

// DescribeCosignature completes the documentation of a cosignature.
func DescribeCosignature(o *huma.Operation) {
	o.Description += " The body is a signed checkpoint of this server with one cosignature line or several (C2SP tlog-cosignature), at most 64 KiB. " +
		"A checkpoint that the tree does not contain is refused, is kept as evidence, and halts the transparency log. docs/AUDIT.md describes witnesses."
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}, Example: exampleCheckpoint + "— witness.example Gx8uPw==\n"},
	}}
}
