package broadcasts

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

const (
	askAgain   = 200 * time.Millisecond // a whisper that nobody heard is lost
	askAtMost  = 2 * time.Second
	linesAtOne = 500
)

// Directory is what operators see of the streams of all processes, and how they end a player's connection. A
// publisher is ended by domain.KickPublish. eventstore.Store.Listen has to run.
type Directory struct {
	store   *eventstore.Store
	queries *projections.Queries
}

// NewDirectory makes a Board, which may be in any process.
func NewDirectory(store *eventstore.Store, queries *projections.Queries) *Directory {
	return &Directory{store, queries}
}

// Stream is a room's stream: what the log says of it, and what its process says it does. A room in which somebody
// waits for a stream has a line without a Show.
type Stream struct {
	Live  projections.Live
	Nodes []NodeStats // of every process that has it: the one that takes it in, and those where somebody waits in vain
}

// Streams lists the streams, in the order of rooms.
func (b *Directory) Streams(ctx context.Context) ([]Stream, error) {
	lines := make(map[string]*Stream)
	expected, err := b.shows(ctx, lines)
	if err != nil {
		return nil, err
	}
	replies, err := b.ask(ctx, question{What: "streams"}, expected)
	if err != nil {
		return nil, err
	}
	for _, item := range replies {
		var f NodeStats
		if err := json.Unmarshal(item, &f); err != nil {
			return nil, fmt.Errorf("figures of a stream: %w", err)
		}
		line := lines[f.Key]
		if line == nil {
			live, err := b.queries.LiveByStreamKey(ctx, f.Key)
			if errors.Is(err, projections.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			line = &Stream{Live: live}
			lines[f.Key] = line
		}
		line.Nodes = append(line.Nodes, f)
	}
	all := make([]Stream, 0, len(lines))
	for _, line := range lines {
		slices.SortFunc(line.Nodes, func(a, b NodeStats) int { return cmp.Compare(b.Publisher, a.Publisher) }) // with a publisher first
		all = append(all, *line)
	}
	slices.SortFunc(all, func(a, b Stream) int { return cmp.Compare(a.Live.ID, b.Live.ID) })
	return all, nil
}

// shows reads what the log says, and which living processes have something to say about it.
func (b *Directory) shows(ctx context.Context, lines map[string]*Stream) (processes map[string]bool, err error) {
	alive, err := b.store.Alive(ctx)
	if err != nil {
		return nil, err
	}
	processes = make(map[string]bool)
	for last := domain.LiveID(0); ; {
		shows, err := b.queries.Broadcasts(ctx, last, linesAtOne)
		if err != nil {
			return nil, err
		}
		for _, show := range shows {
			last = show.Live
			live, err := b.queries.Live(ctx, show.Live)
			if err != nil {
				return nil, err
			}
			lines[live.StreamKey] = &Stream{Live: live}
			if alive(show.Node) {
				processes[show.Node] = true
			}
		}
		if len(shows) < linesAtOne {
			return processes, nil
		}
	}
}

// Players lists who watches a room, on all processes.
func (b *Directory) Players(ctx context.Context, live projections.Live) ([]Player, error) {
	expected := make(map[string]bool)
	if live.Broadcast.ID != "" {
		alive, err := b.store.Alive(ctx)
		if err != nil {
			return nil, err
		}
		expected[live.Broadcast.Node] = alive(live.Broadcast.Node)
	}
	replies, err := b.ask(ctx, question{What: "players", Key: live.StreamKey}, expected)
	if err != nil {
		return nil, err
	}
	players := make([]Player, 0, len(replies))
	for _, item := range replies {
		var p Player
		if err := json.Unmarshal(item, &p); err != nil {
			return nil, fmt.Errorf("a player: %w", err)
		}
		players = append(players, p)
	}
	slices.SortFunc(players, func(a, b Player) int { return a.Since.Compare(b.Since) })
	return players, nil
}

// KickPlayer ends the connection of a player, on whichever process it is, and says whether there was one.
func (b *Directory) KickPlayer(ctx context.Context, id, note string) (bool, error) {
	if len(id) > 64 || len(note) > 400 {
		return false, errors.New("stage: the name of a player, or what is said of it, is too long")
	}
	replies, err := b.ask(ctx, question{What: "kick", Who: id, Note: note}, nil)
	return len(replies) > 0, err
}

// ask collects what processes answer: until those that are expected have said everything, or, if none is, until
// somebody had something to say or nobody will have any more.
func (b *Directory) ask(ctx context.Context, q question, expected map[string]bool) ([]json.RawMessage, error) {
	q.ID = rand.Text()
	heard := make(chan reply, 1024)
	stop := b.store.Overhear(func(text string) {
		var r reply
		if text, is := strings.CutPrefix(text, answers); is && json.Unmarshal([]byte(text), &r) == nil && r.ID == q.ID {
			select {
			case heard <- r:
			default: // it will be asked again
			}
		}
	})
	defer stop()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	c := collected{said: make(map[string]map[int][]reply), expected: expected}
	for q.Try = range int(askAtMost / askAgain) {
		if err := tell(ctx, b.store, asks, q); err != nil {
			return nil, err
		}
		for waiting := true; waiting; {
			select {
			case r := <-heard:
				c.add(r)
				if c.complete() && (len(expected) > 0 || len(c.items()) > 0) {
					return c.items(), nil
				}
			case <-again.C:
				waiting = false
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if c.complete() && len(c.said) > 0 {
			break
		}
	}
	return c.items(), nil
}

// collected is what has been answered so far: of each process, to each time that it was asked.
type collected struct {
	said     map[string]map[int][]reply
	expected map[string]bool
}

func (c *collected) add(r reply) {
	if c.said[r.Process] == nil {
		c.said[r.Process] = make(map[int][]reply)
	}
	c.said[r.Process][r.Try] = append(c.said[r.Process][r.Try], r)
}

// complete says whether everybody who is expected, or was heard, has said everything at least once.
func (c *collected) complete() bool {
	for process, alive := range c.expected {
		if alive && c.said[process] == nil {
			return false
		}
	}
	for process := range c.said {
		if c.whole(process) == nil {
			return false
		}
	}
	return true
}

// whole answers the first complete answer of a process; a later one may say less, if the first changed something.
func (c *collected) whole(process string) []reply {
	tries := c.said[process]
	for _, try := range slices.Sorted(maps.Keys(tries)) {
		parts := tries[try]
		if i := slices.IndexFunc(parts, func(r reply) bool { return r.Last }); i >= 0 && parts[i].Part == len(parts)-1 {
			return parts
		}
	}
	return nil
}

func (c *collected) items() (all []json.RawMessage) {
	for process := range c.said {
		for _, part := range c.whole(process) {
			all = append(all, part.Items...)
		}
	}
	return all
}
