package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"roomlog/cmd/roomlog/bridge"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/natsconn"
	"roomlog/internal/natsconn/natstest"
	"roomlog/internal/waittest"
	"roomlog/projections/projtest"
)

// busy returns a log with users and lives whose tables are up to date, and a server for its copy.
func busy(t *testing.T) (*copied, *projtest.Traffic, *natstest.Server) {
	t.Helper()
	w, s := projtest.New(t), natstest.JetStream(t)
	w.Project()
	traffic := projtest.NewTraffic(w, 6, 3)
	w.CatchUp()
	return newCopied(w, s), traffic, s
}

// TestBridgeFollowsTheLog checks that a bridge creates the stream with the stated settings, copies the log, and follows it until it is
// stopped. It copies only what the tables contain.
func TestBridgeFollowsTheLog(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	stop := w.Project()
	traffic := projtest.NewTraffic(w, 6, 3)
	traffic.Act(2, 600)
	w.CatchUp()
	c := newCopied(w, natstest.JetStream(t))
	end := c.Start(c.bridge().Run)
	c.reaches(c.Head())
	stop()
	w.Register("not in the tables")
	traffic.Act(2, 100)
	if released := uint64(c.Checkpoint().Position); released >= uint64(c.Head()) || len(c.messages(1)) != int(released) {
		t.Errorf("%d messages, %d events in the tables, %d in the log", len(c.messages(1)), released, c.Head())
	}
	w.Project()
	c.reaches(c.Head())
	traffic.Act(2, 100)
	c.reaches(c.Head())
	end()
	c.same()
	config := c.stream().CachedInfo().Config
	if config.Storage != jetstream.FileStorage || config.Retention != jetstream.LimitsPolicy || config.Discard != jetstream.DiscardOld || config.Replicas != 1 ||
		config.MaxAge != 0 || config.MaxMsgs != -1 || config.MaxBytes != -1 || config.MaxMsgsPerSubject != -1 || fmt.Sprint(config.Subjects) != "["+name+".>]" {
		t.Errorf("the stream has the settings %+v", config)
	}
}

// TestTwoBridges lets two bridges copy a log that grows, and then a third one alone.
func TestTwoBridges(t *testing.T) {
	t.Parallel()
	c, traffic, _ := busy(t)
	traffic.Act(2, 300)
	c.CatchUp()
	one, two := c.bridge(), c.bridge()
	stopOne, stopTwo := c.Start(one.Run), c.Start(two.Run)
	for i := range 5 {
		traffic.Seed++
		traffic.Act(2, 100)
		if i == 2 {
			stopOne() // the other one continues
		}
	}
	c.reaches(c.Head())
	stopTwo()
	traffic.Act(2, 50)
	c.CatchUp()
	if err := c.copy(); err != nil {
		t.Error(err)
	}
	c.same()
}

const childDSN, childNATS = "BRIDGE_CHILD_DSN", "BRIDGE_CHILD_NATS"

// child runs a bridge until it is killed.
func child(dsn, address string) int {
	ctx := context.Background()
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{MaxConns: 2})
	if err == nil {
		var store *eventstore.Store
		var conn *nats.Conn
		var b *bridge.Bridge
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		store, err = eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now, Log: log})
		if err == nil {
			conn, err = natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{address}}})
		}
		if err == nil {
			b, err = bridge.New(bridge.Config{Store: store, Conn: conn, Stream: name, Now: time.Now, Log: log})
		}
		if err == nil {
			err = b.Run(ctx)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilledBridge kills a bridge at random moments while the log grows, and starts it again.
func TestKilledBridge(t *testing.T) {
	t.Parallel()
	c, traffic, broker := busy(t)
	growing := make(chan struct{})
	go func() {
		defer close(growing)
		for range 10 {
			traffic.Seed++
			traffic.Act(2, 200)
		}
	}()
	run := func() *exec.Cmd {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), childDSN+"="+c.DB.DSN, childNATS+"="+broker.URL)
		command.Stderr = os.Stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command
	}
	wrote := 0 // runs that have written before they were killed
	for range 20 {
		before := c.state()
		b := run()
		<-time.After(time.Duration(rand.IntN(400)) * time.Millisecond) // time passes: a bridge that is killed before it writes is correct, too
		if err := b.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = b.Wait()
		if c.state() != before {
			wrote++
		}
	}
	<-growing
	c.CatchUp()
	last := run()
	c.reaches(c.Head())
	_ = last.Process.Kill()
	_ = last.Wait()
	c.same()
	t.Logf("%d of 20 runs wrote before they were killed", wrote)
}

