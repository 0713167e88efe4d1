package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestExecute(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	r := l.execute(domain.Request{
		Command:     domain.RegisterUser{Username: "berta", NameKey: l.store.NameKey("berta"), Credential: "c"},
		Correlation: "request 7", Causation: "a form",
	})
	if len(r.Events) != 2 || r.Position != 2 || r.Repeated {
		t.Fatalf("got %+v", r)
	}
	page, err := l.store.Read(t.Context(), readAll)
	if err != nil {
		t.Fatal(err)
	}
	results, stored := toJSON(t, r.Events), toJSON(t, page.Events)
	if results != stored {
		t.Fatalf("the receipt contains\n%s\nthe log contains\n%s", results, stored)
	}
	first := page.Events[0]
	if got := first.Event.(domain.UserRegistered).Username; got != "berta" {
		t.Errorf(`username %q, want "berta"`, got)
	}
	if want := (eventstore.Metadata{Actor: "anonymous", Correlation: "request 7", Causation: "a form"}); first.Metadata != want {
		t.Errorf("metadata %+v, want %+v", first.Metadata, want)
	}
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExecuteAppendsAllEventsOrNone(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.register("alice")
	before := l.verified()
	l.refused(domain.Request{Command: domain.RegisterUser{Username: "Alice", NameKey: l.store.NameKey("Alice")}}, domain.CodeNameTaken)
	if after := l.verified(); len(after) != len(before) {
		t.Fatalf("a refused command appended %+v", after[len(before):])
	}
	bob := l.register("bob")
	if bob.id != 2 {
		t.Errorf("bob is user %d: a refused command took an id, want 2", bob.id)
	}
	head := int64(len(l.all()))
	r := l.do(domain.CreditCoins{Order: "o2", User: bob.id, Coins: 5})
	if len(r.Events) != 3 || r.Events[2].Position != r.Position || r.Position != head+3 {
		t.Fatalf("got %+v", r)
	}
}

func TestExecuteReturnsTheHeadWithoutEvents(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	register1 := l.register("guest")
	l.do(domain.DisableUser{User: register1.id})
	head := int64(len(l.all()))
	if r := l.do(domain.DisableUser{User: register1.id}); r.Position != head || len(r.Events) != 0 {
		t.Fatalf("got %+v, the head is %d", r, head)
	}
}

func TestPositionsAndVersionsAreContiguous(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	first := openLog(t, db, eventstore.SequencerConfig{})
	logs := []*testLog{first, openLog(t, db, eventstore.SequencerConfig{BatchSize: 7}), openLog(t, db, eventstore.SequencerConfig{CacheSize: 3})}
	p := first.fixture(6, 10_000)
	const callers, each = 48, 12
	var results sync.Map // position → how often it was acknowledged
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			l, who := logs[caller%len(logs)], p.users[caller%len(p.users)]
			for n := range each {
				var command domain.Command = p.give(1)
				if n%3 == 0 {
					command = p.say(fmt.Sprintf("comment %d of %d", n, caller))
				}
				r, err := l.sequencer.Execute(context.Background(), who.request(command))
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := results.LoadOrStore(r.Position, true); twice {
					t.Errorf("position %d is in two receipts", r.Position)
				}
			}
		})
	}
	group.Wait()
	events := first.verified()
	count := 0
	for _, r := range events {
		if _, ok := results.Load(r.Position); ok {
			count++
		}
	}
	if count != callers*each {
		t.Fatalf("%d of %d acknowledged events are in the log", count, callers*each)
	}
}

func TestQueuedRequestsShareATransaction(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(4, 0)
	before := l.sequencer.Stats()
	requests := make([]domain.Request, 40)
	for i := range requests {
		requests[i] = p.users[i%4].request(p.say(fmt.Sprint("comment ", i)))
	}
	for i, a := range l.executeTogether(requests...) {
		if a.err != nil {
			t.Fatal(a.err)
		}
		if i > 0 && !a.receipt.Events[0].RecordedAt.Equal(l.all()[a.receipt.Position-2].RecordedAt) {
			t.Error("one batch has two times")
		}
	}
	after := l.sequencer.Stats()
	if batches, commands := after.Batches-before.Batches, after.Commands-before.Commands; batches != 2 || commands != 41 {
		t.Fatalf("%d commands in %d transactions, want 41 in 2", commands, batches)
	}
	if events := after.Events - before.Events; events != 41 {
		t.Errorf("counted %d events, want 41", events)
	}
}

func TestRefusalAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(3, 10) // each user has coins for one gift
	got := l.executeTogether(
		p.users[0].request(p.give(1)),
		p.users[0].request(p.give(1)), // this user has no coins left
		p.users[1].request(p.say(strings.Repeat("x", 500))),
		p.users[1].request(p.give(1)),
		domain.Request{Command: p.give(1), Actor: domain.AuthenticatedActor(p.users[2].id, "another session")},
		p.users[2].request(p.give(1)),
	)
	want := []domain.Code{"", domain.CodeCoinsTooFew, domain.CodeCommentTooLong, "", domain.CodeSessionEnded, ""}
	for i, a := range got {
		var code domain.Code
		if no := domain.AsRefusal(a.err); no != nil {
			code = no.Code
		} else if a.err != nil {
			t.Fatal(a.err)
		}
		if code != want[i] {
			t.Errorf("request %d: %q, want %q", i, code, want[i])
		}
	}
	if refused := l.sequencer.Stats().Refused; refused != 3 {
		t.Errorf("counted %d refusals, want 3", refused)
	}
	l.verified()
}

func TestRejectedContentAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(4, 10)
	if _, err := l.db.Owner.Exec(t.Context(), "ALTER TABLE events ADD CHECK (payload::text NOT LIKE '%poison%')"); err != nil {
		t.Fatal(err)
	}
	before := len(l.all())
	got := l.executeTogether(
		p.users[0].request(p.give(1)),
		domain.Request{Command: domain.SignIn{User: p.users[1].id, Session: "poison"}},
		p.users[2].request(p.say("hello")),
		p.users[3].request(p.give(1)),
	)
	for i, a := range got {
		if (a.err != nil) != (i == 1) {
			t.Errorf("request %d: %v", i, a.err)
		}
	}
	if err := got[1].err; errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) || domain.AsRefusal(err) != nil {
		t.Errorf("got the error %v", err)
	}
	if after := l.verified(); len(after) != before+4 { // the events include the one of the decoy
		t.Fatalf("%d events followed, want 4", len(after)-before)
	}
	l.execute(p.users[1].request(p.give(1))) // the sign-in session that was not replaced is still valid
}

// TestPanickingDecisionAffectsOnlyItsRequest uses a gift with price 0, a broken state: the decision divides by zero.
func TestPanickingDecisionAffectsOnlyItsRequest(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(2, 100)
	broken := l.list(10)
	stream, state := domain.Stream(fmt.Sprintf("gift-%d", broken)), `{"name":"rose","image":"","price":0,"available":true}`
	var event uuid.UUID
	if err := db.Owner.QueryRow(t.Context(), "SELECT event_id FROM events WHERE stream = $1", stream).Scan(&event); err != nil {
		t.Fatal(err)
	}
	sum := eventstore.SnapshotChecksum(snapshotKeys[0], stream, 1, 1, []byte(state), event)
	if _, err := db.Owner.Exec(t.Context(), "INSERT INTO snapshot VALUES ($1, 1, 1, $2, $3)", stream, state, sum); err != nil {
		t.Fatal(err)
	}
	other := openLog(t, db, eventstore.SequencerConfig{}) // a process without states in memory
	got := other.executeTogether(
		p.users[0].request(p.give(1)),
		p.users[0].keyedRequest("k1", domain.SendGift{Live: p.live, Gift: broken, Num: 1}),
		p.users[1].request(p.give(1)),
	)
	if got[0].err != nil || got[2].err != nil {
		t.Fatalf("the others: %v, %v", got[0].err, got[2].err)
	}
	if err := got[1].err; err == nil || !strings.Contains(err.Error(), "panicked") || domain.AsRefusal(err) != nil {
		t.Fatalf("got %v", err)
	}
	l.verified()
}

