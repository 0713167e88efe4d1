package admin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"roomlog/api"
	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/streams"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/wait"
	"roomlog/media/broadcasts"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// maxTopRows is the maximum number of rows in each table of roomlog top.
const maxTopRows = 20

type topCommand struct {
	Every time.Duration `default:"2s" min:"500ms" max:"1m" help:"Interval between two updates, over which events and gifts are counted, 500ms to 1m."`
	Once  bool          `help:"Print one update and end, as without a terminal."`
}

func (topCommand) Help() string {
	return `Shows the nodes with the number of their connections, the streams, how far the tables are behind the log, and the events and
gifts per second, and updates it until Ctrl-C. Without a terminal it prints one update after the interval. It asks the nodes and the
database, and changes nothing.`
}

func (c *topCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		terminal := cli.IsTerminal(sh.Stdout) && !c.Once
		nodes := cluster.New(cluster.NewPostgres(b.owner), cluster.Config{Now: sh.Now, Log: b.log})
		last, err := b.sample(ctx, nodes)
		if err != nil {
			return err
		}
		for wait.Sleep(ctx, c.Every) {
			now, err := b.sample(ctx, nodes)
			if err != nil {
				return err
			}
			gifts, err := b.gifts(ctx, last.lag.Head, now.lag.Head)
			if err != nil {
				return err
			}
			if terminal {
				fmt.Fprint(sh.Stdout, "\x1b[H\x1b[2J")
			}
			if err := now.print(sh.Stdout, last, gifts); err != nil || !terminal {
				return err
			}
			last = now
		}
		return nil
	})
}

// sample is the state of all nodes at one time.
type sample struct {
	at      time.Time
	lag     projections.Lag
	sockets hub.SurveyResult
	streams []api.Stream
}

func (b *backend) sample(ctx context.Context, nodes *cluster.Cluster) (s sample, err error) {
	if s.lag, err = b.queries.Lag(ctx); err != nil {
		return s, err
	}
	s.at = b.store.Now()
	if s.sockets, err = hub.Survey(ctx, nodes, hub.SurveyRequest{}); err != nil {
		return s, err
	}
	s.streams, err = streams.Directory{Directory: broadcasts.NewDirectory(nodes, b.queries)}.Streams(ctx)
	return s, err
}

// gifts returns the number of gifts between two positions. It returns 0 if the log has fallen back in between.
func (b *backend) gifts(ctx context.Context, after, upTo int64) (int64, error) {
	if upTo <= after {
		return 0, nil
	}
	return b.store.Count(ctx, eventstore.Query{After: after, UpTo: upTo, Types: domain.StoredTypes(domain.GiftSent{}.Type())})
}

// print writes the sample, with rates since the sample last.
func (s sample) print(out io.Writer, last sample, gifts int64) error {
	seconds := max(s.at.Sub(last.at).Seconds(), 0.001)
	behind := time.Duration(0)
	if !s.lag.Oldest.IsZero() {
		behind = max(0, s.at.Sub(s.lag.Oldest)).Round(100 * time.Millisecond)
	}
	fmt.Fprintf(out, "log: position %d, %.1f events/s, %.1f gifts/s\n", s.lag.Head, float64(max(0, s.lag.Head-last.lag.Head))/seconds, float64(gifts)/seconds)
	fmt.Fprintf(out, "tables: %s behind, %s\n", cli.Count(s.lag.Head-s.lag.Position, "event"), behind)
	if s.lag.Closed.Since != 0 {
		fmt.Fprintln(out, "coins: closed for some users, see roomlog events list")
	}
	fmt.Fprintf(out, "nodes: %d, %d replied; sockets: %d\n\n", s.sockets.Nodes, s.sockets.Answered, s.sockets.Total)
	if err := s.printNodes(out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return s.printStreams(out)
}

// printNodes lists the nodes that replied.
func (s sample) printNodes(out io.Writer) error {
	t := newTable(out, "NODE", "SOCKETS")
	nodes := slices.Sorted(maps.Keys(s.sockets.Of))
	for _, node := range nodes[:min(len(nodes), maxTopRows)] {
		t.row(node, s.sockets.Of[node])
	}
	if err := t.end("No nodes"); err != nil {
		return err
	}
	if more := len(nodes) - maxTopRows; more > 0 {
		fmt.Fprintf(out, "and %s\n", cli.Count(more, "further node"))
	}
	return nil
}

// printStreams lists the streams with the most players first.
func (s sample) printStreams(out io.Writer) error {
	all := slices.Clone(s.streams)
	players := func(s api.Stream) (n int) {
		for _, one := range s.Players {
			n += one
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b api.Stream) int { return players(b) - players(a) })
	t := newTable(out, "LIVE", "TITLE", "KBIT/S", "PLAYERS", "NODE")
	for _, one := range all[:min(len(all), maxTopRows)] {
		t.row(one.Live, shorten(one.Title), one.Bitrate/1000, players(one), orDash(one.Node))
	}
	if err := t.end("No streams"); err != nil {
		return err
	}
	if more := len(all) - maxTopRows; more > 0 {
		fmt.Fprintf(out, "and %s with fewer players\n", cli.Count(more, "stream"))
	}
	return nil
}

// shorten returns at most 40 characters of a title.
func shorten(title string) string {
	const most = 40
	if runes := []rune(title); len(runes) > most {
		return strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return title
}
