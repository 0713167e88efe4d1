package main_test

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	idleBodies     = 4000
	idleBodiesWait = 30 * time.Second
	honestRounds   = 30 // number of measured commands of each honest client
	hostileRounds  = 5
)

// BenchmarkFigureHostile measures how much hostile clients affect others: the 99th percentile of the time of honest
// clients' comments, and the number of slots that incomplete bodies hold.
func BenchmarkFigureHostile(b *testing.B) {
	at := serve(b, nil, "--data", dataDir(b), "--trusted-proxies", "192.0.2.1", "--registrations-per-address", "1000", "--sign-ins-per-address", "1000")
	live := join(b, at, "streamer").open("in a storm")
	member := join(b, at, "hostile member")
	sockets := make([]*socket, honestUsers)
	for i := range sockets {
		p := join(b, at, fmt.Sprintf("honest-%d", i))
		sockets[i] = p.connect("")
		enter(b, sockets[i], live, "")
	}
	probe := &person{t: b, at: at, from: net.IPv4(127, 0, 3, 1)}
	for b.Loop() {
		var ratios []float64
		for range hostileRounds {
			alone := honestP99(b, sockets, live)
			h := attack(b, at, member, live, 16, 50, 20*time.Millisecond)
			eventually(b, "the hostile clients are connected", func() bool { return h.dialed.Load() > 600 && h.sent.Load() > 100 })
			beside := honestP99(b, sockets, live)
			h.stop()
			ratios = append(ratios, beside.Seconds()/alone.Seconds())
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "honest_p99_beside_hostile_ratio")
		b.ReportMetric(slotsOfIdleBodies(b, at, probe), "idle_bodies_slots_after_30s")
	}
}

// honestP99 returns the 99th percentile of the time from sending a comment to its reply.
func honestP99(b *testing.B, sockets []*socket, live int64) time.Duration {
	b.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var clients sync.WaitGroup
	for _, s := range sockets {
		clients.Go(func() {
			for n := range honestRounds {
				begun := time.Now()
				f, err := s.ask("comment.post", map[string]any{"live": live, "text": fmt.Sprint("comment ", n)}, "")
				if err != nil || f.Type != "ok" {
					b.Errorf(`a comment is answered %s %s, %v, want "ok"`, f.Type, f.Data, err)
					return
				}
				mu.Lock()
				all = append(all, time.Since(begun))
				mu.Unlock()
				time.Sleep(250 * time.Millisecond) // slower than the rate of comments permits
			}
		})
	}
	clients.Wait()
	slices.Sort(all)
	return all[len(all)*99/100]
}

// slotsOfIdleBodies returns the number of slots that are held 30 s after clients began bodies that they do not
// continue.
func slotsOfIdleBodies(b *testing.B, at *process, probe *person) float64 {
	b.Helper()
	before := probe.metric("roomlog_http_connections")
	for n := range idleBodies {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 4, byte(n%8))}}
		conn, err := dialer.Dial("tcp", at.addr)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, heldRequests["one byte of nine"], "/api/login")
	}
	time.Sleep(idleBodiesWait)
	return max(0, probe.metric("roomlog_http_connections")-before)
}
