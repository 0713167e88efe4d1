package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
)

type exportCommand struct {
	After string   `placeholder:"CURSOR" help:"Start after this cursor, which an earlier export printed. Default: at the beginning, or at the end of the file --out."`
	Out   string   `placeholder:"FILE" help:"Write to this file. If it exists, the export continues after its last complete line."`
	Type  []string `sep:"none" placeholder:"TYPE" help:"Only events of this type, like gift.sent.v1. The flag can be repeated."`
	Live  *int64   `min:"1" placeholder:"ID" help:"Only events of this live: its id, at least 1."`
	User  *int64   `min:"1" placeholder:"ID" help:"Only events that this user caused: the id, at least 1."`
}

func (exportCommand) Help() string {
	return `Examples:

  roomlog export --out events.ndjson             the whole log; run it again to append what is new
  roomlog export --type gift.sent.v1 | head
  roomlog export --after 4711.1a2b3c4d           what follows a cursor

Each line is one event with its cursor, in the order of the log. The texts of forgotten users read "erased". An event that
this program cannot decode has the field "undecodable" and its stored payload instead of data. At the end the command
prints the cursor to continue after to standard error.

A file --out keeps one selection of events: the file next to it, with .filter after the name, remembers --type, --live and
--user. The export refuses to continue the file with others.`
}

// exportedEvent is one line of an export. It has the same fields as a line of GET /api/events. Data has the newest
// version of its type.
type exportedEvent struct {
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

	Undecodable string          `json:"undecodable,omitempty"` // why the event has no data
	Payload     json.RawMessage `json:"payload,omitempty"`     // payload as stored, if the event has no data
}

// AfterApply refuses unknown event types and impossible ids, because the export would not contain what the operator
// wants. It also refuses two places to start.
func (c *exportCommand) AfterApply() error {
	if c.Out != "" && c.After != "" {
		return errors.New("--out and --after exclude each other: an existing file determines where the export starts")
	}
	if eventstore.CheckCursor(c.After) != nil {
		return fmt.Errorf("--after must be a cursor that an export printed, like 4711.1a2b3c4d (got %q)", c.After)
	}
	for _, name := range c.Type {
		if name == "" {
			return errors.New("--type must not be empty; omit it to export events of all types")
		}
		if types := eventTypes(); !slices.Contains(types, name) {
			return fmt.Errorf("--type: there is no event type %q, do you mean %s? All types are in docs/EVENTS.md", name, cli.Nearest(name, types))
		}
	}
	return nil
}

func (c *exportCommand) filter() exportFilter {
	return exportFilter{slices.Compact(slices.Sorted(slices.Values(c.Type))), idOf(c.Live), idOf(c.User)}
}

// idOf returns the id in a flag, or 0 if the flag is not set.
func idOf(flag *int64) int64 {
	if flag == nil {
		return 0
	}
	return *flag
}

func (c *exportCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) (err error) {
		if c.Out == "" {
			return c.export(ctx, b, c.After, "--after", sh.Stdout)
		}
		file, after, err := openExport(c.Out, c.filter())
		if err != nil {
			return err
		}
		err = c.export(ctx, b, after, "the last line of "+c.Out, file)
		return errors.Join(err, file.Sync(), file.Close())
	})
}

// export writes the events after a cursor up to the current end of the log, and prints the cursor that it has reached.
// source says where the cursor comes from. If export fails earlier, continue with the cursor in the last line.
func (c *exportCommand) export(ctx context.Context, b *backend, after, source string, to io.Writer) (err error) {
	history := b.store.History().Number
	position, err := b.store.ParseCursor(ctx, after)
	if err != nil {
		return fmt.Errorf("%s (cursor %q): %w", source, after, err)
	}
	q := eventstore.Query{History: history, After: position, Types: c.Type, Live: domain.LiveID(idOf(c.Live)), User: domain.UserID(idOf(c.User))}
	if q.UpTo, err = b.store.Head(ctx); err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for q.After < q.UpTo {
		page, err := b.store.Read(ctx, q)
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
	cursor, err := b.store.Cursor(ctx, q.After)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.sh.Stderr, "cursor %s\n", cursor)
	return nil
}

func lineOf(r eventstore.Record) exportedEvent {
	line := exportedEvent{
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
