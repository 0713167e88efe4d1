package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/internal/clocktest"
	"roomlog/internal/logtest"
	"roomlog/internal/wait"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/projections/projtest"
)

// party is a live with a user who sends gifts.
type party struct {
	*projtest.World
	streamer, fan projtest.User
	live          domain.LiveID
	gift          domain.GiftID
	tables        *delivery.Tables
}

func newParty(t *testing.T) party {
	t.Helper()
	w := projtest.New(t)
	s := party{World: w, streamer: w.Register("ann"), fan: w.Register("bob"), tables: delivery.NewTables(w.Pool)}
	s.live = s.streamer.Send(domain.CreateLive{Title: "party", StreamKey: "0123456789abcdefghij"}).Events[0].Event.(domain.LiveCreated).Live
	s.streamer.Send(domain.ChangeLiveStatus{Live: s.live, To: domain.LivePlay})
	w.Execute(domain.Request{Command: domain.CreditCoins{Order: "o1", User: s.fan.ID, Coins: 1000}, Actor: projtest.Operator})
	s.gift = w.Execute(domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: projtest.Operator}).Events[0].Event.(domain.GiftAdded).Gift
	return s
}

// send sends a gift and returns its delta.
func (s party) send() projections.Delta {
	s.Helper()
	for _, r := range s.fan.Send(domain.SendGift{Live: s.live, Gift: s.gift, Num: 1}).Events {
		for _, d := range projections.DeltasOf(r) {
			if _, ok := d.Event.(domain.GiftSent); ok && d.Public() {
				return d
			}
		}
	}
	s.Fatal("no delta of a gift")
	return projections.Delta{}
}

func (s party) recorder(c delivery.Config) *delivery.Recorder {
	s.Helper()
	c.Tables = s.tables
	if c.Now == nil {
		c.Now = time.Now
	}
	r, err := delivery.New(c)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// store makes a recorder store what it has counted.
func (s party) store(r *delivery.Recorder) {
	s.Helper()
	s.Start(r.Run)() // a recorder that stops stores everything before
}

func (s party) expect(d projections.Delta, want delivery.Counts) {
	s.Helper()
	if got, err := s.tables.Gift(s.Context(), d.Position); err != nil || got != want {
		s.Errorf("the gift at position %d: got %+v, %v, want %+v", d.Position, got, err, want)
	}
}

func (s party) expectSums(want delivery.Sums) {
	s.Helper()
	if got, err := s.tables.Live(s.Context(), s.live); err != nil || got != want {
		s.Errorf("the sums are %+v, %v, want %+v", got, err, want)
	}
}

// TestRecorder counts gifts in two processes at the same time.
func TestRecorder(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	first, second := s.recorder(delivery.Config{}), s.recorder(delivery.Config{})
	g, h := s.send(), s.send()
	for _, r := range []*delivery.Recorder{first, second} {
		for range 3 {
			r.Of(g).Written(int64(s.fan.ID))
		}
		r.Of(g).Acknowledge(s.fan.ID)
	}
	first.Of(g).Written(int64(s.streamer.ID))
	first.Of(g).Acknowledge(s.streamer.ID)
	second.Of(h).Written(0)
	second.Of(h).Acknowledge(0)
	second.Of(h).Acknowledge(0)             // more than were written: a client cannot raise the number above it
	second.Of(h).Acknowledge(s.streamer.ID) // the same for the streamer
	s.store(first)
	s.store(second)
	want := delivery.Counts{Sent: 7, Acknowledged: 3, StreamerSent: 1, StreamerAcknowledged: 1}
	s.expect(g, want)
	s.expect(h, delivery.Counts{Sent: 1, Acknowledged: 1})
	s.expectSums(delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 8, Acknowledged: 4, StreamerSent: 1, StreamerAcknowledged: 1}})
	s.store(first) // nothing has changed since
	s.expect(g, want)
	second.Of(h).Written(0)
	s.store(second)
	s.expect(h, delivery.Counts{Sent: 2, Acknowledged: 2})
	if d := first.Of(projections.Delta{Event: domain.CommentPosted{}}); d != nil {
		t.Errorf("a comment has the delivery %+v", d)
	}
	(*delivery.Recorder)(nil).Of(g).Written(99) // a server without a recorder counts nothing
	(*delivery.Recorder)(nil).Of(g).Acknowledge(1)
}

