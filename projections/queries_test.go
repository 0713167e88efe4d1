package projections_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// projectedStory executes the story and waits until the tables have caught up.
func projectedStory(t *testing.T) *projtest.Story {
	t.Helper()
	s := projtest.Tell(t)
	s.Project()
	s.CatchUp()
	return s
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestUsersAndSessions(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	ann, bob := projections.Profile{ID: 1, Username: "ann", Nickname: "Ann the cook", Avatar: "https://example.com/ann.png"}, projections.Profile{ID: 2, Username: "bob"}
	erased := projections.Profile{ID: 3, Username: "erased", Nickname: "erased", Avatar: "erased"}
	if ann.Name() != "Ann the cook" || bob.Name() != "bob" {
		t.Error(ann.Name(), bob.Name())
	}
	timeless := func(p projections.Profile) projections.Profile {
		if p.CreatedAt.IsZero() {
			t.Errorf("%s has no age", p.Username)
		}
		p.CreatedAt = time.Time{}
		return p
	}
	if got := must[projections.Profile](t)(s.Queries.Profile(ctx, 1)); timeless(got) != ann {
		t.Errorf("got %+v", got)
	}
	if got := must[map[domain.UserID]projections.Profile](t)(s.Queries.Profiles(ctx, []domain.UserID{2, 3, 77, 2})); len(got) != 2 ||
		timeless(got[2]) != bob || timeless(got[3]) != erased {
		t.Errorf("got %+v", got)
	}
	account := must[projections.Account](t)(s.Queries.Account(ctx, s.Store.NameKey("BOB")))
	if account.Profile != bob || account.Disabled || account.Credential == uuid.Nil {
		t.Errorf("got %+v", account)
	}
	for _, name := range []string{"ann", "cat"} { // ann is disabled, cat is forgotten
		if got := must[projections.Account](t)(s.Queries.Account(ctx, s.Store.NameKey(name))); !got.Disabled {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	user := must[projections.User](t)(s.Queries.User(ctx, 2))
	if user.Profile != bob || fmt.Sprint(user.Roles) != "[analyst]" || user.Balance != 950 || user.Disabled || user.Forgotten || user.CreatedAt.IsZero() {
		t.Errorf("got %+v", user)
	}
	if got := must[projections.User](t)(s.Queries.User(ctx, 3)); !got.Forgotten || got.Profile != erased || len(got.Roles) != 0 || got.Balance != 40 {
		t.Errorf("got %+v", got)
	}
	if got := must[[]projections.User](t)(s.Queries.Users(ctx, 1, 1)); len(got) != 1 || got[0].ID != 2 {
		t.Errorf("got %+v, want 1 element, got[0].ID 2", got)
	}
	if got := must[domain.Coins](t)(s.Queries.Balance(ctx, 1)); got != 0 {
		t.Error(got)
	}
	if got := must[domain.Coins](t)(s.Queries.AccountBalance(ctx, domain.OperatorAccount)); got != -1050 {
		t.Error(got)
	}
	for id, want := range []string{"", "session of ann", "", "session of cat"} { // bob has signed out
		if got := must[string](t)(s.Queries.Session(ctx, domain.UserID(id))); got != want {
			t.Errorf("session of %d: %q, want %v", id, got, want)
		}
	}
	for name, err := range map[string]error{
		"profile": second(s.Queries.Profile(ctx, 77)), "user": second(s.Queries.User(ctx, 77)), "account": second(s.Queries.Account(ctx, "nobody")),
		"live": second(s.Queries.Live(ctx, 77)), "key": second(s.Queries.LiveByStreamKey(ctx, "none")), "room": second(s.Queries.LiveSnapshot(ctx, 77)),
	} {
		if !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("an unknown %s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestLivesAndSnapshots(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	live := must[projections.Live](t)(s.Queries.Live(ctx, s.Cooking))
	if live.Title != "cooking" || live.Owner.Name() != "Ann the cook" || live.UserID != 1 || live.Status != domain.StatusPaused ||
		live.Online != 1 || live.LookCount != 2 || live.Coin != 60 || !live.OwnerStatus.Disabled || !live.UpdatedAt.After(live.CreatedAt) {
		t.Errorf("got %+v", live)
	}
	current := projections.Broadcast{ID: "third", Live: s.Cooking, StreamKey: live.StreamKey, Node: "p2", Media: domain.MediaInfo{Audio: "mp3"}, StartedAt: live.Broadcast.StartedAt}
	if live.Broadcast != current || !current.StartedAt.After(live.CreatedAt) {
		t.Errorf("got %+v", live.Broadcast)
	}
	if got := must[[]projections.Broadcast](t)(s.Queries.Broadcasts(ctx, 0, 10)); len(got) != 1 || got[0] != current {
		t.Errorf("got %+v, want 1 element, got[0] %v", got, current)
	}
	if got := must[[]projections.Broadcast](t)(s.Queries.Broadcasts(ctx, s.Cooking, 10)); len(got) != 0 {
		t.Errorf("got %+v, want 0 elements", got)
	}
	if got := must[projections.Live](t)(s.Queries.LiveByStreamKey(ctx, live.StreamKey)); got != live {
		t.Errorf("got %+v, want %v", got, live)
	}
	if got := must[[]projections.Live](t)(s.Queries.LivesByStreamKeys(ctx, []string{"none", live.StreamKey})); len(got) != 1 || got[0] != live {
		t.Errorf("got %+v, want 1 element, got[0] %v", got, live)
	}
	room := must[projections.LiveSnapshot](t)(s.Queries.LiveSnapshot(ctx, s.Cooking))
	if room.Position != s.Head() || room.Live != live || room.Online != 1 || len(room.Viewers) != 1 || room.Viewers[0].Username != "bob" {
		t.Errorf("got %+v", room)
	}
	if got := texts(room.Comments); got != "erased by erased, hello by bob" {
		t.Error(got)
	}
	if len(room.Gifts) != 3 || room.Gifts[0].Price != 20 || room.Gifts[2].Num != 3 || room.Gifts[2].Coins != 30 || room.Gifts[2].Sender.Username != "bob" {
		t.Errorf("got %+v", room.Gifts)
	}
	if got := must[[]projections.Gauges](t)(s.Queries.Gauges(ctx, []domain.LiveID{s.Cooking, 77})); len(got) != 2 ||
		got[0] != (projections.Gauges{Live: s.Cooking, Position: s.Head(), Online: 1, LookCount: 2, Coins: 60}) || got[1] != (projections.Gauges{Live: 77, Position: s.Head()}) {
		t.Errorf("got %+v", got)
	}
	if got := must[[]string](t)(s.Queries.Nodes(ctx)); fmt.Sprint(got) != "[p1 p3]" {
		t.Error(got)
	}
	held := must[[]projections.ViewerKey](t)(s.Queries.NodeViewers(ctx, "p3", projections.ViewerKey{}, 10))
	if fmt.Sprint(held) != "[{1 2} {2 2}]" {
		t.Error(held)
	}
	if rest := must[[]projections.ViewerKey](t)(s.Queries.NodeViewers(ctx, "p3", held[0], 10)); len(rest) != 1 || rest[0] != held[1] {
		t.Error(rest)
	}
	if got := must[[]projections.Gift](t)(s.Queries.Gifts(ctx)); len(got) != 1 || got[0] != (projections.Gift{ID: 1, Name: "rose", Price: 20, Available: true}) {
		t.Errorf("got %+v", got)
	}
	if got := must[[]projections.Gift](t)(s.Queries.AllGifts(ctx)); len(got) != 2 || got[1].Available {
		t.Errorf("got %+v", got)
	}
}

func TestLivesInPages(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	p := w.Register("streamer")
	for i := range 25 {
		p.CreateLive(fmt.Sprintf("live %d", i+1))
	}
	w.CatchUp()
	for page, want := range map[int]string{
		1: "25 24 23 22 21 20 19 18 17 16", 2: "15 14 13 12 11 10 9 8 7 6", 3: "5 4 3 2 1", 4: "",
		0: "", -1: "", 1_000_000_000_000: "", 1 << 62: "",
	} {
		lives, err := w.Queries.Lives(t.Context(), page, 10)
		if err != nil {
			t.Errorf("page %d: %v", page, err)
		}
		var got []string
		for _, l := range lives {
			got = append(got, fmt.Sprint(l.ID))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("page %d: %v", page, got)
		}
	}
}

func texts(comments []projections.Comment) string {
	var all []string
	for _, c := range comments {
		all = append(all, c.Text+" by "+c.User.Username)
	}
	return strings.Join(all, ", ")
}

func TestHistoriesWithFiltersAndWindows(t *testing.T) {
	t.Parallel()
	s, ctx := projectedStory(t), t.Context()
	comments := func(f projections.CommentFilter) string {
		return texts(must[[]projections.Comment](t)(s.Queries.Comments(ctx, f)))
	}
	all := must[[]projections.Comment](t)(s.Queries.Comments(ctx, projections.CommentFilter{}))
	for _, c := range []struct {
		filter projections.CommentFilter
		want   string
	}{
		{projections.CommentFilter{}, "erased by erased, hello by bob"},
		{projections.CommentFilter{Live: s.Cooking, Window: projections.Window{OldestFirst: true}}, "hello by bob, erased by erased"},
		{projections.CommentFilter{Live: s.Chatting}, ""},
		{projections.CommentFilter{User: 2}, "hello by bob"},
		{projections.CommentFilter{Window: projections.Window{Limit: 1}}, "erased by erased"},
		{projections.CommentFilter{Window: projections.Window{Before: all[0].Position}}, "hello by bob"},
		{projections.CommentFilter{Window: projections.Window{After: all[1].Position}}, "erased by erased"},
	} {
		if got := comments(c.filter); got != c.want {
			t.Errorf("%+v: got %s, want %v", c.filter, got, c.want)
		}
	}

	gifts := func(f projections.GiftFilter) (positions []int64) {
		for _, g := range must[[]projections.GiftRecord](t)(s.Queries.GiftHistory(ctx, f)) {
			positions = append(positions, g.Position)
		}
		return positions
	}
	given := gifts(projections.GiftFilter{Window: projections.Window{OldestFirst: true}})
	for _, c := range []struct {
		filter projections.GiftFilter
		want   []int64
	}{
		{projections.GiftFilter{}, []int64{given[2], given[1], given[0]}},
		{projections.GiftFilter{Sender: 2}, []int64{given[2], given[0]}},
		{projections.GiftFilter{Live: s.Chatting}, nil},
		{projections.GiftFilter{Streamer: 1, Gift: s.Rose, Window: projections.Window{Limit: 1}}, []int64{given[2]}},
		{projections.GiftFilter{Gift: s.Ring}, nil},
		{projections.GiftFilter{Window: projections.Window{After: given[0], Before: given[2]}}, []int64{given[1]}},
	} {
		if diff := cmp.Diff(c.want, gifts(c.filter)); diff != "" {
			t.Errorf(`%+v: got %s, want ""`, c.filter, diff)
		}
	}

	movements := must[[]projections.CoinMovement](t)(s.Queries.CoinHistory(ctx, projections.CoinFilter{Account: domain.WalletAccount(2)}))
	var got []string
	for _, m := range movements {
		got = append(got, fmt.Sprintf("%d→%d order %q live %d gift %d", m.Amount, m.BalanceAfter, m.Order, m.Live, m.Gift))
	}
	if diff := cmp.Diff([]string{`-20→950 order "" live 1 gift 1`, `-30→970 order "" live 1 gift 1`, `1000→1000 order "order-1" live 0 gift 0`}, got); diff != "" {
		t.Error(diff)
	}

	viewers := must[[]projections.Viewer](t)(s.Queries.Viewers(ctx, projections.ViewerFilter{Live: s.Cooking, Window: projections.Window{OldestFirst: true}}))
	if len(viewers) != 2 || viewers[0].Username != "bob" || !viewers[0].Present || viewers[0].Node != "p3" || !viewers[0].LeftAt.IsZero() ||
		viewers[1].Present || viewers[1].Cause != domain.LeaveConnectionLost || !viewers[1].LeftAt.After(viewers[1].JoinedAt) {
		t.Errorf("got %+v", viewers)
	}
	if got := must[[]projections.Viewer](t)(s.Queries.Viewers(ctx, projections.ViewerFilter{User: 2, Present: true})); len(got) != 2 || got[0].Live != s.Chatting {
		t.Errorf("got %+v, want 2 elements, got[0].Live %v", got, s.Chatting)
	}
	if got := must[[]projections.Viewer](t)(s.Queries.Viewers(ctx, projections.ViewerFilter{Live: s.Cooking, Window: projections.Window{After: viewers[0].FirstPosition}})); len(got) != 1 || got[0].ID != 3 {
		t.Errorf("got %+v, want 1 element, got[0].ID 3", got)
	}
}

func TestPagesHaveAMaximumSize(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	w.Project()
	for range 60 {
		c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "again"})
	}
	w.CatchUp()
	w.Exec(`INSERT INTO read.comment SELECT 1000000 + n, 'x', 1, 1, 'many', now() FROM generate_series(1, 1000) AS n`)
	for limit, want := range map[int]int{0: 50, 7: 7, 100_000: 500, -1: 50} {
		got, err := w.Queries.Comments(t.Context(), projections.CommentFilter{Window: projections.Window{Limit: limit}})
		if err != nil || len(got) != want {
			t.Errorf("limit %d: %d comments, %v, want %v", limit, len(got), err, want)
		}
	}
	room, err := w.Queries.LiveSnapshot(t.Context(), c.Lives[0])
	if err != nil || len(room.Comments) != 50 {
		t.Errorf("%d comments, %v, want 50", len(room.Comments), err)
	}
	if _, err := w.Queries.Gauges(t.Context(), make([]domain.LiveID, 1001)); err == nil {
		t.Error("more gauges than MaxGauges")
	}
}

func TestLiveSnapshotListsTheNewestViewersFirst(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 4, 1)
	w.Project()
	for _, i := range []int{2, 0, 3} {
		c.Users[i].Send(domain.JoinLive{Live: c.Lives[0], Node: "p"})
	}
	w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{Live: c.Lives[0], User: c.Users[2].ID, Node: "p", Cause: domain.LeaveRequested}})
	c.Users[2].Send(domain.JoinLive{Live: c.Lives[0], Node: "p"})
	w.CatchUp()
	room, err := w.Queries.LiveSnapshot(t.Context(), c.Lives[0])
	if err != nil {
		t.Fatal(err)
	}
	var order []domain.UserID
	for _, v := range room.Viewers {
		order = append(order, v.ID)
	}
	if want := []domain.UserID{c.Users[2].ID, c.Users[3].ID, c.Users[0].ID}; !cmp.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if room.Live.LookCount != 3 {
		t.Errorf("%d looks, want 3", room.Live.LookCount)
	}
}
