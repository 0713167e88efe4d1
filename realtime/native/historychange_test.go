package native_test

import (
	"slices"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/realtime/ws/wstest"
)

// TestClientsContinueInAnotherHistory restores a dump while clients are connected.
func TestClientsContinueInAnotherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	w := openWorld(t, &pgtest.DB{DSN: d.DSN(), Serving: true}, true, nil)
	w.chatRoom("demo")
	ann, bob := w.register("ann"), w.register("bob").credit(10)
	rose := w.AddGift("rose", "", 3)
	live := ann.goLive("a show")
	ann.Asks(domain.PostComment{Live: live, Text: "kept"})
	quitter := w.register("quitter")
	leaving := quitter.app()
	leaving.join(live)
	dump := d.Dump()

	a := bob.app()
	epoch := a.join(live).Snapshot.Epoch
	room := a.chat(in{"room": "demo"})
	participant := room.Participant
	lostLive := bob.goLive("a lost show")
	a.join(lostLive)
	bob.Asks(domain.PostComment{Live: live, Text: "lost"})
	a.ok(a.ask("chat.post", in{"room": "demo", "text": "lost"}))
	a.ok(a.ask("gift.send", map[string]any{"live": live, "gift": rose, "num": 1}))
	cursor := a.push("balance").Cursor
	bob.Asks(domain.ChangeProfile{Nickname: new("lost name")})
	if m := a.push("viewer_profile"); into[struct{ Name string }](t, m).Name != "lost name" {
		t.Errorf("got %s", m.raw)
	}
	newcomer := w.register("newcomer").app()
	newcomer.join(live)
	leaving.ok(leaving.ask("room.leave", map[string]any{"live": live}))
	a.aside = nil

	d.RestoreDump(dump)

	frames := map[string]message{} // the frames arrive in any order
	for len(frames) < 4 {
		switch m := a.read(); m.Type {
		case "reset", "snapshot", "removed", "chat.snapshot":
			frames[m.Type] = m
		}
	}
	reset := into[struct {
		Epoch, Cursor string
		Balance       int64
	}](t, frames["reset"])
	if reset.Balance != 10 || reset.Cursor == cursor || reset.Epoch == epoch || reset.Epoch == "" {
		t.Errorf("reset to %+v after epoch %s and cursor %s", reset, epoch, cursor)
	}
	snapshot := into[struct {
		Epoch, Cursor string
		Comments      []struct{ Text string }
		Gifts         []any
		Viewers       []struct{ Name string }
	}](t, frames["snapshot"])
	if frames["snapshot"].Live != live || snapshot.Epoch != reset.Epoch || len(snapshot.Comments) != 1 || snapshot.Comments[0].Text != "kept" || len(snapshot.Gifts) != 0 {
		t.Errorf("got %s", frames["snapshot"].raw)
	}
	for _, v := range snapshot.Viewers {
		if v.Name == "lost name" {
			t.Errorf("a viewer has the profile of the former history: %s", frames["snapshot"].raw)
		}
	}
	if m := frames["removed"]; m.Live != lostLive || into[refusal](t, m).Code != "live_not_found" {
		t.Errorf("got %s", m.raw)
	}
	if chat := into[chatEntered](t, frames["chat.snapshot"]); len(chat.Messages) != 0 || chat.Participant != participant || chat.Epoch != reset.Epoch {
		t.Errorf("got %s", frames["chat.snapshot"].raw)
	}
	// The server closes the connection of the account that was lost.
	for {
		if _, err := newcomer.tryRead(); err != nil {
			break
		}
	}
	// The server continues to work in the new history.
	ann.Asks(domain.PostComment{Live: live, Text: "new"})
	if m := a.push("comment"); into[struct{ Text string }](t, m).Text != "new" {
		t.Errorf("got %s", m.raw)
	}
	bob.Asks(domain.ChangeProfile{Nickname: new("new name")})
	if m := a.push("viewer_profile"); into[struct{ Name string }](t, m).Name != "new name" {
		t.Errorf("got %s", m.raw)
	}
	a.ok(a.ask("chat.post", in{"room": "demo", "text": "new"}))
	if m := a.push("chat.message"); into[struct{ Text string }](t, m).Text != "new" {
		t.Errorf("got %s", m.raw)
	}
	wstest.Eventually(t, "exactly bob is listed", func() bool {
		found, err := w.viewers(live)
		return err == nil && slices.Equal(found, []domain.UserID{bob.ID})
	})
	// With the lost cursor, the client gets a snapshot of the live and a reset of the user channel.
	b := bob.connect()
	hello := b.ok(b.ask("hello", map[string]any{"token": bob.Token(), "since": cursor}))
	if !into[struct{ Reset bool }](t, hello).Reset {
		t.Errorf("got %s", hello.raw)
	}
	if again := b.rejoin(live, cursor); again.Snapshot == nil {
		t.Errorf("a lost cursor is resumed: %+v", again)
	}
}

// viewers returns the present viewers of a live according to the tables.
func (w *world) viewers(live domain.LiveID) (ids []domain.UserID, err error) {
	rows, err := w.Pool.Query(w.Context(), "SELECT user_id FROM read.viewer WHERE live_id = $1 AND present ORDER BY user_id", live)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id domain.UserID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
