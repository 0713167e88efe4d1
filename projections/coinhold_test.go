package projections_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// refusedWith executes a request and requires that it is refused with code.
func refusedWith(w *projtest.World, code domain.Code, r domain.Request) {
	w.Helper()
	_, err := w.Sequencer.Execute(context.Background(), r)
	if no := domain.AsRefusal(err); no == nil || no.Code != code {
		w.Errorf("%s: got %v, want %s", r.Command.Type(), err, code)
	}
}

// held returns the rows of table coin_hold as "user position".
func held(w *projtest.World) string {
	w.Helper()
	return w.Text("SELECT coalesce(string_agg(user_id || ' ' || position, ', ' ORDER BY user_id, position), '') FROM read.coin_hold")
}

// awaitRecorded waits until the closings in the log match the holds in the tables.
func awaitRecorded(w *projtest.World) {
	w.Helper()
	w.Eventually(func() error {
		w.CatchUp()
		const different = `SELECT (SELECT count(*) FROM (TABLE read.coin_hold EXCEPT TABLE read.coin_closing) a)
			+ (SELECT count(*) FROM (TABLE read.coin_closing EXCEPT TABLE read.coin_hold) b)`
		if n := w.Int(different); n != 0 {
			return fmt.Errorf("%d holds are not recorded", n)
		}
		return nil
	})
}

// gift returns a request of a user to send num gifts of one coin.
func gift(c *projtest.Traffic, u projtest.User, num int) domain.Request {
	return domain.Request{Actor: u.Actor(), Command: domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: num}}
}

// badEvents are coin events of user 1 that cannot be applied. why is a substring of the cause that table poison must
// contain.
var badEvents = map[string]struct{ kind, payload, why string }{
	"a wrong balance": {"coins.credited.v1", `{"user":1,"order":"o","coins":5,"balance_after":7,
		"postings":[{"account":"provider","amount":-5},{"account":"user-1","amount":5}]}`, "coin_movement_adds_up"},
	"an overdrawn balance": {"gift.sent.v2", `{"sender":1,"streamer":1,"live":1,"gift":1,"name":"g","price":5000,"num":1,"coins":5000,"balance_after":0,
		"postings":[{"account":"user-1","amount":-5000},{"account":"earnings-1","amount":5000}]}`, "coin_"},
	"a price that does not fit": {"gift.sent.v2", `{"sender":1,"streamer":1,"live":1,"gift":1,"name":"g","price":3,"num":2,"coins":5,"balance_after":995,
		"postings":[{"account":"user-1","amount":-5},{"account":"earnings-1","amount":5}]}`, "do not cost"},
	"postings that do not balance": {"coins.credited.v1", `{"user":1,"order":"o","coins":5,"balance_after":1005,
		"postings":[{"account":"user-1","amount":5}]}`, "add up to 5"},
	"no postings": {"coins.credited.v1", `{"user":1,"order":"o","coins":5,"balance_after":1005,"postings":[]}`, "do not move"},
	"a name that no table can store": {"gift.sent.v2", `{"sender":1,"streamer":1,"live":1,"gift":1,"name":"\u0000","price":5,"num":1,"coins":5,"balance_after":995,
		"postings":[{"account":"user-1","amount":-5},{"account":"earnings-1","amount":5}]}`, "invalid byte sequence"},
	"a payload that cannot be decoded": {"gift.sent.v2", `{"sender":"?"}`, "cannot be read"},
	"an unknown type":                  {"gift.melted.v1", `{}`, "does not know the type"},
}

