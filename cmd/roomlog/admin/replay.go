package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/lxzan/gws"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/projections"
)

type replayCommand struct {
	Live   int64         `min:"1" arg:"" help:"Live, see roomlog live list --all."`
	Speed  float64       `default:"1" min:"0.1" max:"100000" help:"How many times faster than it happened, 0.1 to 100000."`
	Skip   time.Duration `placeholder:"DURATION" min:"0s" max:"87600h" help:"Begin this long after the first event of the live, at most 87600h."`
	MaxGap time.Duration `default:"5s" min:"0s" max:"87600h" help:"Longest pause between two lines, at most 87600h; longer silences are cut."`
	JSON   bool          `name:"json" help:"Print what apps receive, as lines of JSON, for example to pipe them into a program."`
	Socket string        `placeholder:"URL" help:"Connect to this WebSocket, like ws://localhost:9000/overlay, and send it what apps receive, one text frame for each line of --json. Nothing is printed."`
}

func (replayCommand) Help() string {
	return `Prints what the viewers of a live saw: who joined and left, comments, gifts, and when the live went on air, was paused
and ended. Removed comments are left out. Names are those of today, and the texts of forgotten users read "erased". Ctrl-C ends the replay. Examples:

  roomlog replay 6 --speed 10
  roomlog replay 6 --skip 1h30m --max-gap 1s
  roomlog replay 6 --speed 100000 --json > live.ndjson
  roomlog replay 6 --speed 10 --socket ws://localhost:9000/overlay

With --socket, frames that the other side sends are ignored. The replay ends with an error if the other side closes the connection.
The events of a live cannot be sent to /ws of a server: that would be new comments and gifts.`
}

// AfterApply refuses --socket together with --json, and a URL that is not that of a WebSocket.
func (c *replayCommand) AfterApply() error {
	u, err := url.Parse(c.Socket)
	switch {
	case c.Socket == "":
		return nil
	case err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "":
		return fmt.Errorf("--socket must be a URL like ws://localhost:9000/overlay (got %q)", c.Socket)
	case c.JSON:
		return errors.New("--socket and --json exclude each other: the socket receives the lines of --json")
	}
	return nil
}

const replayPage = 500 // maximum number of events in memory

func (c *replayCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		live, err := existingLive(ctx, b, c.Live)
		if err != nil {
			return err
		}
		aside, err := b.store.SetAside(ctx)
		if err != nil {
			return err
		}
		r := &liveReplay{replayCommand: c, queries: b.queries, aside: aside, out: bufio.NewWriter(sh.Stdout)}
		if c.Socket != "" {
			if r.socket, err = dialSocket(c.Socket); err != nil {
				return err
			}
			defer r.socket.end()
		}
		if !c.JSON && c.Socket == "" {
			fmt.Fprintf(r.out, "%s, live %d of %s\n", printable(live.Title), live.ID, printable(live.Owner.Name()))
		}
		err = r.run(ctx, b.store)
		if ctx.Err() != nil {
			err = nil // the reader has seen enough
		}
		return errors.Join(err, r.out.Flush())
	})
}

// liveReplay is one run of the command.
type liveReplay struct {
	*replayCommand
	queries *projections.Queries
	aside   map[int64]domain.Stream
	out     *bufio.Writer
	socket  *replaySocket // receives the frames; nil: they are printed to out

	first time.Time // time of the first event of the live
	last  time.Time // time of the newest printed event
}

func (r *liveReplay) run(ctx context.Context, store *eventstore.Store) error {
	q := eventstore.Query{Live: domain.LiveID(r.Live), Limit: replayPage, History: store.History().Number}
	var err error
	if q.UpTo, err = r.queries.Checkpoint(ctx); err != nil { // the tables know which comments were removed
		return err
	}
	for q.After < q.UpTo {
		page, err := store.Read(ctx, q)
		if err != nil {
			return err
		}
		deltas, err := r.deltas(ctx, page.Events)
		if err != nil {
			return err
		}
		for _, d := range deltas {
			if err := r.print(ctx, d); err != nil {
				return err
			}
		}
		q.After = page.Next
	}
	return nil
}

// deltas returns the deltas that the viewers received for some events, with profiles.
func (r *liveReplay) deltas(ctx context.Context, events []eventstore.Record) (deltas []projections.Delta, err error) {
	var users []domain.UserID
	for _, e := range events {
		if _, ignored := r.aside[e.Position]; ignored || e.Fault != nil {
			continue
		}
		if r.first.IsZero() {
			r.first = e.RecordedAt
		}
		if e.RecordedAt.Sub(r.first) < r.Skip {
			continue
		}
		for _, d := range projections.DeltasOf(e) {
			if d.Public() {
				deltas, users = append(deltas, d), append(users, d.User)
			}
		}
	}
	if err := r.queries.MarkRemoved(ctx, deltas); err != nil {
		return nil, err
	}
	deltas = slices.DeleteFunc(deltas, func(d projections.Delta) bool { return d.Removed })
	profiles, err := r.queries.Profiles(ctx, users)
	for i, d := range deltas {
		deltas[i].Profile = profiles[d.User]
	}
	return deltas, err
}

