package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

const (
	rounds    = 5
	roundTime = 2 * time.Second
	warmUp    = 500 * time.Millisecond
)

// benchLog is a log with a thousand users in one live. Its PostgreSQL waits until writes are on disk.
type benchLog struct {
	*testLog
	fixture
}

func newBenchLog(b *testing.B, users int) *benchLog {
	b.Helper()
	server := pgtest.Server(b, pgtest.Durable)
	l := openLog(b, server.Open(), eventstore.SequencerConfig{})
	p := fixture{live: l.onAir(l.register("streamer")), gift: l.list(1), users: make([]testUser, users)}
	var group sync.WaitGroup
	for worker := range 64 {
		group.Go(func() {
			for i := worker; i < users; i += 64 {
				p.users[i] = l.register(fmt.Sprintf("user %d", i))
				l.credit(p.users[i], 1_000_000_000, fmt.Sprintf("bench-%d", i))
			}
		})
	}
	group.Wait()
	return &benchLog{l, p}
}

// rate returns how often work is executed per second. Each of the callers executes it in a loop.
func rate(b *testing.B, callers int, work func(caller, n int) error) float64 {
	b.Helper()
	var done atomic.Int64
	var group sync.WaitGroup
	var begun, ended time.Time
	stop := make(chan struct{})
	for caller := range callers {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := work(caller, n); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	<-time.After(warmUp)
	begun = time.Now()
	before := done.Load()
	<-time.After(roundTime)
	ended = time.Now()
	count := done.Load() - before
	close(stop)
	group.Wait()
	return float64(count) / ended.Sub(begun).Seconds()
}

// contender is one of the alternatives that a benchmark compares. It has a function that measures its rate.
type contender struct {
	name string
	rate func() float64
}

// measured contains the rates of the contenders, one map for each round.
type measured []map[string]float64

// measureInTurns measures the contenders one after another in each round, so that the load of the machine affects all
// of them equally.
func measureInTurns(b *testing.B, contenders ...contender) measured {
	b.Helper()
	var all measured
	for range rounds {
		round := make(map[string]float64)
		for _, c := range contenders {
			round[c.name] = c.rate()
			b.Logf("%-24s %8.0f/s", c.name, round[c.name])
		}
		all = append(all, round)
	}
	return all
}

// ratio returns, for two contenders, the median over all rounds of ours divided by baseline.
func (m measured) ratio(ours, baseline string) float64 {
	var ratios []float64
	for _, round := range m {
		ratios = append(ratios, round[ours]/round[baseline])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// comments returns a function that measures how many comments per second callers post. The texts of comments are
// encrypted.
func (l *benchLog) comments(callers int) func() float64 {
	return func() float64 {
		return rate(l.t.(*testing.B), callers, func(caller, n int) error {
			who := l.users[(caller*31+n)%len(l.users)]
			_, err := l.sequencer.Execute(context.Background(), who.request(l.say("nice cut, where is that knife from?")))
			return err
		})
	}
}

// gifts returns a function that measures how many gifts per second callers send. Each gift has an idempotency key.
func (l *benchLog) gifts(callers, users int) func() float64 {
	var keys atomic.Int64
	return func() float64 {
		return rate(l.t.(*testing.B), callers, func(caller, n int) error {
			who := l.users[(caller*31+n)%users]
			_, err := l.sequencer.Execute(context.Background(), who.keyedRequest(fmt.Sprintf("%016x", keys.Add(1)), l.give(1)))
			return err
		})
	}
}

// bareTable creates a table with the columns and indexes of table events. The table assigns the numbers of its rows
// itself.
const bareTable = `
CREATE TABLE bare (LIKE events INCLUDING ALL);
CREATE SEQUENCE bare_position;
ALTER TABLE bare ALTER position SET DEFAULT nextval('bare_position')`

const insertBare = `INSERT INTO bare (stream, version, event_id, type, payload, metadata, live_id, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now())`

// bare returns a function that measures how many rows per second are inserted into the bare table. Each row looks like
// the event of a command and is inserted in its own transaction.
func (l *benchLog) bare(connections int, like domain.Command) func() float64 {
	b := l.t.(*testing.B)
	sample := l.execute(l.users[0].request(like)).Events[0]
	stored := l.stored(sample.Position)
	conns := l.connections(connections)
	var versions atomic.Int64
	return func() float64 {
		return rate(b, connections, func(caller, _ int) error {
			_, err := conns[caller].Exec(context.Background(), insertBare, fmt.Sprintf("comment-%d", connections), versions.Add(1), uuid.New(), sample.Type,
				stored.payload, stored.metadata, int64(sample.LiveID))
			return err
		})
	}
}

type storedEvent struct{ payload, metadata []byte }

func (l *benchLog) stored(position int64) (s storedEvent) {
	err := l.db.Owner.QueryRow(context.Background(), "SELECT payload, metadata FROM events WHERE position = $1", position).
		Scan(&s.payload, &s.metadata)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *benchLog) connections(n int) []*pgx.Conn {
	conns := make([]*pgx.Conn, n)
	for i := range conns {
		conn, err := pgx.Connect(context.Background(), l.db.DSN)
		if err != nil {
			l.t.Fatal(err)
		}
		l.t.Cleanup(func() { conn.Close(context.Background()) })
		conns[i] = conn
	}
	return conns
}

func (l *benchLog) owner(statements string) {
	l.t.Helper()
	if _, err := l.db.Owner.Exec(context.Background(), statements); err != nil {
		l.t.Fatal(err)
	}
}