func TestABadCoinEventClosesTheCoinsOfItsUser(t *testing.T) {
	t.Parallel()
	for name, forge := range badEvents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := projtest.New(t)
			c := projtest.NewTraffic(w, 3, 1)
			at := w.Head() + 1
			w.Forge(at, "wallet-1", 2, forge.kind, forge.payload, 0)
			p := w.Projector(projections.ProjectorConfig{})
			w.Start(p.Run)
			w.RecordHolds()
			awaitRecorded(w)
			if got, want := held(w), fmt.Sprintf("1 %d", at); got != want {
				t.Errorf("held: %s, want %s", got, want)
			}
			expectPoison(w, fmt.Sprintf("%d coins %s", at, forge.kind))
			if cause := w.Text("SELECT cause FROM read.poison"); !strings.Contains(cause, forge.why) {
				t.Errorf("cause %q, want %q", cause, forge.why)
			}
			ann := c.Users[0]
			refusedWith(w, domain.CodeCoinsClosed, gift(c, ann, 1))
			refusedWith(w, domain.CodeCoinsClosed, domain.Request{Actor: ann.Actor(), Command: domain.PlaceOrder{Price: 1, Coins: 10, Order: "o1"}})
			refusedWith(w, domain.CodeCoinsClosed, domain.Request{Actor: projtest.Operator, Command: domain.CreditCoins{Order: "o2", User: ann.ID, Coins: 1}})
			ann.Send(domain.PostComment{Live: c.Lives[0], Text: "hello"})
			w.SignIn(ann.ID)
			w.Execute(gift(c, c.Users[1], 1)) // the gift goes to ann; it does not change her wallet
			c.Users[2].Credit(5)
			w.CatchUp()

			before := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'")
			w.Do(domain.SetEventAside{Position: at, Of: "wallet-1", EventType: forge.kind, Reason: "entered by hand"})
			awaitRecorded(w)
			if got := held(w); got != "" {
				t.Errorf("held: %s", got)
			}
			if now := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'"); now != before {
				t.Errorf("balance %d, before %d", now, before)
			}
			w.Eventually(func() error { // the opening may not be in the log yet
				_, err := w.Sequencer.Execute(context.Background(), gift(c, w.SignIn(1), 1000))
				return err
			})
			w.CatchUp()
			if balance := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'"); balance != 0 {
				t.Errorf("balance %d, want 0", balance)
			}
			if s := p.Status(); s.Halted != nil {
				t.Error(s.Halted)
			}
			if r := w.Rebuild(); len(r.Differences) > 0 || !r.Compared {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestFiftyUsersGiveOnBesideABadCoinEvent(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 51, 1)
	other := w.Another()
	w.Project()
	w.RecordHolds()
	other.Start(other.Projector(projections.ProjectorConfig{}).Run)
	other.RecordHolds()
	var all sync.WaitGroup
	for i, u := range c.Users[1:] {
		world := []*projtest.World{w, other}[i%2]
		all.Go(func() {
			for n := range 20 {
				if _, err := world.Sequencer.Execute(context.Background(), gift(c, u, 1)); err != nil {
					t.Error(err)
				}
				if i == 0 && n == 10 { // as a superuser without triggers could insert it
					forgeAtTheEnd(w)
				}
			}
		})
	}
	all.Wait()
	awaitRecorded(w)
	for _, world := range []*projtest.World{w, other} {
		refusedWith(world, domain.CodeCoinsClosed, gift(c, c.Users[0], 1))
	}
	if n := w.Int("SELECT count(*) FROM read.gift_record"); n != 50*20 {
		t.Errorf("%d gifts are in the tables, want 1000", n)
	}
}

// forgeAtTheEnd appends a coin event of user 1 with a wrong balance, while others append events.
func forgeAtTheEnd(w *projtest.World) {
	w.Helper()
	err := pgx.BeginFunc(w.Context(), w.DB.Owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(w.Context(), "SELECT pg_advisory_xact_lock(x'6c6f67'::bigint)"); err != nil {
			return err
		}
		_, err := tx.Exec(w.Context(), `INSERT INTO public.events SELECT max(position) + 1, 'wallet-1', 2, gen_random_uuid(), 'coins.credited.v1',
			'{"user":1,"order":"o","coins":5,"balance_after":7,"postings":[{"account":"provider","amount":-5},{"account":"user-1","amount":5}]}',
			'{"actor":"superuser"}', NULL, max(recorded_at) FROM public.events`)
		return err
	})
	if err != nil {
		w.Error(err)
	}
}

