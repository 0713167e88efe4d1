package past_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/past"
	"roomlog/projections/projtest"
)

// summary contains the data of a live that both the tables and the log have.
type summary struct {
	Status           domain.Status
	Title            string
	LookCount, Coins int64
	Updated          time.Time
	Broadcast        domain.BroadcastID
	Viewers          []domain.UserID
	Comments         []string
}

// TestLiveAtIsWhatTheTablesContained lets users act at random. Now and then it notes what the tables contain of each live. In
// the end, the log must contain the same at the noted positions.
func TestLiveAtIsWhatTheTablesContained(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := projtest.New(t)
	defer w.Project()()
	traffic := projtest.NewTraffic(w, 12, 3)
	type note struct {
		live     domain.LiveID
		position int64
		tables   summary
	}
	var notes []note
	for range 12 {
		traffic.Act(4, 60)
		w.CatchUp()
		for _, id := range traffic.Lives {
			notes = append(notes, note{id, w.Head(), tablesContain(t, w, id)})
		}
	}
	viewers := 0
	for _, n := range notes {
		live, err := past.LiveAt(ctx, w.Store, w.Store, n.live, n.position)
		if err != nil {
			t.Fatal(err)
		}
		got := summary{live.Status, live.Title, live.LookCount, int64(live.Coins), live.UpdatedAt.UTC(), live.Broadcast.ID, nil, nil}
		for _, v := range live.Viewers {
			got.Viewers = append(got.Viewers, v.User)
		}
		for _, c := range live.Comments {
			got.Comments = append(got.Comments, fmt.Sprint(c.Position, c.User, c.Text, c.At.UTC()))
		}
		if fmt.Sprint(got) != fmt.Sprint(n.tables) {
			t.Errorf("live %d at %d: the log contains %+v, the tables contained %+v", n.live, n.position, got, n.tables)
		}
		viewers += len(got.Viewers)
	}
	if viewers == 0 || notes[len(notes)-1].tables.Coins == 0 {
		t.Error("nobody has entered the lives or sent a gift")
	}
}

func tablesContain(t *testing.T, w *projtest.World, id domain.LiveID) summary {
	t.Helper()
	live, err := w.Queries.Live(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s := summary{live.Status, live.Title, live.LookCount, live.Coin, live.UpdatedAt, live.Broadcast.ID, nil, nil}
	present, err := w.Queries.PresentViewers(t.Context(), id, 1<<40, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range present {
		s.Viewers = append(s.Viewers, p.ID)
	}
	comments, err := w.Queries.Comments(t.Context(), projections.CommentFilter{Live: id, Window: projections.Window{Limit: past.MaxComments}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range comments {
		s.Comments = append(s.Comments, fmt.Sprint(c.Position, c.User.ID, c.Text, c.At.UTC()))
	}
	return s
}

// TestLiveBeforeItsCreation checks that a live is not found before the event that created it, and is complete right
// after it.
func TestLiveBeforeItsCreation(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann := w.Register("ann")
	receipt := ann.Send(domain.CreateLive{Title: "show", StreamKey: "0123456789abcdefghij"})
	created := receipt.Events[0]
	ann.Send(domain.ChangeLiveStatus{Live: 1, To: domain.LivePlay})
	for _, position := range []int64{-1, 0, 1, created.Position - 1} {
		if _, err := past.LiveAt(t.Context(), w.Store, w.Store, 1, position); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("position %d: got %v, want ErrNotFound", position, err)
		}
	}
	live, err := past.LiveAt(t.Context(), w.Store, w.Store, 1, created.Position)
	if err != nil || live.Title != "show" || live.Status != domain.StatusNotStarted || live.Position != created.Position || !live.At.Equal(created.RecordedAt) {
		t.Errorf("got %+v, %v", live, err)
	}
}

// TestForgottenTextsStayErased checks that a look into the past does not reveal what a user has had erased.
func TestForgottenTextsStayErased(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	defer w.Project()()
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("show")
	bob.Send(domain.JoinLive{Live: live, Node: "n"})
	bob.Send(domain.PostComment{Live: live, Text: "a secret"})
	position := w.Head()
	w.Do(domain.ForgetUser{User: bob.ID})
	at, err := past.LiveAt(context.Background(), w.Store, w.Store, live, position)
	if err != nil {
		t.Fatal(err)
	}
	if len(at.Comments) != 1 || at.Comments[0].Text != eventstore.ErasedText {
		t.Errorf("got the comments %+v, want one erased text", at.Comments)
	}
	if !slices.ContainsFunc(at.Viewers, func(v past.Viewer) bool { return v.User == bob.ID }) {
		t.Errorf("got the viewers %+v, want bob among them", at.Viewers)
	}
}

// TestNewestCommentsOfALive checks that a live contains the newest comments only, but counts all of them.
func TestNewestCommentsOfALive(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("show")
	bob.Send(domain.JoinLive{Live: live, Node: "n"})
	for i := range past.MaxComments + 3 {
		bob.Send(domain.PostComment{Live: live, Text: fmt.Sprint(i)})
	}
	at, err := past.LiveAt(t.Context(), w.Store, w.Store, live, w.Head())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(at.Comments); n != past.MaxComments || at.Comments[0].Text != fmt.Sprint(past.MaxComments+2) || at.Comments[n-1].Text != "3" || at.CommentCount != past.MaxComments+3 {
		t.Errorf("got %d of %d comments, from %q to %q", n, at.CommentCount, at.Comments[0].Text, at.Comments[n-1].Text)
	}
}

// TestUndecodableEventOfALive checks that a live with an event that the program cannot decode is an error until an operator
// has set the event aside.
func TestUndecodableEventOfALive(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann := w.Register("ann")
	live := ann.GoLive("show")
	before, position := w.Head(), w.Head()+1
	w.Forge(position, "comment-forged", 1, "comment.posted.v1", `{"live": "nonsense"}`, live)
	if _, err := past.LiveAt(t.Context(), w.Store, w.Store, live, before); err != nil {
		t.Errorf("before the event: %v", err)
	}
	if _, err := past.LiveAt(t.Context(), w.Store, w.Store, live, position); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("event %d", position)) {
		t.Errorf("got %v, want an error that names event %d", err, position)
	}
	w.Do(domain.SetEventAside{Position: position, Of: "comment-forged", EventType: "comment.posted.v1", Reason: "forged"})
	if at, err := past.LiveAt(t.Context(), w.Store, w.Store, live, w.Head()); err != nil || at.CommentCount != 0 || at.Position != before {
		t.Errorf("after the event was set aside: %+v, %v", at, err)
	}
}
