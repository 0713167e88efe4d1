package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"roomlog/cmd/roomlog/bridge"
	"roomlog/eventstore"
	"roomlog/internal/logtest"
	"roomlog/internal/natsconn"
	"roomlog/internal/natsconn/natstest"
	"roomlog/projections/projtest"
)

// TestMain also runs the bridge that TestKilledBridge kills, and the servers that TestLeaderIsKilled kills.
func TestMain(m *testing.M) {
	if file := os.Getenv(childConfig); file != "" {
		os.Exit(runNATS(file))
	}
	if dsn := os.Getenv(childDSN); dsn != "" {
		os.Exit(child(dsn, os.Getenv(childNATS)))
	}
	goleak.VerifyTestMain(m)
}

const name = "log-of-a-test"

// copied is a log with a NATS server to which it is copied.
type copied struct {
	*projtest.World
	servers []string
	js      jetstream.JetStream
	log     logtest.Buffer
}

// newCopied returns a copied log.
func newCopied(w *projtest.World, servers ...*natstest.Server) *copied {
	w.Helper()
	c := &copied{World: w}
	for _, s := range servers {
		c.servers = append(c.servers, s.URL)
	}
	c.open()
	return c
}

// open connects the test to the servers.
func (c *copied) open() {
	c.Helper()
	conn := c.connect()
	natstest.AwaitConnected(c, conn)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(projtest.Timeout))
	if err != nil {
		c.Fatal(err)
	}
	c.js = js
}

// connect returns a connection that is closed at the end of the test.
func (c *copied) connect() *nats.Conn {
	c.Helper()
	conn, err := natsconn.Open(natsconn.Config{Settings: natsconn.Settings{NatsURL: c.servers}})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(conn.Close)
	return conn
}

// bridge returns a bridge with its own store and connection, as another process has them.
func (c *copied) bridge(change ...func(*bridge.Config)) *bridge.Bridge {
	c.Helper()
	pool, err := eventstore.OpenPool(c.Context(), c.DB.DSN, eventstore.PoolOptions{MaxConns: 4, Name: "roomlog bridge"})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(pool.Close)
	log := slog.New(slog.NewTextHandler(&c.log, nil))
	store, err := eventstore.Open(c.Context(), pool, eventstore.Config{Now: time.Now, Log: log})
	if err != nil {
		c.Fatal(err)
	}
	config := bridge.Config{Store: store, Conn: c.connect(), Stream: name, Now: time.Now, Log: log}
	for _, f := range change {
		f(&config)
	}
	b, err := bridge.New(config)
	if err != nil {
		c.Fatal(err)
	}
	c.Start(store.Listen)
	return b
}

func once(c *bridge.Config)   { c.Once = true }
func sealed(c *bridge.Config) { c.Sealed = true }

// copy copies what the tables contain.
func (c *copied) copy(change ...func(*bridge.Config)) error {
	c.Helper()
	return c.bridge(append(change, once)...).Run(c.Context())
}

// refused copies, and checks that the bridge ends with an error that contains texts, and that the stream does not change.
func (c *copied) refused(want error, texts []string, change ...func(*bridge.Config)) {
	c.Helper()
	before := c.state()
	err := c.copy(change...)
	if !errors.Is(err, want) {
		c.Fatalf("got %v, want %v", err, want)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			c.Errorf("%v\ndoes not contain %q", err, text)
		}
	}
	if after := c.state(); after != before {
		c.Errorf("the stream was %s and is %s", before, after)
	}
}

// state returns the positions of the stream.
func (c *copied) state() string {
	c.Helper()
	s, err := c.js.Stream(c.Context(), name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return "missing"
	}
	if err != nil {
		c.Fatal(err)
	}
	i := s.CachedInfo().State
	return fmt.Sprintf("%d to %d, %d messages", i.FirstSeq, i.LastSeq, i.Msgs)
}

// stream returns the stream, when it has a leader.
func (c *copied) stream() (s jetstream.Stream) {
	c.Helper()
	c.Eventually(func() (err error) {
		ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
		defer cancel()
		s, err = c.js.Stream(ctx, name)
		return err
	})
	return s
}

// messages returns all messages of the stream from a sequence number on.
func (c *copied) messages(from uint64) (all []*jetstream.RawStreamMsg) {
	c.Helper()
	s := c.stream()
	for n := from; n <= s.CachedInfo().State.LastSeq; n++ {
		c.Eventually(func() error { // there may be no leader
			ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
			defer cancel()
			m, err := s.GetMsg(ctx, n)
			if err == nil {
				all = append(all, m)
			}
			return err
		})
	}
	return all
}

// events returns all events of the log.
func (c *copied) events() (all []eventstore.Record) {
	c.Helper()
	q := eventstore.Query{}
	for {
		page, err := c.Store.Read(c.Context(), q)
		if err != nil {
			c.Fatal(err)
		}
		all, q.After = append(all, page.Events...), page.Next
		if page.Next >= page.Head {
			return all
		}
	}
}

// same checks that the stream contains every event of the log once, at its position.
func (c *copied) same() {
	c.Helper()
	events := c.events()
	messages := c.messages(1)
	if len(messages) != len(events) {
		c.Fatalf("the stream has %d messages, the log %d events", len(messages), len(events))
	}
	for i, m := range messages {
		if got, want := m.Header.Get("ce-id"), events[i].ID.String(); got != want {
			c.Fatalf("position %d: the stream has event %s, the log %s", i+1, got, want)
		}
	}
}

// reaches waits until the stream ends at a position or later.
func (c *copied) reaches(position int64) {
	c.Helper()
	c.Eventually(func() error {
		if last := c.stream().CachedInfo().State.LastSeq; last < uint64(position) {
			return fmt.Errorf("the stream ends at %d, want %d\n%s", last, position, c.log.String())
		}
		return nil
	})
}
