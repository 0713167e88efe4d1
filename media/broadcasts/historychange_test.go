package broadcasts_test

import (
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
)

// TestBroadcastsContinueInAnotherHistory restores a dump while one broadcast runs whose beginning is lost, one whose live is lost,
// and after the end of one whose end is lost.
func TestBroadcastsContinueInAnotherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	p := open(t, &pgtest.DB{DSN: d.DSN(), Serving: true}, "p1", nil)
	running, ending := p.live(), p.live()
	ended := p.publish(ending)
	dump := d.Dump()
	p.publish(running)
	before := p.broadcast(running).ID
	lost := p.live()
	cut := p.publish(lost)
	ended.Close()
	p.eventually("the tables have the end", func() bool { return p.broadcast(ending).ID == "" })

	d.RestoreDump(dump)

	recorded := func(l live, id domain.BroadcastID) func() bool {
		return func() bool { // the first connections are broken
			found, err := p.queries.Live(t.Context(), l.id)
			return err == nil && found.Broadcast.ID == id
		}
	}
	p.eventually("the broadcast is recorded again", recorded(running, before))
	p.eventually("the lost end is recorded again", recorded(ending, ""))
	select {
	case <-cut.ended:
	case <-time.After(timeout):
		t.Error("the stream of the lost live goes on")
	}
}
