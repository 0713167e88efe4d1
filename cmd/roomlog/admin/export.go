package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"roomlog/api/replay"
	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/export"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/replica"
	"roomlog/internal/wait"
)

type exportCommand struct {
	Dir      string        `arg:"" optional:"" help:"Folder for files of typed tables, partitioned by day. It is created; if it is an export, the export continues. Default: write lines of JSON to standard output or --out."`
	Format   export.Format `default:"parquet" enum:"parquet,csv,ndjson" placeholder:"FORMAT" help:"Format of the files in the folder: parquet, csv or ndjson."`
	Personal bool          `help:"Also write private fields to the folder: what people have written or are called. Without it they are left out, as for analysts without the role personal."`
	Follow   bool          `help:"Continue the folder as the log grows, until Ctrl-C."`
	Every    time.Duration `default:"10s" min:"1s" max:"24h" help:"Interval at which --follow adds new events, 1s to 24h."`
	After    string        `placeholder:"CURSOR" help:"Start after this cursor, which an earlier export printed. Default: at the beginning, or at the end of the file --out."`
	Out      string        `placeholder:"FILE" help:"Write lines to this file. If it exists, the export continues after its last complete line."`
	Type     []string      `sep:"none" placeholder:"TYPE" help:"Only events of this type, like gift.sent.v2, or with a prefix, like 'gift.*'. The flag can be repeated."`
	Live     *int64        `min:"1" placeholder:"ID" help:"Only events of this live: its id, at least 1."`
	User     *int64        `min:"1" placeholder:"ID" help:"Only events that this user caused: the id, at least 1."`

	types []string // event types that Type selects
}

func (exportCommand) Help() string {
	return `Examples:

  roomlog export lake                            Parquet files in the folder lake; run it again to add what is new
  roomlog export lake --follow                   ... and keep adding until Ctrl-C
  roomlog export sheets --format csv --type 'gift.*'
  roomlog export --out events.ndjson             lines of JSON; run it again to append what is new
  roomlog export --type gift.sent.v2 | head
  roomlog export --after 4711.1a2b3c4d           what follows a cursor

A folder contains a table of the whole log (events) and one of each event type that has occurred, with typed columns, as
events/day=2026-01-31/0000000000000000001.parquet. manifest.json names every file with its positions, its number of events and its
SHA-256, the filter, and the newest signed checkpoint of the transparency log. Readers should use the files that it names. An export
that was killed continues without a missing or repeated event. views.sql answers frequent questions with DuckDB: see
docs/ANALYTICS.md. A folder with --personal is written again when somebody was forgotten since.

Without a folder, each line is one event with its cursor, in the order of the log, with all private fields. The texts of forgotten users
read "erased". An event that this program cannot decode has the field "undecodable" and its stored payload instead of data. At the end the
command prints the cursor to continue after to standard error.

A folder or a file --out keeps one selection of events. manifest.json, or the file next to --out with .filter after the name, remembers
--type, --live and --user. The export refuses to continue with others.`
}

// AfterApply refuses unknown event types and impossible ids, because the export would not contain what the operator
// wants. It also refuses flags that exclude each other.
func (c *exportCommand) AfterApply() error {
	switch {
	case c.Out != "" && c.After != "":
		return errors.New("--out and --after exclude each other: an existing file determines where the export starts")
	case c.Dir != "" && (c.Out != "" || c.After != ""):
		return errors.New("a folder excludes --out and --after: its manifest determines where the export starts")
	case c.Dir == "" && (c.Personal || c.Follow || c.Format != export.Parquet):
		return errors.New("--format, --personal and --follow need a folder, as in: roomlog export lake")
	}
	if eventstore.CheckCursor(c.After) != nil {
		return fmt.Errorf("--after must be a cursor that an export printed, like 4711.1a2b3c4d (got %q)", c.After)
	}
	for _, name := range c.Type {
		if name == "" {
			return errors.New("--type must not be empty; omit it to export events of all types")
		}
		types, err := replay.ParseTypes([]string{name})
		if err != nil {
			return fmt.Errorf("--type: there is no event type %q, do you mean %s? All types are in docs/EVENTS.md", name, nearestType(name))
		}
		c.types = append(c.types, types...)
	}
	c.types = slices.Compact(slices.Sorted(slices.Values(c.types)))
	return nil
}