// TestAcknowledgementsAfterAStore acknowledges gifts that were stored as written before, which is the usual order.
func TestAcknowledgementsAfterAStore(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	r, restarted := s.recorder(delivery.Config{}), s.recorder(delivery.Config{})
	g, h := s.send(), s.send()
	for _, user := range []domain.UserID{s.streamer.ID, s.fan.ID} {
		r.Of(g).Written(int64(user))
	}
	s.store(r)
	s.expect(g, delivery.Counts{Sent: 2, StreamerSent: 1})
	r.Of(g).Acknowledge(s.fan.ID)
	r.Of(h).Written(0) // in the same write
	s.store(r)
	s.expect(g, delivery.Counts{Sent: 2, Acknowledged: 1, StreamerSent: 1})
	r.Of(g).Acknowledge(s.streamer.ID)
	s.store(r)
	want := delivery.Counts{Sent: 2, Acknowledged: 2, StreamerSent: 1, StreamerAcknowledged: 1}
	s.expect(g, want)
	s.expect(h, delivery.Counts{Sent: 1})
	s.expectSums(delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 3, Acknowledged: 2, StreamerSent: 1, StreamerAcknowledged: 1}})

	for _, table := range []string{"gift_delivery", "live_delivery"} { // as if the writes with what was sent had been lost
		if _, err := s.OwnerPool().Exec(t.Context(), "UPDATE "+table+" SET sent = 0, streamer_sent = 0"); err != nil {
			t.Fatal(err)
		}
	}
	s.expect(g, delivery.Counts{})
	s.expectSums(delivery.Sums{Gifts: 2})
	restarted.Of(g).Written(0)
	s.store(restarted)
	s.expect(g, delivery.Counts{Sent: 1, Acknowledged: 1})
	s.expectSums(delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 1, Acknowledged: 1}})
}

// TestGiftsThatTheLogHasLost counts a gift that is not in the log any more when the counts are stored.
func TestGiftsThatTheLogHasLost(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	r := s.recorder(delivery.Config{})
	kept, lost := s.send(), s.send()
	for _, d := range []projections.Delta{kept, lost} {
		r.Of(d).Written(99)
	}
	other := lost
	other.EventID[0]++ // the log has another event at the position
	r.Of(other).Written(99)
	s.store(r)
	one := delivery.Counts{Sent: 1}
	s.expect(kept, one)
	s.expect(lost, one)
	s.expectSums(delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 2}})
	owner := s.OwnerPool()
	if _, err := owner.Exec(t.Context(), "UPDATE gift_delivery SET event_id = gen_random_uuid() WHERE position = $1", lost.Position); err != nil {
		t.Fatal(err)
	}
	s.expect(lost, delivery.Counts{}) // a row of another event is not that of the gift
}

