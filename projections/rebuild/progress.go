package rebuild

import "time"

// Progress describes the current step of a rebuild or a verification, and how far the step has got.
type Progress struct {
	Step     string // name of the step: "versions", "fold", "index", "compare" or "switch"
	Position int64  // position up to which events have been folded
	Target   int64  // position at which this step ends
	Rate     float64
	ETA      time.Duration // estimated time until Target is reached
}

// progressInterval is the minimum time between two reports about one step.
const progressInterval = time.Second

// progressReporter reports progress at the beginning of each step and then about once a second.
type progressReporter struct {
	report func(Progress)
	now    func() time.Time

	step            string
	from            int64
	started, newest time.Time
}

func newProgressReporter(now func() time.Time, report func(Progress)) *progressReporter {
	if report == nil {
		report = func(Progress) {}
	}
	return &progressReporter{report: report, now: now}
}

// at reports that a step has reached position.
func (p *progressReporter) at(step string, position, target int64) {
	now := p.now()
	if step != p.step {
		p.step, p.from, p.started, p.newest = step, position, now, time.Time{}
	}
	if now.Sub(p.newest) < progressInterval && position < target {
		return
	}
	p.newest = now
	progress := Progress{Step: step, Position: position, Target: target}
	if took := now.Sub(p.started).Seconds(); took > 0 && position > p.from {
		progress.Rate = float64(position-p.from) / took
		progress.ETA = time.Duration(float64(target-position) / progress.Rate * float64(time.Second))
	}
	p.report(progress)
}
