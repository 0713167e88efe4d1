package feed_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// TestChangedProfilesReachEachLiveOfTheUserOnce checks that changes that are released together reach every live that the
// user is in once, with the newest profile, and no other live.
func TestChangedProfilesReachEachLiveOfTheUserOnce(t *testing.T) {
	t.Parallel()
	const lives, changes = 100, 5
	w := projtest.New(t)
	stop := w.Project()
	f, _ := startFeed(w, feed.Config{})
	streamer, ann := w.Register("streamer"), w.Register("ann")
	var in []domain.LiveID
	for i := range lives + 2 {
		live := streamer.GoLive(fmt.Sprint(i))
		if i < lives+1 {
			ann.Send(domain.JoinLive{Live: live, Node: "n"})
			in = append(in, live)
		}
	}
	w.DoAsSystem(domain.LeaveLive{Live: in[lives], User: ann.ID, Cause: domain.LeaveRequested, Node: "n"})
	in = in[:lives]
	w.CatchUp()
	begun(w, f)
	s := subscribe(w, f)
	stop()
	var newest int64
	for i := range changes {
		newest = ann.Send(domain.ChangeProfile{Nickname: new(fmt.Sprint("ann ", i))}).Position
	}
	w.Eventually(func() error {
		if n := feed.Pending(f); n < changes {
			return fmt.Errorf("%d events are pending, want %d", n, changes)
		}
		return nil
	})
	w.Project()
	s.until(newest)
	var reached []domain.LiveID
	own := 0
	for _, d := range s.deltas {
		switch {
		case d.Recipient == ann.ID:
			own++
		case d.Public():
			reached = append(reached, d.Live)
			if d.Position != newest || d.Profile.Name() != "ann 4" || d.Kind != projections.KindViewerProfile {
				t.Errorf("got %+v, want the newest change", d)
			}
		}
	}
	if diff := cmp.Diff(in, reached); diff != "" {
		t.Errorf("the lives of the user (-) and the lives that were reached (+) differ:\n%s", diff)
	}
	if own != changes {
		t.Errorf("%d deltas to the user, want %d", own, changes)
	}
}

// TestChangedProfilesAreReadFromTheLog checks that LiveDeltas returns the changed profiles of viewers as they were
// released. It must leave out viewers who have left since, and texts of forgotten users.
func TestChangedProfilesAreReadFromTheLog(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	f, _ := startFeed(w, feed.Config{})
	streamer, stays, leaves, returns := w.Register("streamer"), w.Register("stays"), w.Register("leaves"), w.Register("returns")
	live, other := streamer.GoLive("live"), streamer.GoLive("other")
	everybody := []projtest.User{stays, leaves, returns}
	for _, u := range everybody {
		u.Send(domain.JoinLive{Live: live, Node: "n"})
	}
	stays.Send(domain.JoinLive{Live: other, Node: "n"})
	w.CatchUp()
	begun(w, f)
	begin := w.Head()
	s := subscribe(w, f)
	for _, u := range everybody {
		s.until(u.Send(domain.ChangeProfile{Nickname: new("private name")}).Position)
	}
	s.until(streamer.Send(domain.ChangeProfile{Nickname: new("elsewhere")}).Position)
	var pushed []projections.Delta
	for _, d := range s.deltas {
		if d.Public() && d.Live == live {
			pushed = append(pushed, d)
		}
	}
	if len(pushed) != 3 {
		t.Fatalf("pushed %+v, want 3 changed profiles", pushed)
	}
	read := func(live domain.LiveID, want ...projections.Delta) {
		t.Helper()
		found, err := f.LiveDeltas(t.Context(), live, begin, w.Head(), 100)
		var profiles []projections.Delta
		for _, d := range found {
			if d.Kind == projections.KindViewerProfile {
				profiles = append(profiles, d)
			}
		}
		if diff := cmp.Diff(want, profiles); err != nil || diff != "" {
			t.Errorf("%v; the wanted deltas of live %d (-) and those of the log (+) differ:\n%s", err, live, diff)
		}
	}
	read(live, pushed...)
	if first, err := f.LiveDeltas(t.Context(), live, begin, w.Head(), 1); err != nil || len(first) != 1 || first[0].Position != pushed[0].Position {
		t.Errorf("got %+v, %v, want the first change", first, err)
	}
	inOther := pushed[0]
	inOther.Live = other
	read(other, inOther)

	for _, u := range []projtest.User{leaves, returns} {
		w.DoAsSystem(domain.LeaveLive{Live: live, User: u.ID, Cause: domain.LeaveRequested, Node: "n"})
	}
	returns.Send(domain.JoinLive{Live: live, Node: "n"}) // the join has the new profile
	w.CatchUp()
	read(live, pushed[0])
	w.Do(domain.ForgetUser{User: stays.ID})
	w.CatchUp()
	s.until(w.Head())
	found, err := f.LiveDeltas(t.Context(), live, begin, w.Head(), 100)
	if err != nil || len(found) == 0 {
		t.Fatalf("got %+v, %v", found, err)
	}
	for _, d := range found {
		if e, ok := d.Event.(domain.UserProfileChanged); d.User == stays.ID && (d.Profile.Name() != "erased" || ok && e.Nickname != "erased") {
			t.Errorf("got %+v of a forgotten user", d)
		}
	}
}

// TestManyChangesOfOneProfile checks that LiveDeltas returns the change of a viewer that follows more changes of another
// viewer than it returns deltas.
func TestManyChangesOfOneProfile(t *testing.T) {
	t.Parallel()
	w, c, f := startWithTraffic(t, 3, 1, feed.Config{})
	live := c.Lives[0]
	for _, u := range c.Users[1:] {
		u.Send(domain.JoinLive{Live: live, Node: "n"})
	}
	begin := w.Head()
	const limit = 5
	var last int64
	for i := range limit + 2 {
		last = c.Users[1].Send(domain.ChangeProfile{Nickname: new(fmt.Sprint("ann ", i))}).Position
	}
	other := c.Users[2].Send(domain.ChangeProfile{Nickname: new("bob")}).Position
	w.CatchUp()
	found, err := f.LiveDeltas(t.Context(), live, begin, w.Head(), limit)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, d := range found {
		got = append(got, d.Position)
	}
	if want := []int64{last, other}; !slices.Equal(got, want) {
		t.Errorf("got deltas at %d, want %d", got, want)
	}
}

// TestTooManyChangedProfiles checks that LiveDeltas does not search the changes of all users without a bound.
func TestTooManyChangedProfiles(t *testing.T) {
	t.Parallel()
	w, c, f := startWithTraffic(t, 2, 1, feed.Config{MaxViewerEvents: 3})
	live, begin := c.Lives[0], w.Head()
	for changes := 1; changes <= 4; changes++ {
		c.Users[1].Send(domain.ChangeProfile{Nickname: new("ann")})
		w.CatchUp()
		if _, err := f.LiveDeltas(t.Context(), live, begin, w.Head(), 10); errors.Is(err, feed.ErrTooMany) != (changes > 3) {
			t.Errorf("%d changes: got %v", changes, err)
		}
	}
	if _, err := f.LiveDeltas(t.Context(), live, begin+1, w.Head(), 10); err != nil {
		t.Errorf("the newest 3 changes: got %v", err)
	}
}