// TestNATSIsLost stops the NATS server and cuts connections while a bridge copies.
func TestNATSIsLost(t *testing.T) {
	t.Parallel()
	c, traffic, broker := busy(t)
	conn := c.connect()
	c.Start(c.bridge(func(config *bridge.Config) { config.Conn = conn }).Run)
	for range 4 {
		traffic.Seed++
		broker.Stop()
		traffic.Act(2, 150)
		broker.Restart()
		traffic.Act(2, 50)
		if conn.IsConnected() {
			broker.Cut(conn)
		}
		c.reaches(c.Head())
	}
	c.same()
	if !strings.Contains(c.log.String(), "copying interrupted") || !strings.Contains(c.log.String(), "copying again") {
		t.Errorf("the log says\n%s", c.log.String())
	}
}

// TestLeaderStops stops the leader of a stream with three replicas, again and again, while a bridge copies.
func TestLeaderStops(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	traffic := projtest.NewTraffic(w, 6, 3)
	servers := natstest.JetStreamCluster(t, 3)
	c := newCopied(w, servers...)
	c.Start(c.bridge(func(config *bridge.Config) { config.Replicas = 3 }).Run)
	for range 3 {
		traffic.Seed++
		traffic.Act(2, 100)
		c.reaches(1)
		var leader *natstest.Server
		c.Eventually(func() error {
			for _, s := range servers {
				if s.LeadsStream(name) {
					leader = s
					return nil
				}
			}
			return fmt.Errorf("the stream has no leader")
		})
		leader.Stop()
		traffic.Act(2, 100)
		c.CatchUp()
		c.reaches(c.Head())
		leader.Restart()
	}
	c.same()
}

// TestDatabaseIsLost kills PostgreSQL while a bridge copies.
func TestDatabaseIsLost(t *testing.T) {
	t.Parallel()
	instance := pgtest.Server(t, pgtest.Durable)
	w := projtest.Open(t, instance.Open(), eventstore.Config{}, "first")
	w.Project()
	ann := w.Register("ann")
	live := ann.GoLive("a live")
	c := newCopied(w, natstest.JetStream(t))
	c.Start(c.bridge().Run)
	head := func() (position int64) {
		t.Helper()
		c.Eventually(func() (err error) { // connections from before the kill fail
			position, err = c.Store.Head(t.Context())
			return err
		})
		return position
	}
	for range 4 {
		growing := make(chan struct{})
		go func() {
			defer close(growing)
			for range 100 {
				_, err := c.Sequencer.Execute(context.Background(), domain.Request{Actor: ann.Actor(), Command: domain.PostComment{Live: live, Text: "hello"}})
				if err != nil && !errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, eventstore.ErrOutcomeUnknown) {
					t.Error(err)
				}
			}
		}()
		c.reaches(head())
		instance.Kill()
		instance.Start()
		<-growing
		c.reaches(head())
	}
	c.Pool.Reset()
	c.same()
}