// TestRecorderIsBounded opens more gifts than a recorder counts, and lets their time pass.
func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	clock := clocktest.New()
	r := s.recorder(delivery.Config{Now: clock.Now, Open: 2, Window: time.Minute, Keep: time.Hour})
	var gifts []projections.Delta
	for i := range 3 {
		d := s.send()
		gifts = append(gifts, d)
		r.Of(d).Written(99)
		if got := r.Of(d); (got == nil) != (i == 2) {
			t.Errorf("gift %d has the delivery %v", i, got)
		}
	}
	s.store(r)
	r.Of(gifts[0]).Written(99)
	clock.Forward(2 * time.Minute)
	s.store(r) // the last time for these gifts
	s.expect(gifts[0], delivery.Counts{Sent: 2})
	s.expect(gifts[2], delivery.Counts{})
	last := s.send()
	if r.Of(last) == nil {
		t.Error("a gift is not counted although the others are over")
	}
	sums := delivery.Sums{Gifts: 2, Counts: delivery.Counts{Sent: 3}}
	s.expectSums(sums)
	if _, err := s.OwnerPool().Exec(t.Context(), "UPDATE gift_delivery SET sent_at = CASE position WHEN $1 THEN $2::timestamptz ELSE $3 END",
		gifts[0].Position, clock.Now().Add(-2*time.Hour), clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.Start(s.recorder(delivery.Config{Now: clock.Now, Keep: time.Hour, Interval: time.Millisecond}).Run) // begins with old rows
	for kept := (delivery.Counts{Sent: 2}); kept != (delivery.Counts{}); {
		var err error
		if kept, err = s.tables.Gift(t.Context(), gifts[0].Position); err != nil {
			t.Fatal(err)
		}
		wait.Sleep(t.Context(), time.Millisecond)
	}
	s.expect(gifts[1], delivery.Counts{Sent: 1})
	s.expectSums(sums) // the sums stay
}