// print waits as long as the viewers waited for a delta, divided by the speed, and prints it.
func (r *liveReplay) print(ctx context.Context, d projections.Delta) error {
	if pause := r.pause(d.RecordedAt); pause > 0 {
		if err := r.out.Flush(); err != nil {
			return err
		}
		if !wait.Sleep(ctx, pause) {
			return ctx.Err()
		}
	}
	r.last = d.RecordedAt
	if r.socket != nil {
		return r.socket.send(replayedDelta{d.Kind, d.Live, d.Position, d.RecordedAt, d.Payload()})
	}
	if r.JSON {
		encoder := json.NewEncoder(r.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(replayedDelta{d.Kind, d.Live, d.Position, d.RecordedAt, d.Payload()})
	}
	_, err := fmt.Fprintf(r.out, "%s  %s\n", elapsed(d.RecordedAt.Sub(r.first)), lineFor(d))
	return err
}

// pause returns the time to wait before the event that was recorded at a time is printed.
func (r *liveReplay) pause(at time.Time) time.Duration {
	if r.last.IsZero() {
		return 0
	}
	return min(time.Duration(float64(at.Sub(r.last))/r.Speed), r.MaxGap)
}

// replayedDelta is one line with --json. Type and data are those of the push in docs/REALTIME.md.
type replayedDelta struct {
	Type       string        `json:"type"`
	Live       domain.LiveID `json:"live"`
	Position   int64         `json:"pos"`
	RecordedAt time.Time     `json:"recorded_at"`
	Data       any           `json:"data"`
}

// lineFor describes a delta for people.
func lineFor(d projections.Delta) string {
	name := printable(d.Profile.Name())
	switch e := d.Event.(type) {
	case domain.CommentPosted:
		return name + ": " + printable(e.Text)
	case domain.GiftSent:
		return fmt.Sprintf("%s sent %d × %s (%d coins)", name, e.Num, printable(e.Name), e.Coins)
	case domain.GiftRefunded:
		return fmt.Sprintf("%d coins of a gift from %s are refunded", e.Coins, name)
	case domain.ViewerJoined:
		return name + " joined"
	case domain.ViewerLeft:
		return name + " left"
	case domain.LiveStatusChanged:
		return "the live is " + statusText(e.To)
	case domain.CommentRemoved:
		return "a comment of " + name + " was removed"
	case domain.CommentsCleared:
		return "the comments of " + name + " were removed"
	case domain.ViewerMuted:
		return name + " was muted"
	case domain.ViewerUnmuted:
		return name + " was unmuted"
	case domain.CommentHeld:
		return fmt.Sprintf("%d comments wait for a review", e.Waiting)
	case domain.CommentReleased:
		return fmt.Sprintf("%d comments wait for a review", e.Waiting)
	case domain.CommentDropped:
		return fmt.Sprintf("%d comments wait for a review", e.Waiting)
	case domain.LiveModeSet:
		return fmt.Sprintf("the mode %s is %d", e.Mode, e.Value)
	case domain.ModeratorAppointed:
		return name + " became a moderator"
	case domain.ModeratorRemoved:
		return name + " is no longer a moderator"
	case domain.BroadcastStarted:
		return "the video begins"
	case domain.BroadcastStopped:
		return "the video ends"
	}
	return d.Kind
}

// elapsed formats the time since the beginning of a live as hours, minutes and seconds.
func elapsed(t time.Duration) string {
	s := int64(t / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// sendTimeout is the maximum time for sending one frame to a socket.
const sendTimeout = 10 * time.Second

// replaySocket is the WebSocket that receives a replay.
type replaySocket struct {
	gws.BuiltinEventHandler
	conn  *gws.Conn
	ended chan struct{} // closed when nothing more is read
}

// dialSocket connects to a WebSocket.
func dialSocket(address string) (*replaySocket, error) {
	s := &replaySocket{ended: make(chan struct{})}
	conn, response, err := gws.NewClient(s, &gws.ClientOption{Addr: address, HandshakeTimeout: sendTimeout, ReadMaxPayloadSize: 64 << 10})
	if err != nil {
		return nil, fmt.Errorf("connect to --socket: %w", err)
	}
	_ = response.Body.Close() // the connection replaces the body
	s.conn = conn
	go func() {
		defer close(s.ended)
		conn.ReadLoop()
	}()
	return s, nil
}

// OnPing replies with a pong.
func (s *replaySocket) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnMessage ignores a frame.
func (s *replaySocket) OnMessage(_ *gws.Conn, message *gws.Message) { _ = message.Close() }

// send sends a line as a text frame.
func (s *replaySocket) send(line replayedDelta) error {
	var frame bytes.Buffer
	encoder := json.NewEncoder(&frame)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return err
	}
	err := s.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	if err == nil {
		err = s.conn.WriteMessage(gws.OpcodeText, bytes.TrimSuffix(frame.Bytes(), []byte("\n")))
	}
	if err != nil {
		return fmt.Errorf("the socket has closed the connection at position %d: %w", line.Position, err)
	}
	return nil
}

// end closes the connection, and blocks until the reader has ended.
func (s *replaySocket) end() {
	_ = s.conn.WriteClose(1000, nil) // fails if the other side has closed the connection
	_ = s.conn.SetReadDeadline(time.Now().Add(sendTimeout))
	<-s.ended
}
