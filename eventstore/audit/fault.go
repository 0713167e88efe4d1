package audit

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Fault describes one inconsistency of the log or of a table that a verification has found.
type Fault struct {
	Position int64  // position of the event; 0 if the fault is in a table
	Table    string // name of the table, if the fault is not in an event; "" for the schema of the database
	Text     string
}

// String returns the fault as one sentence.
func (f Fault) String() string {
	switch {
	case f.Position > 0:
		return fmt.Sprintf("position %d: %s", f.Position, f.Text)
	case f.Table != "":
		return fmt.Sprintf("table %s: %s", f.Table, f.Text)
	}
	return "schema: " + f.Text
}

// maxFaults is the maximum number of faults that are stored. A damaged log may have millions.
const maxFaults = 1000

// Faults collects faults. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	all   []Fault
	at    map[int64]bool // positions of events with a fault
	total int
}

// Add adds a fault.
func (f *Faults) Add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total++
	if len(f.all) == maxFaults {
		return
	}
	if f.at == nil {
		f.at = make(map[int64]bool)
	}
	f.all = append(f.all, fault)
	if fault.Position > 0 {
		f.at[fault.Position] = true
	}
}

// AddAt adds a fault of an event, unless the event already has one.
func (f *Faults) AddAt(position int64, text string) {
	f.mu.Lock()
	known := f.at[position]
	f.mu.Unlock()
	if !known {
		f.Add(Fault{Position: position, Text: text})
	}
}

// Sorted returns the stored faults: those of events by position, then those of tables, then those of the schema. total
// is the number of all faults, which is larger if there were too many to store.
func (f *Faults) Sorted() (all []Fault, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all = slices.Clone(f.all)
	group := func(a Fault) int {
		switch {
		case a.Position > 0:
			return 0
		case a.Table != "":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(group(a), group(b)), cmp.Compare(a.Position, b.Position), cmp.Compare(a.Table, b.Table))
	})
	return all, f.total
}
