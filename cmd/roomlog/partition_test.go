package main_test

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/natsconn/natstest"
)

// TestLinksOfOneNodeFail cuts the links of one node to PostgreSQL, to NATS and to the node with the encoder, one after another and
// together, makes them half-open, and slow. Everybody goes on, or goes on afterwards: everything that was acknowledged is in the log once,
// every viewer has received it once and in order, exactly those are listed who are there, and the stream plays at every node.
func TestLinksOfOneNodeFail(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	need(t, "node", "node")
	db, broker := pgtest.New(t), natstest.Start(t)
	u, err := url.Parse(db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	host, port := u.Query().Get("host"), u.Query().Get("port")
	if !filepath.IsAbs(host) {
		t.Skip("the test server is not reached through a unix socket")
	}
	postgres, nats := newLink(t, "unix", filepath.Join(host, ".s.PGSQL."+port)), newLink(t, "tcp", strings.TrimPrefix(broker.URL, "nats://"))
	u.Host, u.RawQuery = postgres.addr, "sslmode=disable"
	internal := reservedAddress(t)
	stream := newLink(t, "tcp", internal)

	settings := append([]string{"--presence-grace", "2s"}, scenarioSettings...)
	near := append([]string{"DATABASE_URL=" + db.DSN, "ROOMLOG_NATS_URL=" + broker.URL}, sharedSecrets...)
	far := append([]string{"DATABASE_URL=" + u.String(), "ROOMLOG_NATS_URL=nats://" + nats.addr}, sharedSecrets...)
	origin := serve(t, near, append([]string{"--data", dataDir(t), "--media-internal-addr", internal, "--media-internal-url", "http://" + stream.addr}, settings...)...)
	disturbed := serve(t, far, append([]string{"--data", dataDir(t), "--media-internal-addr", "127.0.0.1:0"}, settings...)...)
	other := serve(t, near, append([]string{"--data", dataDir(t), "--media-internal-addr", "127.0.0.1:0"}, settings...)...)
	h := &scenario{}
	h.begin(t, []*process{origin}, []*process{origin, disturbed, other})

	isLost := func() bool { return !slices.Contains(h.streamer.viewers(h.live), h.viewers[1].user.id) }
	lostRelays := func() float64 { return (&person{t: t, at: disturbed}).metric("roomlog_media_relays_lost_total") }
	links := []struct {
		what string
		*link
	}{{"PostgreSQL", postgres}, {"NATS", nats}, {"the node with the encoder", stream}}
	setCut := func(cut bool) {
		for _, l := range links {
			l.setCut(cut)
		}
	}

	postgres.setCut(true)
	eventually(t, "the others consider the node lost that has lost PostgreSQL", isLost)
	postgres.setCut(false)
	h.heals("PostgreSQL was cut")

	nats.setCut(true)
	disturbed.receives(false)
	h.goesOn("without NATS", h.servers...)
	nats.setCut(false)
	h.heals("NATS was cut")

	before := lostRelays()
	stream.setCut(true)
	eventually(t, "the relay of the stream is lost", func() bool { return lostRelays() > before })
	stream.setCut(false)
	h.heals("the node with the encoder was cut")

	setCut(true)
	eventually(t, "the others consider the node lost that has lost everything", isLost)
	setCut(false)
	h.heals("everything was cut")

	for _, l := range links {
		l.halfOpen()
		h.heals("the link to " + l.what + " was half-open")
	}
	for _, l := range links {
		l.setDelay(20 * time.Millisecond)
		h.heals("the link to " + l.what + " is slow")
		l.setDelay(0)
	}
	h.judgeScenario()
}

// heals waits until everything goes on, and exactly those are listed who are there.
func (h *scenario) heals(what string) {
	h.t.Helper()
	h.recovers(what)
	var want []int64
	for _, v := range h.viewers {
		want = append(want, v.user.id)
	}
	eventually(h.t, what+": exactly those are listed who are there", func() bool {
		there := h.streamer.viewers(h.live)
		return len(there) == len(h.watchers)+len(h.viewers) && !slices.ContainsFunc(want, func(id int64) bool { return !slices.Contains(there, id) })
	})
}