func TestBrokenStateAffectsOnlyRequestsThatReadIt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(2, 100)
	strange := l.list(10)
	other := openLog(t, db, eventstore.SequencerConfig{})
	other.execute(p.users[0].request(domain.SendGift{Live: p.live, Gift: strange, Num: 1})) // this process has the state in memory
	head := int64(len(l.all()))
	_, err := db.Owner.Exec(t.Context(), `
		INSERT INTO events SELECT $1 + 1, $2, 2, gen_random_uuid(), 'gift.gilded.v1', '{}', '{"actor":"operator"}', NULL, recorded_at
		FROM events WHERE position = $1`, head, fmt.Sprintf("gift-%d", strange))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*testLog{"a process that begins": openLog(t, db, eventstore.SequencerConfig{}), "one that catches up": other} {
		got := l.executeTogether(
			p.users[0].request(p.give(1)),
			p.users[0].request(domain.SendGift{Live: p.live, Gift: strange, Num: 1}),
			p.users[1].request(p.give(1)),
		)
		if got[0].err != nil || got[2].err != nil {
			t.Fatalf("%s: the others: %v, %v", name, got[0].err, got[2].err)
		}
		if no := domain.AsRefusal(got[1].err); no == nil || no.Code != domain.CodeCoinsClosed {
			t.Fatalf("%s: got %v", name, got[1].err)
		}
	}
}

