package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"roomlog/eventstore/transparency"
)

// timeLayout is the form of times. It has all digits of a microsecond, so that each time has one form.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// maxLine is the maximum size of one event in bytes. Events have at most a few kilobytes.
const maxLine = 1 << 20

var errLine = errors.New("the line is not an event as roomlog writes it")

// appendLine appends the line of an event to b, with the line feed. Payload and metadata are the bytes that were hashed.
func appendLine(b []byte, e *transparency.Event) []byte {
	b = strconv.AppendInt(append(b, `{"position":`...), e.Position, 10)
	b = appendString(append(b, `,"stream":`...), e.Stream)
	b = strconv.AppendInt(append(b, `,"version":`...), e.Version, 10)
	b = appendString(append(b, `,"event_id":`...), e.ID.String())
	b = appendString(append(b, `,"type":`...), e.Type)
	b = append(b, `,"live_id":`...)
	if e.LiveID == nil {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, *e.LiveID, 10)
	}
	b = append(b, `,"recorded_at":"`...)
	b = time.UnixMicro(e.RecordedAt).UTC().AppendFormat(b, timeLayout)
	b = append(append(b, `","payload":`...), e.Payload...)
	b = append(append(b, `,"metadata":`...), e.Metadata...)
	return append(b, '}', '\n')
}

// parseLine returns the event of a line, and fails unless appendLine writes the same line. Payload and metadata of the
// event are parts of line. scratch is a buffer that is used again.
func parseLine(line []byte, scratch *[]byte) (e transparency.Event, err error) {
	p := parser{rest: line, ok: true}
	e.Position = p.number(`{"position":`)
	e.Stream = p.text(`,"stream":`)
	e.Version = p.number(`,"version":`)
	id := p.text(`,"event_id":`)
	e.Type = p.text(`,"type":`)
	if live := []byte(`,"live_id":null`); bytes.HasPrefix(p.rest, live) {
		p.skip(string(live))
	} else {
		live := p.number(`,"live_id":`)
		e.LiveID = &live
	}
	at := p.text(`,"recorded_at":`)
	p.skip(`,"payload":`)
	split := bytes.LastIndex(p.rest, []byte(`,"metadata":`))
	if !p.ok || split < 0 {
		return e, errLine
	}
	e.Payload = p.rest[:split]
	p.rest = p.rest[split:]
	p.skip(`,"metadata":`)
	e.Metadata = bytes.TrimSuffix(p.rest, []byte("}\n"))
	when, err := time.Parse(timeLayout, at)
	if err != nil {
		return e, errLine
	}
	e.RecordedAt = when.UnixMicro()
	if e.ID, err = uuid.Parse(id); err != nil {
		return e, errLine
	}
	*scratch = appendLine((*scratch)[:0], &e)
	if !bytes.Equal(*scratch, line) || bytes.IndexByte(line, '\n') != len(line)-1 {
		return e, errLine
	}
	return e, nil
}

// parser reads the members of a line in their order. It reads other forms than the canonical one as well, because
// parseLine compares the whole line at the end.
type parser struct {
	rest []byte
	ok   bool
}

func (p *parser) skip(prefix string) {
	rest, found := bytes.CutPrefix(p.rest, []byte(prefix))
	p.rest, p.ok = rest, p.ok && found
}

func (p *parser) number(prefix string) int64 {
	p.skip(prefix)
	end := bytes.IndexByte(p.rest, ',')
	if end < 0 {
		p.ok = false
		return 0
	}
	n, err := strconv.ParseInt(string(p.rest[:end]), 10, 64)
	p.rest, p.ok = p.rest[end:], p.ok && err == nil
	return n
}

func (p *parser) text(prefix string) (s string) {
	p.skip(prefix)
	for end := 1; end < len(p.rest); end++ {
		switch p.rest[end] {
		case '\\':
			end++
		case '"':
			quoted := p.rest[:end+1]
			p.rest = p.rest[end+1:]
			if isPlain(quoted[1:end]) {
				return string(quoted[1:end])
			}
			p.ok = p.ok && json.Unmarshal(quoted, &s) == nil
			return s
		}
	}
	p.ok = false
	return ""
}

// appendString appends a JSON string, as json.Marshal writes it.
func appendString(b []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, _ := json.Marshal(s) // never fails for a string
	return append(b, quoted...)
}

// isPlain reports whether a JSON string contains s without escapes.
func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			return false
		}
	}
	return true
}