// TestPurgedStream purges the stream while a bridge runs, which continues. A new bridge cannot compare the stream with the log.
func TestPurgedStream(t *testing.T) {
	t.Parallel()
	c, traffic, _ := busy(t)
	stop := c.Start(c.bridge().Run)
	c.reaches(c.Head())
	purge := func() {
		t.Helper()
		if err := c.stream().Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	purge()
	first := c.Head() + 1
	traffic.Act(2, 100)
	c.CatchUp()
	c.reaches(c.Head())
	stop()
	if got := len(c.messages(uint64(first))); int64(got) != c.Head()-first+1 {
		t.Errorf("%d messages after the purge, want %d", got, c.Head()-first+1)
	}
	purge()
	end := c.Head()
	c.refused(bridge.ErrDiverged, []string{fmt.Sprintf("message %d, the newest of stream %s, was removed", end, name), "--accept-removed", "nats stream rm " + name})
	traffic.Act(2, 100)
	c.CatchUp()
	c.refused(bridge.ErrDiverged, []string{"--accept-removed"})
	if err := c.copy(func(c *bridge.Config) { c.AcceptRemoved = true }); err != nil {
		t.Fatal(err)
	}
	if got := len(c.messages(uint64(end + 1))); int64(got) != c.Head()-end {
		t.Errorf("%d messages after the second purge, want %d", got, c.Head()-end)
	}
	if err := c.js.DeleteStream(t.Context(), name); err != nil { // the cure that the message names
		t.Fatal(err)
	}
	if err := c.copy(); err != nil {
		t.Fatal(err)
	}
	c.same()
}

// TestForeignMessages checks that a bridge does not continue a stream to which others write, that contains another log, or that was
// written with another setting.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	c, traffic, _ := busy(t)
	if err := c.copy(); err != nil {
		t.Fatal(err)
	}
	c.refused(bridge.ErrDiverged, []string{"was written without --sealed, and would be continued with it"}, sealed)
	db := pgtest.New(t)
	if _, err := db.Owner.Exec(t.Context(), "ALTER TABLE public.store DISABLE TRIGGER USER; UPDATE public.store SET id = gen_random_uuid(); ALTER TABLE public.store ENABLE TRIGGER USER"); err != nil {
		t.Fatal(err)
	}
	other := &copied{World: projtest.Open(t, db, eventstore.Config{}, "other"), servers: c.servers, js: c.js}
	other.refused(bridge.ErrDiverged, []string{"contains the log urn:uuid:" + c.Store.ID(), "this is the log urn:uuid:" + other.Store.ID(), "--stream"})
	if _, err := c.js.Publish(t.Context(), name+".6.gift.sent.v2", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	traffic.Act(2, 20)
	c.CatchUp()
	at := c.stream().CachedInfo().State.LastSeq
	c.refused(bridge.ErrDiverged, []string{fmt.Sprintf("message %d of stream %s is not the event at position %d", at, name, at), "Somebody else writes to the subjects " + name + ".>"})
}

// TestUnfitStreams checks that streams that would not contain the log are refused before anything is written.
func TestUnfitStreams(t *testing.T) {
	t.Parallel()
	c, _, _ := busy(t)
	for fault, change := range map[string]func(*jetstream.StreamConfig){
		"the subjects a, b":     func(s *jetstream.StreamConfig) { s.Subjects = []string{"a", "b"} },
		"other messages":        func(s *jetstream.StreamConfig) { s.Subjects = append(s.Subjects, "also") },
		`retention "Interest"`:  func(s *jetstream.StreamConfig) { s.Retention = jetstream.InterestPolicy },
		`retention "WorkQueue"`: func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy },
		"discard policy new":    func(s *jetstream.StreamConfig) { s.Discard, s.MaxMsgs = jetstream.DiscardNew, 10 },
		"a mirror or sources":   func(s *jetstream.StreamConfig) { s.Sources = []*jetstream.StreamSource{{Name: "another"}} },
		"a subject transform": func(s *jetstream.StreamConfig) {
			s.SubjectTransform = &jetstream.SubjectTransformConfig{Source: name + ".>", Destination: "x.>"}
		},
		"no acknowledgements":             func(s *jetstream.StreamConfig) { s.NoAck = true },
		"a maximum message size of 100 b": func(s *jetstream.StreamConfig) { s.MaxMsgSize = 100 },
	} {
		// The server deletes the files of a stream after it has deleted the stream, and refuses to create it again meanwhile.
		config := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.MemoryStorage}
		change(&config)
		if _, err := c.js.CreateStream(t.Context(), config); err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		c.refused(bridge.ErrUnfit, []string{fault, "nats stream edit", "--stream"})
		if err := c.js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "wide", Subjects: []string{name + ".*.gift.>"}}); err != nil {
		t.Fatal(err)
	}
	c.refused(bridge.ErrUnfit, []string{"refuses to create stream " + name, "overlap"})
	if err := c.js.DeleteStream(t.Context(), "wide"); err != nil {
		t.Fatal(err)
	}
	c.refused(bridge.ErrUnfit, []string{"refuses to create stream " + name, "replicas"}, func(c *bridge.Config) { c.Replicas = 3 })

	if _, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, AllowDirect: true, MaxMsgs: 5, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if err := c.copy(); err != nil {
		t.Error(err)
	}
	if got, want := c.state(), fmt.Sprintf("%d to %d, 5 messages", c.Head()-4, c.Head()); got != want {
		t.Errorf("the stream with limits has %s, want %s", got, want)
	}
	if !strings.Contains(c.log.String(), `reason="maximum age 1h0m0s, at most 5 messages"`) {
		t.Errorf("the log does not name the limits:\n%s", c.log.String())
	}
}