func TestDecisionsReadTheNewestStateOfAllProcesses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	p := a.fixture(1, 1000) // coins for a hundred gifts
	who := p.users[0]
	var given, refused atomic.Int64
	var group sync.WaitGroup
	for caller := range 32 {
		l := []*testLog{a, b}[caller%2]
		group.Go(func() {
			for range 5 {
				switch _, err := l.sequencer.Execute(context.Background(), who.request(p.give(1))); {
				case err == nil:
					given.Add(1)
				case domain.AsRefusal(err) != nil && domain.AsRefusal(err).Code == domain.CodeCoinsTooFew:
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if given.Load() != 100 || refused.Load() != 60 {
		t.Fatalf("%d gifts were given and %d refused, want 100 and 60", given.Load(), refused.Load())
	}
	a.verified()
}

func TestConcurrentGiftsSpendTheLastCoinOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	p := a.fixture(20, 10)
	b.execute(p.users[0].request(p.say("hello"))) // both processes have the states in memory
	for i, who := range p.users {
		first, second := a.begin(who.request(p.give(1))), b.begin(who.request(p.give(1)))
		given := 0
		for _, got := range []answer{<-first, <-second} {
			switch no := domain.AsRefusal(got.err); {
			case got.err == nil:
				given++
			case no == nil || no.Code != domain.CodeCoinsTooFew:
				t.Fatal(got.err)
			}
		}
		if given != 1 {
			t.Fatalf("user %d gave %d gifts with the coins for one, want 1", i, given)
		}
	}
	a.verified()
}

func TestNoGiftAfterTheEndOfItsLive(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	streamer, giver := a.register("streamer"), a.register("giver")
	a.credit(giver, 1_000, "o1")
	gift := a.list(1)
	for range 8 {
		live := a.onAir(streamer)
		stop := a.begin(streamer.request(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop}))
		give := b.begin(giver.request(domain.SendGift{Live: live, Gift: gift, Num: 1}))
		stopped, given := <-stop, <-give
		switch no := domain.AsRefusal(given.err); {
		case stopped.err != nil:
			t.Fatal(stopped.err)
		case given.err == nil && given.receipt.Position > stopped.receipt.Position:
			t.Fatal("a gift was appended after the stop")
		case given.err != nil && (no == nil || no.Code != domain.CodeLiveEnded):
			t.Fatal(given.err)
		}
	}
	a.verified()
}

func TestIDsOfSeveralProcessesAreUnique(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{CacheSize: 1})}
	streamer := logs[0].register("streamer")
	var group sync.WaitGroup
	for caller := range 12 {
		l := logs[caller%2]
		group.Go(func() {
			for n := range 4 {
				name := fmt.Sprintf("user %d of %d", n, caller)
				for _, r := range []domain.Request{
					{Command: domain.RegisterUser{Username: name, NameKey: l.store.NameKey(name)}},
					streamer.request(domain.CreateLive{Title: name, StreamKey: strings.Repeat("k", 20)}),
					{Command: domain.AddGift{Name: name, Price: 1}, Actor: operator},
				} {
					if _, err := l.sequencer.Execute(context.Background(), r); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	var users domain.UserID
	var lives domain.LiveID
	var gifts domain.GiftID
	for _, r := range logs[0].verified() {
		switch e := r.Event.(type) {
		case domain.UserRegistered:
			if users++; e.User != users {
				t.Fatalf("user %d follows %d, want %v", e.User, users-1, users)
			}
		case domain.LiveCreated:
			if lives++; e.Live != lives {
				t.Fatalf("live %d follows %d, want %v", e.Live, lives-1, lives)
			}
		case domain.GiftAdded:
			if gifts++; e.Gift != gifts {
				t.Fatalf("gift %d follows %d, want %v", e.Gift, gifts-1, gifts)
			}
		}
	}
	if users != 49 || lives != 48 || gifts != 48 {
		t.Fatalf("%d users, %d lives, %d gifts, want 49, 48, 48", users, lives, gifts)
	}
}

func TestUsernameIsClaimedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	var pending []<-chan answer
	for i := range 10 {
		l := logs[i%2]
		name := []string{"Alice", "ALICE ", "ａｌｉｃｅ"}[i%3]
		pending = append(pending, l.begin(domain.Request{Command: domain.RegisterUser{Username: name, NameKey: l.store.NameKey(name)}}))
	}
	claimed := 0
	for _, p := range pending {
		switch got := <-p; {
		case got.err == nil:
			claimed++
		case domain.AsRefusal(got.err) == nil || domain.AsRefusal(got.err).Code != domain.CodeNameTaken:
			t.Fatal(got.err)
		}
	}
	if claimed != 1 {
		t.Fatalf("the name was claimed %d times, want 1", claimed)
	}
}

func TestSequencerCatchesUpWithOtherProcesses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	p := a.fixture(2, 1_000_000)
	who := p.users[0]
	balance := func(l *testLog) domain.Coins {
		return l.execute(who.request(p.give(1))).Events[0].Event.(domain.GiftSent).BalanceAfter
	}
	left := domain.Coins(1_000_000)
	for _, gap := range []int{1, 100, 5500} { // the last gap is larger than maxCatchUp
		if left -= 10; balance(b) != left {
			t.Fatalf("before a gap of %d: another balance than %d", gap, left)
		}
		var group sync.WaitGroup
		for worker := range min(gap, 64) {
			group.Go(func() {
				for n := worker; n < gap; n += 64 {
					if _, err := a.sequencer.Execute(context.Background(), who.request(p.give(1))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		left -= domain.Coins(gap) * 10
		if left -= 10; balance(b) != left {
			t.Fatalf("after a gap of %d: another balance than %d", gap, left)
		}
	}
	a.verified()
}

func TestRecordedAtFollowsTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	noon := time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	var ahead atomic.Int64
	clock := func() time.Time { return noon.Add(time.Duration(ahead.Load())) }
	l := openLogAs(t, db, eventstore.Config{Now: time.Now, Clock: clock}, eventstore.SequencerConfig{})
	start := noon.UTC().Truncate(time.Microsecond)
	for i, step := range []struct {
		ahead, recorded time.Duration
		setBack         bool
	}{
		{0, 0, false},
		{20 * 24 * time.Hour, 20 * 24 * time.Hour, false}, // the clock was wrong before
		{time.Minute, time.Minute, true},
		{time.Minute - time.Second, time.Minute, false}, // a small correction
		{time.Minute - 5*time.Second, time.Minute, false},
		{time.Minute - 6*time.Second, time.Minute - 6*time.Second, true},
		{2 * time.Minute, 2 * time.Minute, false},
	} {
		ahead.Store(int64(step.ahead))
		position := l.do(domain.AddGift{Name: "rose", Price: 1}).Position
		page, err := l.store.Read(t.Context(), eventstore.Query{After: position - 1})
		if err != nil {
			t.Fatal(err)
		}
		r := page.Events[0]
		if !r.RecordedAt.Equal(start.Add(step.recorded)) || r.RecordedAt.Location() != time.UTC || r.Metadata.ClockSetBack != step.setBack {
			t.Errorf("event %d was recorded at %s, set back %t, want %s, %t", i, r.RecordedAt, r.Metadata.ClockSetBack, start.Add(step.recorded), step.setBack)
		}
	}
	l.verified()
}

// TestLookalikesAreRefusedByTheLog checks that the log itself computes the keys of names. Every server therefore
// refuses a name that looks like a username.
func TestLookalikesAreRefusedByTheLog(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	register := func(name string) domain.Request {
		return domain.Request{Command: domain.RegisterUser{Username: name, NameKey: l.store.NameKey(name)}}
	}
	l.execute(register("paypal"))
	for _, name := range []string{"раураl", "paypaI", "PayPa1"} {
		l.refused(register(name), domain.CodeNameTaken)
	}
	l.execute(register("payday"))
}
