package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

// again repeats a request with the same key and checks that it gets the first receipt.
func (l *testLog) again(first eventstore.Receipt, r domain.Request) {
	l.t.Helper()
	head := len(l.all())
	second := l.execute(r)
	if !second.Repeated {
		l.t.Errorf("%s: the receipt of the repeated command is not marked as repeated", r.Command.Type())
	}
	if second.Position != first.Position {
		l.t.Errorf("%s: position %d, at first %d, want %v", r.Command.Type(), second.Position, first.Position, first.Position)
	}
	if was, is := toJSON(l.t, first.Events), toJSON(l.t, second.Events); was != is && len(first.Events)+len(second.Events) > 0 {
		l.t.Errorf("%s: at first\n%s\nnow\n%s", r.Command.Type(), was, is)
	}
	if after := len(l.all()); after != head {
		l.t.Errorf("%s: the repetition appended %d events, want after %v", r.Command.Type(), after-head, head)
	}
}

func TestRepeatedKeyReturnsTheFirstResult(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(1, 1000)
	who := p.users[0]
	requests := []domain.Request{
		who.keyedRequest("gift", p.give(3)),
		who.keyedRequest(`" <&\ key'`, p.say("häagen <b>& 🍦")),
		who.keyedRequest("live", domain.CreateLive{Title: "my room", StreamKey: "kkkkkkkkkkkkkkkkkkkk"}),
		who.keyedRequest("order", domain.PlaceOrder{Price: 10, Coins: 100, Order: "o7"}),
		who.keyedRequest("profile", domain.ChangeProfile{Nickname: new("guest")}),
		who.keyedRequest("join", domain.JoinLive{Live: p.live, Node: "p1"}),
		who.keyedRequest("join again", domain.JoinLive{Live: p.live, Node: "p1"}), // this command causes no event
		{Command: domain.CreditCoins{Order: "o8", User: who.id, Coins: 7}, Actor: operator, IdempotencyKey: "credit"},
		{Command: domain.AddGift{Name: "rose", Price: 5}, Actor: operator, IdempotencyKey: "list"},
	}
	firsts := make([]eventstore.Receipt, len(requests))
	for i, r := range requests {
		if firsts[i] = l.execute(r); firsts[i].Repeated {
			t.Fatalf("%s: the receipt of a new command is marked as repeated", r.Command.Type())
		}
	}
	repeat := func(where string, l *testLog) {
		t.Helper()
		for i, r := range requests {
			l.again(firsts[i], r)
		}
		if t.Failed() {
			t.Fatal(where)
		}
	}
	repeat("in a later batch", l)
	repeat("in another process", openLog(t, db, eventstore.SequencerConfig{}))
	l.do(domain.RepriceGift{Gift: p.gift, Price: 900})
	l.do(domain.RepriceGift{Gift: 2, Price: 6})
	repeat("after the price has changed", l)
	l.execute(who.request(domain.SendGift{Live: p.live, Gift: p.gift, Num: 1}))
	l.refused(who.request(domain.SendGift{Live: p.live, Gift: p.gift, Num: 1}), domain.CodeCoinsTooFew)
	repeat("when the wallet would be too light", l)
	l.stop()
	restarted := openLog(t, db, eventstore.SequencerConfig{})
	repeat("after a restart", restarted)
	restarted.do(domain.AddGift{Name: "tulip", Price: 5})
	repeat("after others", restarted)
	if n := restarted.sequencer.Stats().Repeated; n != int64(2*len(requests)) {
		t.Errorf("counted %d repetitions, want %d", n, 2*len(requests))
	}
	restarted.verified()
}

func TestRepeatedKeyReturnsTheFirstResultWithinOneBatch(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(1, 35)
	who := p.users[0]
	got := l.executeTogether(
		who.keyedRequest("k1", p.give(1)), who.keyedRequest("k1", p.give(1)),
		who.keyedRequest("k2", p.give(5)), who.keyedRequest("k2", p.give(5)), // refused twice with the same result
		who.keyedRequest("k1", p.give(2)),
		who.keyedRequest("k3", p.give(1)), who.keyedRequest("k1", p.give(1)),
	)
	if n := l.sequencer.Stats().Retries; n != 0 {
		t.Errorf("the batch had to be done again %d times, want 0", n)
	}
	first := got[0].receipt
	for i, want := range map[int]bool{0: false, 1: true, 6: true} {
		if a := got[i]; a.err != nil || a.receipt.Repeated != want || toJSON(t, a.receipt.Events) != toJSON(t, first.Events) {
			t.Errorf("request %d: got %+v, want %+v", i, a, first)
		}
	}
	for i, want := range map[int]string{2: got[2].err.Error(), 3: got[2].err.Error(), 4: "key_reused: this idempotency key was used for another command"} {
		if got[i].err == nil || got[i].err.Error() != want {
			t.Errorf("request %d: %v, want %s", i, got[i].err, want)
		}
	}
	if e := got[5].receipt.Events[0].Event.(domain.GiftSent); e.BalanceAfter != 15 {
		t.Errorf("after two gifts the balance is %d, want 15", e.BalanceAfter)
	}
}

func TestKeyOfAnotherCommandIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(2, 1000)
	who := p.users[0]
	l.execute(who.keyedRequest("k1", p.give(1)))
	l.refused(who.keyedRequest("k1", p.give(2)), domain.CodeKeyReused)
	l.refused(who.keyedRequest("k1", p.say("hello")), domain.CodeKeyReused)
	// Fields that a server adds are not part of the command that is compared.
	first := l.execute(who.keyedRequest("k2", domain.PlaceOrder{Price: 10, Coins: 100, Order: "o1"}))
	l.again(first, who.keyedRequest("k2", domain.PlaceOrder{Price: 10, Coins: 120, Order: "o2"}))
	l.refused(who.keyedRequest("k2", domain.PlaceOrder{Price: 11, Coins: 100, Order: "o1"}), domain.CodeKeyReused)
}

func TestKeysOfDifferentUsersAreIndependent(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(2, 1000)
	first := l.execute(p.users[0].keyedRequest("k1", p.give(1)))
	second := l.execute(p.users[1].keyedRequest("k1", p.give(2)))
	if second.Repeated || second.Position == first.Position {
		t.Fatalf("got %+v", second)
	}
	l.again(first, p.users[0].keyedRequest("k1", p.give(1)))
	l.again(second, p.users[1].keyedRequest("k1", p.give(2)))
	// The key belongs to the user and not to the sign-in session.
	l.again(first, l.signIn(p.users[0].id, "next session").keyedRequest("k1", p.give(1)))
}

func TestRefusalsAreKeptOnlyForCoinCommands(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	p := l.fixture(1, 5)
	who := p.users[0]
	rows := func() (n int) {
		if err := db.Owner.QueryRow(t.Context(), "SELECT count(*) FROM command").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	_, first := l.sequencer.Execute(t.Context(), who.keyedRequest("gift", p.give(1)))
	l.credit(who, 1000, "o1")
	for where, l := range map[string]*testLog{"here": l, "elsewhere": openLog(t, db, eventstore.SequencerConfig{})} {
		_, now := l.sequencer.Execute(t.Context(), who.keyedRequest("gift", p.give(1)))
		if domain.AsRefusal(now) == nil || now.Error() != first.Error() {
			t.Errorf("%s: the repeated gift got %v, want the first refusal %v", where, now, first)
		}
	}
	if n := rows(); n != 1 {
		t.Fatalf("%d rows for one refused gift, want 1", n)
	}
	// After a refusal, a comment may be sent with the same key and another text, or again when the live is on air.
	l.refused(who.keyedRequest("comment", p.say(" ")), domain.CodeCommentEmpty)
	if r := l.execute(who.keyedRequest("comment", p.say("hello"))); r.Repeated {
		t.Error("the receipt of a new comment is marked as repeated")
	}
	// No result is stored without a key.
	l.execute(who.request(p.give(1)))
	l.refused(who.request(p.give(1000)), domain.CodeCoinsTooFew)
	if n := rows(); n != 2 {
		t.Fatalf("%d rows, want those of the refused gift and of the comment", n)
	}
}

func TestRefusalsOfActorsAreNeverKept(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := l.fixture(1, 100)
	who := p.users[0]
	next := l.signIn(who.id, "next session")
	l.refused(who.keyedRequest("k1", p.give(1)), domain.CodeSessionEnded)
	l.do(domain.DisableUser{User: who.id})
	l.refused(next.keyedRequest("k1", p.give(1)), domain.CodeUserUnavailable)
	l.refused(domain.Request{Command: domain.CreditCoins{Order: "o1", User: who.id, Coins: 1}, Actor: provider, IdempotencyKey: "k1"}, domain.CodeForbidden)
	l.do(domain.EnableUser{User: who.id})
	first := l.execute(next.keyedRequest("k1", p.give(1)))
	if first.Repeated || len(first.Events) != 1 {
		t.Fatalf("got %+v", first)
	}
	// A request from a sign-in session that has ended does not get the result.
	l.refused(who.keyedRequest("k1", p.give(1)), domain.CodeSessionEnded)
	l.again(first, next.keyedRequest("k1", p.give(1)))
}

func TestSameGiftSent1000TimesIsOneGift(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{BatchSize: 50})}
	p := logs[0].fixture(1, 1_000_000)
	answers := make([]string, 1000)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			request := p.users[0].keyedRequest("the one", p.give(1))
			r, err := logs[i%2].sequencer.Execute(context.Background(), request)
			for errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) { // as clients repeat it
				r, err = logs[i%2].sequencer.Execute(context.Background(), request)
			}
			if err != nil {
				t.Error(err)
			}
			answers[i] = fmt.Sprint(r.Position, toJSON(t, r.Events))
		})
	}
	group.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Fatalf("one caller got\n%s\nanother got\n%s", answers[0], a)
		}
	}
	gifts := 0
	for _, r := range logs[0].verified() {
		if _, ok := r.Event.(domain.GiftSent); ok {
			gifts++
		}
	}
	if gifts != 1 {
		t.Fatalf("%d gifts were given, want 1", gifts)
	}
}

func TestOrderIsCreditedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	who, other := logs[0].register("payer"), logs[0].register("other")
	logs[0].execute(who.request(domain.PlaceOrder{Price: 10, Coins: 100, Order: "o1"}))
	pay := func(l *testLog, user testUser, price int64) <-chan answer {
		return l.begin(domain.Request{Command: domain.PayOrder{Order: "o1", User: user.id, Price: price}, Actor: provider})
	}
	var good, bad []<-chan answer
	for i := range 20 {
		good = append(good, pay(logs[i%2], who, 10))
		bad = append(bad, pay(logs[i%2], who, 11), pay(logs[i%2], other, 10))
	}
	paid := 0
	for _, pending := range good {
		got := waittest.Receive(t, pending, "an answer")
		if got.err != nil {
			t.Fatal(got.err)
		}
		paid += len(got.receipt.Events) / 2
	}
	for _, pending := range bad {
		if no := domain.AsRefusal((waittest.Receive(t, pending, "an answer")).err); no == nil || no.Code != domain.CodeOrderMismatch {
			t.Fatalf("another user or amount: %v", no)
		}
	}
	if paid != 1 {
		t.Fatalf("the order was paid %d times, want 1", paid)
	}
	logs[0].verified()
}

// TestChangesOfAProfileAreMerged checks that a change keeps the members that its client did not send, in one batch and
// when another process has changed them.
func TestChangesOfAProfileAreMerged(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l, other := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	who := l.register("ann")
	nickname := func(name string) domain.ChangeProfile { return domain.ChangeProfile{Nickname: &name} }
	avatar := func(path string) domain.ChangeProfile { return domain.ChangeProfile{Avatar: &path} }
	expect := func(r eventstore.Receipt, nickname, avatar string) {
		t.Helper()
		if e := r.Events[0].Event; e != (domain.UserProfileChanged{User: who.id, Nickname: nickname, Avatar: avatar}) {
			t.Errorf("got %+v, want the nickname %q and the avatar %q", e, nickname, avatar)
		}
	}
	first := l.execute(who.keyedRequest("k", nickname("Ann")))
	expect(first, "Ann", "")
	expect(other.execute(who.request(avatar("/uploads/1.png"))), "Ann", "/uploads/1.png")
	l.again(first, who.keyedRequest("k", nickname("Ann")))
	expect(l.execute(who.request(nickname("Anna"))), "Anna", "/uploads/1.png")
	for i, a := range l.executeTogether(who.request(nickname("A")), who.request(avatar("/uploads/2.png")), who.request(nickname("B")), who.request(domain.ChangeProfile{Age: new(30)})) {
		if a.err != nil {
			t.Fatalf("request %d: %v", i, a.err)
		}
	}
	expect(other.execute(who.request(avatar("/uploads/3.png"))), "B", "/uploads/3.png")
	got := l.executeTogether(
		domain.Request{Command: domain.RegisterUser{Username: "new", Nickname: "nick", Avatar: "/uploads/new.png", NameKey: "n"}},
		domain.Request{Command: domain.SignIn{User: who.id + 1, Session: "s"}},
		domain.Request{Command: nickname("nicky"), Actor: domain.AuthenticatedActor(who.id+1, "s")},
	)
	if e := got[2].receipt.Events; got[2].err != nil || e[0].Event != (domain.UserProfileChanged{User: who.id + 1, Nickname: "nicky", Avatar: "/uploads/new.png"}) {
		t.Errorf("a user of the same batch: got %+v, %v", e, got[2].err)
	}
	l.verified()
}

// TestProfilesAreReadFromEveryProfileEvent checks the types in select_profiles.sql and in the index that it uses.
func TestProfilesAreReadFromEveryProfileEvent(t *testing.T) {
	t.Parallel()
	var types []string
	for _, spec := range domain.Events {
		if _, ok := spec.Zero.(domain.ProfileEvent); ok {
			types = append(types, "'"+spec.Type+"'")
			for older := range spec.Upcasters {
				types = append(types, "'"+older+"'")
			}
		}
	}
	slices.Sort(types)
	slices.Reverse(types) // the order of the statement
	for _, file := range []string{"sql/select_profiles.sql", "../migrations/00011_profile_event.sql"} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "type IN ("+strings.Join(types, ", ")+")") {
			t.Errorf("%s does not contain exactly the types %v (%v)", file, types, err)
		}
	}
}