// nearestType returns the event type, or the prefix of event types, that differs least from a name.
func nearestType(name string) string {
	var known []string
	for _, spec := range domain.Events {
		if strings.HasSuffix(name, "*") {
			subject, _, _ := strings.Cut(spec.Type, ".")
			known = append(known, subject+".*")
		} else {
			known = append(known, spec.Type)
		}
	}
	return cli.Nearest(name, known)
}

func (c *exportCommand) filter() export.Filter {
	return export.Filter{Types: c.types, Live: domain.LiveID(idOf(c.Live)), User: domain.UserID(idOf(c.User))}
}

// idOf returns the id in a flag, or 0 if the flag is not set.
func idOf(flag *int64) int64 {
	if flag == nil {
		return 0
	}
	return *flag
}

func (c *exportCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	if c.Dir != "" {
		return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
			return withReplica(ctx, g, b, c.exportFolder)
		})
	}
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		return withReplica(ctx, g, b, c.exportLines)
	})
}

// withReplica calls work with a reader of the history of the log. It reads from the standby of --read-url, if there
// is one.
func withReplica(ctx context.Context, g *cli.Globals, b *backend, work func(context.Context, *backend, *replica.Reader) error) error {
	if g.ReadURL == "" {
		return work(ctx, b, replica.New(b.store, nil, nil))
	}
	pool, err := replica.OpenPool(ctx, g.ReadURL, eventstore.PoolOptions{MaxConns: poolConns, Name: application})
	if err != nil {
		return err
	}
	defer pool.Close()
	events := replica.New(b.store, pool, b.log)
	events.Check(ctx)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- events.Run(running) }()
	err = work(ctx, b, events)
	stop()
	return errors.Join(err, <-ended)
}

// exportLines writes lines to standard output or to --out.
func (c *exportCommand) exportLines(ctx context.Context, b *backend, events *replica.Reader) error {
	if c.Out == "" {
		return c.export(ctx, b, events, c.After, "--after", b.sh.Stdout)
	}
	file, after, err := export.OpenLines(c.Out, c.filter())
	if err != nil {
		return err
	}
	err = c.export(ctx, b, events, after, "the last line of "+c.Out, file)
	return errors.Join(err, file.Sync(), file.Close())
}

// export writes the events after a cursor up to the current end of the log, and prints the cursor of the newest one.
// source names the origin of the cursor, for the message. After an error, an export can continue with the cursor in the
// last line.
func (c *exportCommand) export(ctx context.Context, b *backend, events *replica.Reader, after, source string, to io.Writer) (err error) {
	history := b.store.History().Number
	position, err := b.store.ParseCursor(ctx, after)
	if err != nil {
		return fmt.Errorf("%s (cursor %q): %w", source, after, err)
	}
	f := c.filter()
	q := eventstore.Query{History: history, After: position, Types: f.Types, Live: f.Live, User: f.User}
	if q.UpTo, err = b.store.Head(ctx); err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for q.After < q.UpTo {
		page, err := events.Read(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page.Events {
			if err := encoder.Encode(replay.NewEventLine(r, true)); err != nil {
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

// exportFolder brings a folder up to the end of the log. With --follow it continues until ctx ends.
func (c *exportCommand) exportFolder(ctx context.Context, b *backend, events *replica.Reader) (err error) {
	bar := cli.NewProgress(b.sh)
	e, err := export.Open(ctx, b.store, events, b.owner, export.Options{Dir: c.Dir, Format: c.Format, Filter: c.filter(), Personal: c.Personal,
		Progress: func(at export.Progress) { bar.Print(at.Position, at.Head) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	for {
		err := e.Update(ctx)
		bar.End()
		if c.Follow && ctx.Err() != nil {
			err = nil // the next export continues
		}
		if err != nil {
			return err
		}
		if !c.Follow || !wait.Sleep(ctx, c.Every) {
			break
		}
	}
	m := e.Manifest()
	_, err = fmt.Fprintf(b.sh.Stdout, "%s contains %s up to position %d\n", c.Dir, cli.Count(m.Events, "event"), m.Position)
	return err
}
