package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

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
		stopped, given := waittest.Receive(t, stop, "the answer to the stop"), waittest.Receive(t, give, "the answer to the gift")
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
