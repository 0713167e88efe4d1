package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"time"
)

// copyWithoutOldestPart copies an index without the lines of its oldest part, and returns the number of bytes. A line
// counts what was removed so far, so that the remaining segments keep their media sequence numbers.
func copyWithoutOldestPart(to, from *os.File, part string, now time.Time) (size int64, err error) {
	out := bufio.NewWriter(to)
	write := func(b []byte) {
		_, _ = out.Write(b) // Flush returns the error
		_ = out.WriteByte('\n')
		size += int64(len(b)) + 1
	}
	var p playlist
	writeRemoved := func() error {
		b, err := json.Marshal(line{Kind: lineRemoved, Wall: now, removed: p.removeAll()})
		write(b)
		return err
	}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	drop := false
	for lines.Scan() {
		l, err := parseLine(lines.Bytes())
		if err != nil {
			return 0, err
		}
		before := drop
		drop = l.Kind == linePart && l.File == part || l.Kind == lineFragment && drop
		if drop || l.Kind == lineRemoved {
			p.add(l)
			continue
		}
		if before {
			if err := writeRemoved(); err != nil {
				return 0, err
			}
		}
		write(lines.Bytes())
	}
	if drop {
		if err := writeRemoved(); err != nil {
			return 0, err
		}
	}
	return size, errors.Join(lines.Err(), out.Flush())
}