// TestDeliveriesOutliveARefusedWrite refuses the first writes: nothing is lost, and nothing is counted twice.
func TestDeliveriesOutliveARefusedWrite(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	r := s.recorder(delivery.Config{Interval: time.Millisecond})
	owner := s.OwnerPool()
	exec := func(statement string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER TABLE live_delivery ADD CONSTRAINT none CHECK (sent < 0)")
	d := s.send()
	for range 5 {
		r.Of(d).Written(99)
	}
	ctx, cancel := context.WithTimeout(t.Context(), projtest.Timeout)
	defer cancel()
	s.Start(r.Run)
	refused := func() (n int64) {
		if err := owner.QueryRow(ctx, "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for before := refused(); refused() < before+3; {
		if !wait.Sleep(ctx, 10*time.Millisecond) {
			t.Fatal("no write was refused")
		}
	}
	s.expect(d, delivery.Counts{})
	exec("ALTER TABLE live_delivery DROP CONSTRAINT none")
	for {
		got, err := s.tables.Gift(ctx, d.Position)
		if err != nil {
			t.Fatal(err)
		}
		if got.Sent > 0 {
			break
		}
		wait.Sleep(ctx, 10*time.Millisecond)
	}
	s.expect(d, delivery.Counts{Sent: 5})
	s.expectSums(delivery.Sums{Gifts: 1, Counts: delivery.Counts{Sent: 5}})
}

// TestWritesThatAreRefusedForGoodAreBounded refuses each write until the recorder gives the oldest gift up: a newer one takes its place.
func TestWritesThatAreRefusedForGoodAreBounded(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	clock, messages := clocktest.New(), &logtest.Buffer{}
	r := s.recorder(delivery.Config{Now: clock.Now, Open: 3, Window: time.Minute, Repeat: 10 * time.Minute, Interval: time.Millisecond, Log: slog.New(slog.NewTextHandler(messages, nil))})
	owner := s.OwnerPool()
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	before, refused, after := s.send(), s.send(), s.send()
	exec(fmt.Sprintf("ALTER TABLE gift_delivery ADD CONSTRAINT none CHECK (position <> %d)", refused.Position))
	for _, gift := range []projections.Delta{before, refused, after} {
		r.Of(gift).Written(99)
		r.Of(gift).Acknowledge(99)
	}
	s.store(r)
	for _, gift := range []projections.Delta{before, after} { // sent within the same second
		s.expect(gift, delivery.Counts{Sent: 1, Acknowledged: 1})
	}
	clock.Forward(9 * time.Minute)
	s.store(r)
	kept := s.send()
	r.Of(kept).Written(99)
	r.Of(s.send())
	if r.Of(s.send()) != nil {
		t.Error("more gifts are open than the configuration permits")
	}
	s.store(r)
	if got := r.Stats(); got.Open != 3 || got.Failed < 3 || got.NotCounted != 1 || got.Lost != 0 {
		t.Errorf("while the write is repeated: got %+v", got)
	}
	s.expect(kept, delivery.Counts{Sent: 1})
	clock.Forward(2*time.Minute + time.Second) // after the window of both gifts, and after the time to repeat the first
	s.store(r)
	if got := r.Stats(); got.Open != 0 || got.Lost != 1 {
		t.Errorf("after the write was repeated for ten minutes: got %+v", got)
	}
	if n := messages.Count("deliveries of gifts lost"); n != 1 {
		t.Errorf("%d messages about lost deliveries: %s", n, messages)
	}
	s.store(r)
	s.expect(kept, delivery.Counts{Sent: 1})
	s.expect(refused, delivery.Counts{})
	if got := r.Stats(); got.Open != 0 || got.Lost != 1 {
		t.Errorf("at the end: got %+v", got)
	}
	if got := (*delivery.Recorder)(nil).Stats(); got != (delivery.Stats{}) {
		t.Errorf("without a recorder: got %+v", got)
	}
}

// TestDeliveriesOutliveAFailover lets a recorder write while the database accepts no connection, and while all connections of the pool
// are busy, until long after the windows of the gifts. Then the recorder can write again: nothing is lost.
func TestDeliveriesOutliveAFailover(t *testing.T) {
	t.Parallel()
	s := newParty(t)
	ctx, cancel := context.WithTimeout(t.Context(), projtest.Timeout)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	var down atomic.Bool
	config := s.Pool.Config()
	config.MaxConns, config.MinConns = 1, 0
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if down.Load() {
			network, address = "tcp", closed
		}
		return dial(ctx, network, address)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for name, fault := range map[string]func() (mend func()){
		"no connection": func() func() {
			pool.Reset()
			down.Store(true)
			return func() { down.Store(false) }
		},
		"busy pool": func() func() {
			c, err := pool.Acquire(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return c.Release
		},
	} {
		clock, warnings := clocktest.New(), &logtest.Buffer{}
		r, err := delivery.New(delivery.Config{
			Tables: delivery.NewTables(pool), Now: clock.Now, Log: slog.New(slog.NewTextHandler(warnings, nil)),
			Interval: time.Millisecond, Timeout: 200 * time.Millisecond, Window: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		d := s.send()
		for other := d; other.Position < d.Position+3000; { // more than one statement writes; the log does not contain these
			other.Position++
			r.Of(other).Written(99)
		}
		last := s.send()
		for range 5 {
			r.Of(d).Written(99)
			r.Of(last).Written(99)
		}
		mend := fault()
		stop := s.Start(r.Run)
		fails := func(times int) {
			for before := warnings.Count("not stored"); warnings.Count("not stored") < before+times; {
				if !wait.Sleep(ctx, time.Millisecond) {
					t.Fatalf("%s: no write has failed", name)
				}
			}
		}
		fails(2)
		clock.Forward(2 * time.Minute)
		fails(2)
		mend()
		for {
			got, err := s.tables.Gift(ctx, last.Position)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.Sent > 0 {
				break
			}
			wait.Sleep(ctx, time.Millisecond)
		}
		stop()
		s.expect(d, delivery.Counts{Sent: 5})
		s.expect(last, delivery.Counts{Sent: 5})
	}
}

// TestDeliveryConfig refuses a configuration that cannot work.
func TestDeliveryConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []delivery.Config{{}, {Now: time.Now}, {Now: time.Now, Tables: delivery.NewTables(nil), Window: time.Nanosecond}} {
		if _, err := delivery.New(c); err == nil {
			t.Errorf("accepted %s", fmt.Sprintf("%+v", c))
		}
	}
}
