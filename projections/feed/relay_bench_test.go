package feed_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/natsconn/natstest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

const (
	edges     = 100
	edgeRound = 3                     // rounds of each kind
	flushes   = 200                   // number of batches of comments in a round
	perFlush  = 10                    // comments in a batch
	flushGap  = 50 * time.Millisecond // time between two batches
)

// BenchmarkFigureNATS compares nodes that receive over NATS with nodes that tail PostgreSQL: the CPU time of PostgreSQL for 100 of them
// beyond that of none, and the time from a comment to its delta, the median over all nodes.
func BenchmarkFigureNATS(b *testing.B) {
	for b.Loop() {
		server := pgtest.Server(b, pgtest.Durable, pgtest.Setting("max_connections", "600"))
		w := projtest.Open(b, server.Open(), eventstore.Config{}, "first")
		w.Start(w.Store.Listen)
		w.Project()
		c := projtest.NewTraffic(w, perFlush, 1)
		broker := natstest.Start(b)
		var none, tailed, relayed []float64
		var tailedPush, relayedPush []time.Duration
		for range edgeRound {
			cpu, _ := withEdges(b, c, 0, nil)
			none = append(none, cpu)
			cpu, push := withEdges(b, c, edges, nil)
			tailed, tailedPush = append(tailed, cpu), append(tailedPush, push)
			cpu, push = withEdges(b, c, edges, broker)
			relayed, relayedPush = append(relayed, cpu), append(relayedPush, push)
		}
		middle := func(values []float64) float64 { slices.Sort(values); return values[len(values)/2] }
		push := func(values []time.Duration) float64 { slices.Sort(values); return values[len(values)/2].Seconds() }
		b.Logf("CPU seconds of PostgreSQL for %d events: %.2f without nodes, %.2f with %d that tail, %.2f over NATS; median of a push %.1f ms and %.1f ms",
			flushes*perFlush, middle(none), middle(tailed), edges, middle(relayed), 1000*push(tailedPush), 1000*push(relayedPush))
		b.ReportMetric(max(0, middle(relayed)-middle(none))/(middle(tailed)-middle(none)), "nats_postgres_cpu_ratio")
		b.ReportMetric(push(relayedPush)/push(tailedPush), "nats_push_p50_ratio")
	}
}

// withEdges posts comments while n nodes receive, over NATS if there is a broker. It returns the CPU time of PostgreSQL, and the median time from
// the command to the delta.
func withEdges(b *testing.B, c *projtest.Traffic, n int, broker *natstest.Server) (cpu float64, push time.Duration) {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	var running, reading sync.WaitGroup
	var mu sync.Mutex
	sent := make(map[string]time.Time)
	var took []time.Duration
	feeds := make([]*feed.Feed, n)
	last := fmt.Sprintf("comment %d of %d", flushes-1, perFlush-1)
	for i := range feeds {
		pool, err := eventstore.OpenPool(ctx, c.DB.DSN, eventstore.PoolOptions{Serving: c.DB.Serving, MaxConns: 2, Name: "edge"})
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		config := feed.Config{}
		if broker != nil {
			config.NATS = broker.Connect()
			defer config.NATS.Close()
		}
		f := feed.New(store, projections.NewQueries(pool), config)
		feeds[i] = f
		running.Go(func() { _ = store.Listen(ctx) })
		running.Go(func() { _ = f.Run(ctx) })
		batches, err := f.Subscribe(ctx)
		if err != nil {
			b.Fatal(err)
		}
		reading.Go(func() {
			for batch := range batches {
				now := time.Now()
				for _, d := range batch.Deltas {
					comment, ok := d.Event.(domain.CommentPosted)
					if !ok {
						continue
					}
					mu.Lock()
					took = append(took, now.Sub(sent[comment.Text]))
					mu.Unlock()
					if comment.Text == last {
						return
					}
				}
			}
		})
	}
	c.Eventually(func() error {
		for _, f := range feeds {
			if broker != nil && !f.Relay().Received {
				return fmt.Errorf("%+v", f.Relay())
			}
		}
		return nil
	})
	before := postgresCPU(b, c.World)
	tick := time.NewTicker(flushGap)
	defer tick.Stop()
	for flush := range flushes {
		<-tick.C
		var all sync.WaitGroup
		for i := range perFlush {
			all.Go(func() {
				text := fmt.Sprintf("comment %d of %d", flush, i)
				mu.Lock()
				sent[text] = time.Now()
				mu.Unlock()
				if flush == flushes-1 && i == perFlush-1 {
					return
				}
				c.Users[i].Send(domain.PostComment{Live: c.Lives[0], Text: text})
			})
		}
		all.Wait()
	}
	c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: last})
	reading.Wait()
	c.CatchUp()
	cpu = postgresCPU(b, c.World) - before
	end()
	running.Wait()
	if n == 0 {
		return cpu, 0
	}
	if len(took) != n*flushes*perFlush {
		b.Errorf("%d comments were received, want %d", len(took), n*flushes*perFlush)
	}
	slices.Sort(took)
	return cpu, took[len(took)/2]
}

// postgresCPU returns the CPU time in seconds that the database server and its processes, also ended ones, have used.
func postgresCPU(b *testing.B, w *projtest.World) (seconds float64) {
	b.Helper()
	var folder string
	if err := w.DB.Owner.QueryRow(b.Context(), "SELECT setting FROM pg_settings WHERE name = 'data_directory'").Scan(&folder); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "postmaster.pid"))
	if err != nil {
		b.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(text), "\n")
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
		own, last := strings.TrimPrefix(filepath.Dir(path), "/proc/") == postmaster, 13
		if own {
			last = 15 // with the processes that have ended
		}
		if !own && fields[1] != postmaster {
			continue
		}
		for _, ticks := range fields[11:last] {
			n, err := strconv.Atoi(ticks)
			if err != nil {
				b.Fatal(err)
			}
			seconds += float64(n) / 100
		}
	}
	return seconds
}
