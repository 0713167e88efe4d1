package projections

import "time"

// Progress is how far a rebuild or a verification has come.
type Progress struct {
	Step     string // what it is at: "fold", "index", "compare", "switch"
	Position int64  // folded up to here
	Target   int64  // of this step
	Rate     float64
	ETA      time.Duration // until the target, at this rate
}

// Difference is one table that is not what it should be.
type Difference struct {
	Table string
	Text  string // the first row that differs, and how
}

// Report is what a rebuild or a verification found.
type Report struct {
	Events      int64 // read
	Position    int64 // the tables are as of this position
	Head        int64 // of the log
	Generation  int64 // of the tables
	Took        time.Duration
	Rows        map[string]int64 // by table
	Poisoned    int64            // events set aside
	Compared    bool             // the new tables were compared with the old ones
	Differences []Difference
	Fault       string // the first fault that Verify found, "" for none: "position 4711: version 3 of wallet-12 follows version 1"
}

// progressEvery is how often progress is told.
const progressEvery = time.Second

// teller tells how far something has come, about once a second and at the beginning of each step.
type teller struct {
	tell func(Progress)
	now  func() time.Time

	step          string
	from          int64
	started, last time.Time
}

func newTeller(now func() time.Time, tell func(Progress)) *teller {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &teller{tell: tell, now: now}
}

func (t *teller) at(step string, position, target int64) {
	now := t.now()
	if step != t.step {
		t.step, t.from, t.started, t.last = step, position, now, time.Time{}
	}
	if now.Sub(t.last) < progressEvery && position < target {
		return
	}
	t.last = now
	p := Progress{Step: step, Position: position, Target: target}
	if took := now.Sub(t.started).Seconds(); took > 0 && position > t.from {
		p.Rate = float64(position-t.from) / took
		p.ETA = time.Duration(float64(target-position) / p.Rate * float64(time.Second))
	}
	t.tell(p)
}