func TestACoinEventOfUnknownUsersClosesAllCoins(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]struct{ stream, kind, payload string }{
		"a gift in a stream of no wallet":             {"ledger-7", "gift.sent.v2", `{"sender":"?"}`},
		"an unknown type in a stream of unknown kind": {"ledger-7", "ledger.opened.v1", `{}`},
		"an unknown type about an order":              {"order-7", "order.refunded.v1", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := projtest.New(t)
			c := projtest.NewTraffic(w, 3, 1)
			w.Project()
			w.CatchUp()
			at := w.Head() + 1
			w.Forge(at, e.stream, 1, e.kind, e.payload, 0)
			late := c.Users[1].Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 3}).Position // executed before the closing is recorded
			w.CatchUp()
			if n := w.Int("SELECT count(*) FROM read.gift_record"); n != 0 {
				t.Errorf("%d gifts are in the tables", n)
			}
			stop := w.RecordHolds()
			awaitRecorded(w)
			stop()
			for _, u := range c.Users {
				refusedWith(w, domain.CodeCoinsClosed, gift(c, u, 1))
			}
			refusedWith(w, domain.CodeCoinsClosed, domain.Request{Actor: projtest.Operator, Command: domain.RepriceGift{Gift: c.Gifts[0], Price: 99}})
			c.Users[2].Send(domain.PostComment{Live: c.Lives[0], Text: "hello"})
			c.Users[2].Send(domain.JoinLive{Live: c.Lives[0], Node: "p"})
			w.Register("somebody new")
			if r := w.Rebuild(); len(r.Differences) > 0 || !r.Compared {
				t.Errorf("%+v", r)
			}
			w.RecordHolds()
			w.Do(domain.SetEventAside{Position: at, Of: domain.Stream(e.stream), EventType: e.kind, Reason: "entered by hand"})
			awaitRecorded(w)
			if p := w.Int("SELECT max(position) FROM read.gift_record"); p != late {
				t.Errorf("the gift that waited is at %d, want %d", p, late)
			}
			w.Eventually(func() error {
				_, err := w.Sequencer.Execute(context.Background(), gift(c, c.Users[0], 1))
				return err
			})
			w.CatchUp()
			if r := w.Rebuild(); len(r.Differences) > 0 || !r.Compared {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestABadEventWithoutCoinsClosesNoCoins checks that a bad event whose type does not concern coins closes none.
func TestABadEventWithoutCoinsClosesNoCoins(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	at := w.Head() + 1
	w.Forge(at, "comment-1", 1, "comment.liked.v1", `{}`, 0)
	w.Forge(at+1, "gift-1", 2, "gift.repriced.v1", `{"gift":"?"}`, 0)
	w.Project()
	w.RecordHolds()
	w.CatchUp()
	expectPoison(w, fmt.Sprintf("%d none comment.liked.v1", at), fmt.Sprintf("%d gift_catalogue gift.repriced.v1", at+1))
	if got := held(w); got != "" {
		t.Errorf("held: %s", got)
	}
	other := w.Another()
	refusedWith(other, domain.CodeCoinsClosed, gift(c, c.Users[0], 1)) // refused because the price of the gift is unknown
	other.Execute(domain.Request{Actor: c.Users[0].Actor(), Command: domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[1], Num: 1}})
	other.Do(domain.SetEventAside{Position: at + 1, Of: "gift-1", EventType: "gift.repriced.v1", Reason: "entered by hand"})
	other.Execute(gift(c, c.Users[0], 1))
	w.CatchUp()
	if n := w.Int("SELECT count(*) FROM read.poison WHERE set_aside > 0"); n != 1 {
		t.Errorf("%d poison events are set aside", n)
	}
}

