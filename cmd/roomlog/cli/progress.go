package cli

import (
	"fmt"
	"io"
	"time"
)

// Progress prints how far a command has read the log, in one line, if standard error is a terminal. It is not safe for concurrent use.
type Progress struct {
	out     io.Writer // terminal on which the line is shown; nil: none
	now     func() time.Time
	printed bool
	begun   time.Time
	first   int64 // position at the time begun
}

// NewProgress returns a Progress that has printed nothing.
func NewProgress(sh Shell) *Progress {
	p := &Progress{now: sh.Now}
	if IsTerminal(sh.Stderr) {
		p.out = sh.Stderr
	}
	return p
}

// Print replaces the line. head is the position at which the command will be done.
func (p *Progress) Print(position, head int64) {
	if p.out == nil {
		return
	}
	if !p.printed {
		p.printed, p.begun, p.first = true, p.now(), position
	}
	rate := float64(position-p.first) / max(p.now().Sub(p.begun).Seconds(), 0.001)
	fmt.Fprintf(p.out, "\rposition %d of %d (%d %%), %.0f positions/s   ", position, head, 100*position/max(head, 1), rate)
}

// End leaves the line, so that other output begins in a new one.
func (p *Progress) End() {
	if p.printed {
		fmt.Fprintln(p.out)
		p.printed = false
	}
}
