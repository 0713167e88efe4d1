package pack

import (
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// Values of the first member of a manifest. A pack has the newest format. Packs of the first format, whose statements have
// fewer columns, can still be verified.
const (
	format1 = "roomlog pack 1" // first format: the statements do not name what was refunded, the payout and the correction
	format  = "roomlog pack 2"
)

// Names of the files in a pack, in their order.
const (
	checkpointFile   = "checkpoint"        // signed checkpoint
	hashesFile       = "hashes"            // hashes of the leaves of the events, 32 bytes each
	eventsFile       = "events.ndjson"     // one line for each event
	statementsFile   = "statements.csv"    // one line for each posting, with the balance after it
	trialBalanceFile = "trial_balance.csv" // one line for each account
	manifestFile     = "manifest.json"
)

var fileNames = []string{checkpointFile, hashesFile, eventsFile, statementsFile, trialBalanceFile, manifestFile}

// Maximum sizes of files that are read at once, in bytes.
const (
	maxManifest   = 64 << 10
	maxCheckpoint = 64 << 10
)

// Manifest is the content of manifest.json in a pack: the range, its place in the tree, and the other files.
type Manifest struct {
	Format   string      `json:"format"`
	Origin   string      `json:"origin"`    // name of the tree
	TreeSize int64       `json:"tree_size"` // number of events that the checkpoint covers
	From     int64       `json:"from"`      // position of the first event
	To       int64       `json:"to"`        // position of the last event
	Before   []tlog.Hash `json:"before"`    // hashes of the subtrees before the range, from left to right, in base64
	After    []tlog.Hash `json:"after"`     // hashes of the subtrees after the range, up to the end of the tree
	Files    []File      `json:"files"`     // the other files
}

// File describes one file of a pack.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func (m Manifest) write(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(m)
}

// Fault is the first fault of a pack.
type Fault struct {
	Position int64  // position of the event; 0 if the fault is in no event
	File     string // file of the pack; "" if the fault is in an event or in the archive
	Text     string
}

func (f *Fault) Error() string {
	switch {
	case f.Position != 0:
		return fmt.Sprintf("the pack does not hold: position %d: %s", f.Position, f.Text)
	case f.File != "":
		return fmt.Sprintf("the pack does not hold: %s: %s", f.File, f.Text)
	}
	return "the pack does not hold: " + f.Text
}