// TestLogFallsBack lets the database fall back to an earlier state under a running bridge. The log then grows beyond the end of the
// stream. The bridge ends, and no other one continues.
func TestLogFallsBack(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	owner, err := eventstore.OpenPool(t.Context(), d.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	w := projtest.Open(t, &pgtest.DB{DSN: d.DSN(), Owner: owner}, eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
	w.Start(w.Store.Listen)
	w.Project()
	traffic := projtest.NewTraffic(w, 1, 1)
	ann, live := traffic.Users[0], traffic.Lives[0]
	w.CatchUp()
	c := newCopied(w, natstest.JetStream(t))
	ended := make(chan error, 1)
	b := c.bridge()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- b.Run(ctx) }()
	common := c.Head()
	c.reaches(common)
	standby := d.Standby()
	standby.CatchUp()
	standby.HoldBack()
	for range 3 {
		ann.Send(domain.PostComment{Live: live, Text: "lost"})
	}
	lost := c.Head()
	c.reaches(lost)
	d.Promote(standby)
	err = waittest.Receive(t, ended, "the end of the bridge") // the log ends before the stream
	ann.Send(domain.PostComment{Live: live, Text: "instead"})
	want := []string{fmt.Sprintf("stream %s ends at position %d with event ", name, lost), "the log was restored to an earlier state",
		fmt.Sprintf("They agree up to position %d", common), "nats stream rm " + name}
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the bridge ended with %v, want %q", err, text)
		}
	}
	for range 10 {
		ann.Send(domain.PostComment{Live: live, Text: "instead"})
	}
	c.CatchUp()
	own, err := c.Store.Cursor(t.Context(), lost)
	if err != nil {
		t.Fatal(err)
	}
	c.refused(bridge.ErrDiverged, append(want, fmt.Sprintf("the log has event %s there", own)))
	for position := int64(2); position < lost; position++ { // as nats stream rmm does
		if position == common {
			continue
		}
		if err := c.stream().DeleteMsg(t.Context(), uint64(position)); err != nil {
			t.Fatal(err)
		}
	}
	c.refused(bridge.ErrDiverged, want)
	if err := c.stream().DeleteMsg(t.Context(), uint64(common)); err != nil {
		t.Fatal(err)
	}
	c.refused(bridge.ErrDiverged, []string{"They agree up to position 1."})
	if err := c.js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := c.copy(); err != nil {
		t.Fatal(err)
	}
	c.same()
}

