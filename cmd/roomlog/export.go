package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

type exportCommand struct {
	After string   `placeholder:"CURSOR" help:"Begin after this cursor, as an earlier export printed it. Default: at the beginning, or where --out ends."`
	Out   string   `placeholder:"FILE" help:"Write to this file; go on behind its last whole line if it is there."`
	Type  []string `placeholder:"TYPE" help:"Only events of this type, like gift.sent.v1; may be given several times."`
	Live  int64    `placeholder:"ID" help:"Only events of this room."`
	User  int64    `placeholder:"ID" help:"Only what this person did."`
}

// Help implements kong.HelpProvider.
func (exportCommand) Help() string {
	return `Examples:

  roomlog export --out events.ndjson             the whole log; run again for what is new since
  roomlog export --type gift.sent.v1 | head
  roomlog export --after 4711.1a2b3c4d           what follows a cursor

Each line is one event, in order, with its cursor. The texts of people who were forgotten are "erased". An
event that this program cannot read has "undecodable" and its payload as written instead of data. The cursor to go on
after is printed to standard error at the end.`
}

// exported is one line, of the same shape as in GET /api/events. Data is in the newest version of its type.
type exported struct {
	Cursor     string        `json:"cursor"`
	Position   int64         `json:"position"`
	Stream     domain.Stream `json:"stream"`
	Version    int           `json:"version"`
	EventID    string        `json:"event_id"`
	Type       string        `json:"type"`
	Data       domain.Event  `json:"data"`
	Actor      string        `json:"actor"`
	Live       domain.LiveID `json:"live,omitempty"`
	RecordedAt time.Time     `json:"recorded_at"`

	Undecodable string          `json:"undecodable,omitempty"` // why there is no data
	Payload     json.RawMessage `json:"payload,omitempty"`     // as written, instead
}

// Run carries the command out.
func (c *exportCommand) Run(ctx context.Context, g *globals, sh shell) error {
	if c.Out != "" && c.After != "" {
		return errors.New("say --out or --after: with both it is not clear where to begin")
	}
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) (err error) {
		if c.Out == "" {
			return c.export(ctx, d, c.After, sh.stdout)
		}
		file, after, err := openExport(c.Out)
		if err != nil {
			return err
		}
		err = c.export(ctx, d, after, file)
		return errors.Join(err, file.Sync(), file.Close())
	})
}

// export writes what follows the cursor after, up to the end of the log as it is now, and prints the
// cursor that it has come to. When it ends before, the cursor of the last line is where to go on.
func (c *exportCommand) export(ctx context.Context, d *desk, after string, to io.Writer) (err error) {
	position, err := d.store.ParseCursor(ctx, after)
	if err != nil {
		return fmt.Errorf("begin after %q: %w", after, err)
	}
	q := eventstore.Query{After: position, Types: c.Type, Live: domain.LiveID(c.Live), User: domain.UserID(c.User)}
	if q.UpTo, err = d.store.Head(ctx); err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for q.After < q.UpTo {
		page, err := d.store.Read(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Events {
			if err := encoder.Encode(lineOf(r)); err != nil {
				return fmt.Errorf("write position %d: %w", r.Position, err)
			}
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("write up to position %d: %w", page.Next, err)
		}
		q.After = page.Next
	}
	cursor, err := d.store.Cursor(ctx, q.After)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.sh.stderr, "cursor %s\n", cursor)
	return nil
}

func lineOf(r eventstore.Record) exported {
	line := exported{
		Cursor: eventstore.CursorOf(r), Position: r.Position, Stream: r.Stream, Version: r.Version, EventID: r.ID.String(),
		Type: r.Type, Data: r.Event, Actor: r.Metadata.Actor, Live: r.LiveID, RecordedAt: r.RecordedAt,
	}
	if r.Fault != nil {
		line.Undecodable, line.Payload = r.Fault.Error(), r.Payload
	} else {
		line.Type = r.Event.Type()
	}
	return line
}

// maxLine bounds the last line of a file that is gone on with; an event has some kilobytes at most.
const maxLine = 1 << 20

// openExport opens a file to go on with: half a line at its end is taken off, and the cursor is the one
// of its last whole line; "" for an empty or new file. A file that is no export is left as it is.
func openExport(path string) (file *os.File, after string, err error) {
	if file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil { // people's texts are in it
		return nil, "", err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, "", err
	}
	tail := make([]byte, min(size, maxLine))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, "", err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	half := tail[whole:]
	last := bytes.TrimSuffix(tail[:whole], []byte{'\n'})
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	var line struct {
		Cursor string `json:"cursor"`
	}
	switch {
	case whole == 0 && (len(half) == 0 || bytes.HasPrefix(half, []byte(`{"cursor":`))): // nothing, or not even one line
	case json.Unmarshal(last, &line) != nil || line.Cursor == "":
		return nil, "", fmt.Errorf("%s does not end like an export: choose another file", path)
	}
	end := size - int64(len(half))
	if err := file.Truncate(end); err != nil {
		return nil, "", err
	}
	_, err = file.Seek(end, io.SeekStart)
	return file, line.Cursor, err
}
