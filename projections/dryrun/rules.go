package dryrun

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/internal/strictjson"
)

// MaxRules is the maximum size of the rules in bytes.
const MaxRules = 1 << 20

// Rules are the word lists and modes of a dry run. A part that is nil stays as it was.
type Rules struct {
	Modes        map[domain.ModeName]int64 `json:"modes"`         // values of modes; modes that are missing are off
	Words        []Word                    `json:"words"`         // list of the live
	ServiceWords []Word                    `json:"service_words"` // list of the service
}

// Word is a word that the rules mask or refuse in comments.
type Word struct {
	Word  string         `json:"word"`
	Exact bool           `json:"exact"`
	Act   domain.WordAct `json:"act"`
}

// ParseRules parses rules in JSON. It refuses unknown members.
func ParseRules(text []byte) (Rules, error) {
	var r Rules
	if len(text) > MaxRules {
		return r, fmt.Errorf("the rules must have at most %d bytes (got %d)", MaxRules, len(text))
	}
	if err := strictjson.Check(text, &r); err != nil {
		return r, fmt.Errorf("the rules are not valid: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("the rules are not valid: %w", err)
	}
	if d.More() {
		return r, fmt.Errorf("the rules must be one JSON object")
	}
	return r, nil
}

// The live and the streams in which rules are decided, before the dry run.
const (
	anyLive     domain.LiveID = 1
	wordsOfLive               = domain.Stream("words-1")
)

var operator = domain.Actor{Kind: domain.Operator}

// modes returns the modes in the form of the state of a live. The decision of the command live.set_mode checks them.
func (r Rules) modes() ([]domain.Mode, error) {
	live, err := newState(domain.LiveCreated{Live: anyLive, Streamer: 1})
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Modes)) {
		command := domain.SetMode{Live: anyLive, Mode: name, Value: r.Modes[name]}
		if live, err = decided(command, domain.LiveCreated{Live: anyLive}.Stream(), live, nil); err != nil {
			return nil, fmt.Errorf("modes: %s: %w", name, err)
		}
	}
	return live.(domain.Live).Modes, nil
}

// list returns a list of words as a state. The decision of the command words.add checks them.
func list(field string, words []Word) (any, error) {
	live, err := newState(domain.LiveCreated{Live: anyLive, Streamer: 1})
	if err != nil {
		return nil, err
	}
	var state any = domain.Words{}
	for i, w := range words {
		command := domain.AddWords{Live: anyLive, Words: []string{w.Word}, Exact: w.Exact, Act: w.Act}
		if state, err = decided(command, wordsOfLive, state, live); err != nil {
			return nil, fmt.Errorf("%s: word %d: %w", field, i+1, err)
		}
	}
	return state, nil
}

// newState returns the state of a stream whose only event is e.
func newState(e domain.Event) (any, error) { return domain.Fold(e.Stream(), nil, e) }

// decided returns the state of a stream after a command. live is the state of the live, if it is another stream.
func decided(c domain.Command, stream domain.Stream, state, live any) (any, error) {
	states := map[domain.Stream]any{stream: state}
	if live != nil {
		states[domain.LiveCreated{Live: anyLive}.Stream()] = live
	}
	events, err := domain.Decide(domain.Request{Command: c, Actor: operator}, time.Unix(0, 0), states)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if state, err = domain.Fold(stream, state, e); err != nil {
			return nil, err
		}
	}
	return state, nil
}