// TestRights runs the example of a NATS server in the folder deploy: its users can do their work, and nothing else.
func TestRights(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/nats-jetstream.conf") // not parallel: environment variables belong to the whole process
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed := strings.NewReplacer("/var/lib/nats", dir, "0.0.0.0:4222", "127.0.0.1:-1").Replace(string(text))
	before, rest, _ := strings.Cut(changed, "tls {") // internal/natsconn tests TLS
	_, after, _ := strings.Cut(rest, "}")
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, []byte(before+after), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_BRIDGE_PASSWORD", "secret-of-the-bridge")
	t.Setenv("NATS_SHOP_PASSWORD", "secret-of-the-shop")
	s := natstest.Start(t, func(o *server.Options) {
		if err := o.ProcessConfigFile(file); err != nil {
			t.Fatal(err)
		}
		o.NoLog, o.NoSigs = true, true
	})
	connect := func(user string) *nats.Conn {
		t.Helper()
		conn, err := natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: []string{s.URL}, NatsUser: user}, Secrets: natsconn.Secrets{Password: "secret-of-the-" + user}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		natstest.AwaitConnected(t, conn)
		return conn
	}
	w := projtest.New(t)
	w.Project()
	projtest.NewTraffic(w, 3, 1)
	w.CatchUp()
	c := &copied{World: w, servers: []string{s.URL}}
	for i := range 2 { // creates the stream, and continues it
		err := c.copy(func(config *bridge.Config) { config.Conn, config.Stream = connect("bridge"), "roomlog-log" })
		if err != nil {
			t.Fatal(err)
		}
		w.Register(fmt.Sprint("one more ", i))
		w.CatchUp()
	}
	js, err := jetstream.New(connect("shop"), jetstream.WithDefaultTimeout(projtest.Timeout))
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), "roomlog-log", jetstream.ConsumerConfig{Durable: "shop", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "roomlog-log.none.user.>"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(projtest.Timeout))
	if err != nil || m.Headers().Get("ce-type") != "user.registered.v1" {
		t.Fatalf("received %v, %v", m, err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Error(err)
	}
	for _, forbidden := range []string{"roomlog-log.none.forged", "$JS.API.STREAM.PURGE.roomlog-log", "$JS.API.STREAM.DELETE.roomlog-log"} {
		refused := make(chan error, 1)
		conn := connect("shop")
		conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
		if err := conn.Publish(forbidden, nil); err != nil {
			t.Fatal(err)
		}
		if err := waittest.Receive(t, refused, "the refusal"); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v, want a refusal", forbidden, err)
		}
	}
}

// TestOnceGivesUp checks that a bridge with Once ends with the cause when NATS cannot be reached. The clock runs ahead.
func TestOnceGivesUp(t *testing.T) {
	t.Parallel()
	c, _, broker := busy(t)
	broker.Stop()
	var calls atomic.Int64
	begun := time.Now()
	err := c.copy(func(config *bridge.Config) {
		config.Now = func() time.Time { return begun.Add(time.Duration(calls.Add(1)) * 20 * time.Second) }
	})
	if err == nil || errors.Is(err, bridge.ErrUnfit) || !strings.Contains(err.Error(), "read stream "+name) {
		t.Errorf("got %v", err)
	}
}

// TestEventIsTooLarge checks that an event that NATS does not accept ends the bridge, which names it and has copied those before it.
func TestEventIsTooLarge(t *testing.T) {
	t.Parallel()
	c, _, _ := busy(t)
	before := c.Head()
	c.Forge(before+1, "gift-99", 1, "gift.added.v1", `{"gift":99,"name":"`+strings.Repeat("x", 2<<20)+`","image":"","price":1}`, 0)
	c.CatchUp()
	err := c.copy()
	want := fmt.Sprintf("the event at position %d is larger than a message may be", before+1)
	if !errors.Is(err, bridge.ErrUnfit) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if got, want := c.state(), fmt.Sprintf("1 to %d, %d messages", before, before); got != want {
		t.Errorf("the stream has %s, want %s", got, want)
	}
}
