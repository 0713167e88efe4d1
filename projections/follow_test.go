package projections_test

import (
	"slices"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestFollows reads who follows whom, before and after a follower was forgotten.
func TestFollows(t *testing.T) {
	t.Parallel()
	w, ctx := projtest.New(t), t.Context()
	w.Project()
	ann, bob, cat := w.Register("ann"), w.Register("bob"), w.Register("cat")
	live := ann.GoLive("x")
	bob.Send(domain.FollowUser{Streamer: ann.ID})
	cat.Send(domain.FollowUser{Streamer: ann.ID})
	cat.Send(domain.FollowUser{Streamer: bob.ID})
	cat.Send(domain.UnfollowUser{Streamer: bob.ID})
	w.CatchUp()
	names := func(all []projections.Followed) (names []string) {
		for _, f := range all {
			if f.Since.IsZero() || f.Position == 0 {
				t.Errorf("got %+v", f)
			}
			names = append(names, f.Name())
		}
		return names
	}
	expect := func(followers []string, count int64) {
		t.Helper()
		if got := names(must[[]projections.Followed](t)(w.Queries.Followers(ctx, ann.ID, projections.Window{}))); !slices.Equal(got, followers) {
			t.Errorf("the followers are %q, want %q", got, followers)
		}
		if got := must[projections.FollowCount](t)(w.Queries.FollowCount(ctx, ann.ID, bob.ID)); got.Followers != count || got.Since == 0 {
			t.Errorf("got %+v, want %d followers", got, count)
		}
	}
	expect([]string{"cat", "bob"}, 2)
	if got := names(must[[]projections.Followed](t)(w.Queries.Following(ctx, cat.ID, projections.Window{OldestFirst: true, Limit: 1}))); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("cat follows %q", got)
	}
	if got := must[[]domain.UserID](t)(w.Queries.FollowersAmong(ctx, ann.ID, []domain.UserID{ann.ID, cat.ID})); !slices.Equal(got, []domain.UserID{cat.ID}) {
		t.Errorf("got %v", got)
	}
	if got := must[[]projections.Live](t)(w.Queries.LivesFollowed(ctx, bob.ID, 10)); len(got) != 1 || got[0].ID != live {
		t.Errorf("got %+v", got)
	}
	w.Do(domain.ForgetUser{User: cat.ID})
	ann.Send(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
	w.CatchUp()
	expect([]string{"bob"}, 1)
	if got := must[[]projections.Live](t)(w.Queries.LivesFollowed(ctx, bob.ID, 10)); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	w.Verify()
}