// TestHoldsDoNotDependOnTheSizeOfBatches divides the same events into batches of different sizes. The holds must be the
// same, and must end one after another.
func TestHoldsDoNotDependOnTheSizeOfBatches(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 4, 1)
	ann := c.Users[0]
	w.Execute(gift(c, ann, 1))
	first := w.Head() + 1
	credit := func(version int, order string, after int) {
		w.Helper()
		w.Forge(w.Head()+1, "wallet-1", version, "coins.credited.v1", fmt.Sprintf(`{"user":1,"order":%q,"coins":5,"balance_after":%d,
			"postings":[{"account":"provider","amount":-5},{"account":"user-1","amount":5}]}`, order, after), 0)
	}
	credit(3, "a", 7)    // wrong balance
	credit(4, "b", 1004) // right balance if the first credit is left out
	credit(5, "c", 1014) // wrong balance
	credit(6, "d", 1009) // right balance if the third credit is left out
	w.Execute(gift(c, c.Users[1], 2))
	w.Forge(w.Head()+1, "wallet-2", 3, "gift.sent.v2", `{"sender":"?"}`, 0)
	w.Do(domain.SetEventAside{Position: first, Of: "wallet-1", EventType: "coins.credited.v1", Reason: "wrong"})
	w.Do(domain.SetEventAside{Position: first + 2, Of: "wallet-1", EventType: "coins.credited.v1", Reason: "wrong"})
	stop := w.Project()
	w.CatchUp()
	stop()
	if got, want := held(w), fmt.Sprintf("2 %d", first+5); got != want {
		t.Errorf("held: %s, want %s", got, want)
	}
	if balance := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'"); balance != 1009 {
		t.Errorf("balance %d, want 1009", balance)
	}
	want := w.Dump("read")
	for _, size := range []int{1, 2, 3, 5, 1000} {
		w.Empty()
		if err := projections.ApplyInBatches(t.Context(), w.Store, w.Pool, w.Head(), size); err != nil {
			t.Fatal(err)
		}
		if got := w.Dump("read"); got != want {
			t.Errorf("batches of %d lead to other rows:\n%s", size, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
	w.Empty()
	stop = w.Project()
	w.CatchUp()
	stop()
	if r := w.Rebuild(); len(r.Differences) > 0 || !r.Compared {
		t.Errorf("%+v", r)
	}
	again := w.Another()
	w.RecordHolds()
	w.Project()
	awaitRecorded(w)
	refusedWith(again, domain.CodeCoinsClosed, gift(c, c.Users[1], 1))
	again.Execute(gift(c, ann, 1009))
}

// TestARefusalOfClosedCoinsIsNotRemembered sends a coin command with an idempotency key while coins are closed. When
// the coins are open again, the same command with the same key must succeed.
func TestARefusalOfClosedCoinsIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	at := w.Head() + 1
	w.DoAsSystem(domain.CloseCoins{Position: at, Users: []domain.UserID{1}, Cause: "a test"})
	keyed := gift(c, c.Users[0], 1)
	keyed.IdempotencyKey = "k1"
	refusedWith(w, domain.CodeCoinsClosed, keyed)
	w.DoAsSystem(domain.OpenCoins{Position: at})
	w.Execute(keyed)
}

// TestABatchBesideAHoldIsWrittenOnce checks that the tables are not written twice while the coins of another user are closed.
func TestABatchBesideAHoldIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	w.Forge(w.Head()+1, "wallet-1", 2, "coins.credited.v1", "[]", 0)
	applier := projections.NewApplier(w.Store, nil)
	conn, err := w.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var after int64
	apply := func() (inserted int64) {
		t.Helper()
		events, err := w.Store.ReadRaw(t.Context(), 0, after, w.Head(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		after += int64(len(events))
		poison, err := applier.Decode(t.Context(), events)
		if err != nil {
			t.Fatal(err)
		}
		err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			const count = "SELECT n_tup_ins FROM pg_stat_xact_user_tables WHERE schemaname = 'read' AND relname = 'comment'" // also of rolled back writes
			var before int64
			if err := tx.QueryRow(t.Context(), count).Scan(&before); err != nil {
				return err
			}
			if _, err := applier.Apply(t.Context(), tx, events, poison); err != nil {
				return err
			}
			if err := tx.QueryRow(t.Context(), count).Scan(&inserted); err != nil {
				return err
			}
			inserted -= before
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return inserted
	}
	apply()
	for round := range 3 {
		c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "hello"})
		w.Execute(gift(c, c.Users[1], 1))
		if n := apply(); n != 1 {
			t.Errorf("round %d: one comment was inserted %d times", round, n)
		}
	}
	w.Do(domain.SetEventAside{Position: w.Int("SELECT position FROM read.poison"), Of: "wallet-1", EventType: "coins.credited.v1", Reason: "entered by hand"})
	apply()
	c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "hello"})
	w.Execute(gift(c, c.Users[0], 1))
	if n := apply(); n != 1 {
		t.Errorf("after the hold: one comment was inserted %d times", n)
	}
}

// TestAGoodEventThatWasSetAsideStaysWithoutEffect edits a balance in the tables, so that a good gift cannot be applied, and sets
// the gift aside. A rebuild must then agree with the wallet, which is folded without the gift, and coins must stay usable.
func TestAGoodEventThatWasSetAsideStaysWithoutEffect(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 2, 1)
	w.Project()
	w.CatchUp()
	ann := c.Users[0]
	before := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'")
	if _, err := w.DB.Owner.Exec(t.Context(), "UPDATE read.coin SET balance = 0 WHERE account = 'user-1'"); err != nil {
		t.Fatal(err)
	}
	at := w.Execute(gift(c, ann, 1)).Position
	w.CatchUp()
	stop := w.RecordHolds()
	awaitRecorded(w)
	w.Do(domain.SetEventAside{Position: at, Of: "wallet-1", EventType: "gift.sent.v2", Reason: "a mistake"})
	w.CatchUp()
	awaitRecorded(w)
	stop()
	w.RebuildForced()
	if now := w.Int("SELECT balance FROM read.coin WHERE account = 'user-1'"); now != before {
		t.Errorf("the tables have %d coins after the rebuild, want %d", now, before)
	}
	w.RecordHolds()
	for range 2 {
		w.Eventually(func() error {
			_, err := w.Sequencer.Execute(context.Background(), gift(c, ann, 1))
			return err
		})
		w.CatchUp()
	}
	if got := held(w); got != "" {
		t.Errorf("held: %s", got)
	}
	if r := w.Rebuild(); len(r.Differences) > 0 || !r.Compared {
		t.Errorf("%+v", r)
	}
}
