package backup

import (
	"fmt"
	"io"
	"time"

	"roomlog/cmd/roomlog/cli"
)

// progressInterval is the time between two updates of the line.
const progressInterval = 200 * time.Millisecond

// progress prints the progress of a command in one line, if standard error is a terminal. Bytes that are written to it
// count as done.
type progress struct {
	out     io.Writer // terminal on which the line is shown; nil: none
	now     func() time.Time
	printed time.Time
	text    string
	bytes   int64
}

func newProgress(sh cli.Shell) *progress {
	p := &progress{now: sh.Now}
	if cli.IsTerminal(sh.Stderr) {
		p.out = sh.Stderr
	}
	return p
}

func (p *progress) step(text string) {
	p.text = text
	p.print()
}

// Write counts bytes.
func (p *progress) Write(b []byte) (int, error) {
	p.bytes += int64(len(b))
	p.print()
	return len(b), nil
}

func (p *progress) print() {
	if p.out == nil || p.now().Sub(p.printed) < progressInterval {
		return
	}
	p.printed = p.now()
	fmt.Fprintf(p.out, "\r\x1b[K%.60s, %s", p.text, size(p.bytes))
}

func (p *progress) end() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// size formats a number of bytes for people.
func size(bytes int64) string {
	const step = 1024
	value, unit := float64(bytes), "bytes"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < step {
			break
		}
		value, unit = value/step, next
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
