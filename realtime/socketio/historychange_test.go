package socketio_test

import (
	"slices"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws/wstest"
)

// TestSocketsContinueInAnotherHistory restores a dump while sockets are connected.
func TestSocketsContinueInAnotherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	w := openWorld(t, &pgtest.DB{DSN: d.DSN(), Serving: true}, true, func(c *socketio.Config, _ *roomsConfig) { c.GuestChat = true })
	ann, bob := w.register("ann"), w.register("bob").credit(10)
	live := ann.goLive()
	a := w.app(siotest.Options{})
	a.joins(ann, live)
	recovering := w.app(siotest.Options{})
	recovering.joins(w.register("carl"), live)
	dump := d.Dump()

	late := w.register("late")
	b := w.app(siotest.Options{})
	b.joins(late, live)
	c := w.app(siotest.Options{})
	c.joins(bob, live)
	bob.Asks(domain.PostComment{Live: live, Text: "lost"})
	_, offset := push[comment](recovering, "comment")
	recovering.Cut()
	wstest.Eventually(t, "carl has left", func() bool { return len(events[domain.ViewerLeft](w)) == 1 })

	d.RestoreDump(dump)

	// The account of late is lost: its socket gets a refusal and stays connected.
	if no, _ := push[refusal](b, b.id); no.Data.Code != "user_unavailable" && no.Data.Code != "session_ended" {
		t.Errorf("a lost account is told %+v", no)
	}
	// The list contains the others, but not carl: the log has lost his joins and leaves.
	for {
		list, _ := push[listed](a, "online")
		if names := list.names(); len(names) == 2 && slices.Contains(names, "ann") && slices.Contains(names, "bob") && list.Total == 2 {
			break
		}
	}
	bob.Asks(domain.PostComment{Live: live, Text: "new"})
	for _, one := range []*app{a, c} {
		for s := (comment{}); s.Content != "new"; {
			s, _ = push[comment](one, "comment")
		}
	}
	// The lost socket must not be recovered: the client would miss the event that replaced the lost comment.
	if back := w.back(recovering, offset); back.pid == recovering.pid {
		t.Error("a socket of the former history was recovered")
	}
}
