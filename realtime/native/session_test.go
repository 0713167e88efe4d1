package native_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/internal/clocktest"
	"roomlog/realtime/hub"
	"roomlog/realtime/realtimetest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rose := w.AddGift("rose", "", 30)
	streamer, viewer := w.register("streamer"), w.register("viewer").credit(100)
	live := streamer.goLive("evening")
	head, err := w.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.caughtUp(head) // otherwise a snapshot may be older than these events, which would then follow it

	host := streamer.app()
	room := host.join(live).Snapshot
	if room == nil || room.Live.ID != int64(live) || room.Live.Status != 1 || room.Owner.ID != streamer.ID || room.Epoch != w.Store.ID() {
		t.Fatalf("snapshot %+v", room)
	}

	viewerApp := viewer.app()
	viewerApp.join(live)
	came := host.push("join")
	if strings.Contains(came.raw, `"name":"streamer"`) { // the push of the streamer's own join, unless the snapshot contained it
		came = host.push("join")
	}
	var who struct {
		User struct {
			ID   domain.UserID
			Name string
		}
		First bool
	}
	if err := json.Unmarshal(came.Data, &who); err != nil || who.User.ID != viewer.ID || who.User.Name != "viewer" || !who.First {
		t.Errorf("join: %s", came.raw)
	}

	msg := into[struct {
		Pos int64
		ID  string
	}](t, viewerApp.ok(viewerApp.ask("comment.post", map[string]any{"live": live, "text": " <b>晚上好</b> "})))
	heard := host.push("comment")
	if heard.Pos != msg.Pos || heard.Live != live || !strings.Contains(heard.raw, `"text":"<b>晚上好</b>"`) || !strings.Contains(heard.raw, `"id":"`+msg.ID+`"`) {
		t.Errorf("comment: %s", heard.raw)
	}

	gift := map[string]any{"live": live, "gift": rose, "num": 1}
	paid := viewerApp.ok(viewerApp.ask("gift.send", gift, "k1"))
	if got := into[struct{ Pos, Balance int64 }](t, paid); got.Balance != 70 || got.Pos == 0 {
		t.Errorf("gift: %s", paid.raw)
	}
	shown := host.push("gift")
	if !strings.Contains(shown.raw, `"gift":{"id":1,"name":"rose","image":"","price":30},"num":1,"coins":30`) {
		t.Errorf("gift: %s", shown.raw)
	}
	balance := viewerApp.push("balance")
	if !strings.Contains(balance.raw, `"data":{"balance":70,"change":-30,"live":1,"gift":1,"num":1}`) || balance.Cursor == "" {
		t.Errorf("balance: %s", balance.raw)
	}
	for gauges := host.push("gauges"); !strings.Contains(gauges.raw, `{"online":2,"look_count":2,"coins":30}`); gauges = host.push("gauges") {
	}

	t.Run("a repeated key gets the first reply, byte for byte", func(t *testing.T) {
		again := viewerApp.ok(viewerApp.ask("gift.send", gift, "k1"))
		if string(again.Data) != string(paid.Data) {
			t.Errorf("first %s, then %s", paid.Data, again.Data)
		}
		viewerApp.no(viewerApp.ask("gift.send", map[string]any{"live": live, "gift": rose, "num": 2}, "k1"), "key_reused")
		if n := len(events[domain.GiftSent](w)); n != 1 {
			t.Errorf("%d gifts were given, want 1", n)
		}
	})
	t.Run("refusals have codes", func(t *testing.T) {
		if no := viewerApp.no(viewerApp.ask("gift.send", map[string]any{"live": live, "gift": rose, "num": 3}), "coins_too_few"); no.TextZH != "金币不足，请先充值" {
			t.Errorf(`got %+v, want TextZH "金币不足，请先充值"`, no)
		}
		viewerApp.no(viewerApp.ask("gift.send", map[string]any{"live": live, "gift": 99, "num": 1}), "gift_not_found")
		viewerApp.no(viewerApp.ask("gift.send", map[string]any{"live": 99, "gift": rose, "num": 1}), "live_not_found")
		viewerApp.no(viewerApp.ask("room.join", map[string]any{"live": 99}), "live_not_found")
		viewerApp.no(viewerApp.ask("comment.post", map[string]any{"live": live, "text": "  "}), "comment_empty")
		viewerApp.no(viewerApp.ask("comment.post", map[string]any{"live": live, "text": "x"}, "ключ"), "bad_key")
	})
	t.Run("a leave is pushed and ends the pushes", func(t *testing.T) {
		viewerApp.aside = nil
		if m := viewerApp.ok(viewerApp.ask("room.leave", map[string]any{"live": live})); string(m.Data) != `{"left":true}` {
			t.Errorf("got %s", m.raw)
		}
		if gone := host.push("leave"); !strings.Contains(gone.raw, `"cause":"requested"`) {
			t.Errorf("got %s, want \"\\\"cause\\\":\\\"requested\\\"\" in it", gone.raw)
		}
		if m := viewerApp.ok(viewerApp.ask("room.leave", map[string]any{"live": live})); string(m.Data) != `{"left":false}` {
			t.Errorf("got %s", m.raw)
		}
		viewerApp.aside = nil
		host.ok(host.ask("comment.post", map[string]any{"live": live, "text": "bye"}))
		host.push("comment")
		viewerApp.ok(viewerApp.ask("ping", nil))
		if len(viewerApp.aside) > 0 {
			t.Errorf("pushed after leaving: %s", viewerApp.aside[0].raw)
		}
	})
	t.Run("the end of a live is pushed and all viewers leave", func(t *testing.T) {
		streamer.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
		if m := host.push("status"); !strings.Contains(m.raw, `{"status":3,"from":1}`) {
			t.Errorf("got %s, want \"{\\\"status\\\":3,\\\"from\\\":1}\" in it", m.raw)
		}
		if m := host.push("leave"); !strings.Contains(m.raw, `"cause":"live_ended"`) {
			t.Errorf("got %s, want \"\\\"cause\\\":\\\"live_ended\\\"\" in it", m.raw)
		}
		host.no(host.ask("comment.post", map[string]any{"live": live, "text": "anybody?"}), "live_ended")
		host.no(host.ask("room.join", map[string]any{"live": live}), "live_ended")
	})
	t.Run("nothing is kept when all connections have ended", func(t *testing.T) {
		_ = host.Conn.Close()
		_ = viewerApp.Conn.Close()
		wstest.Eventually(t, "the server has no connections", func() bool {
			return w.Hub.Stats() == (hub.Stats{})
		})
	})
}

func TestHello(t *testing.T) {
	t.Parallel()
	const renewal = 500 * time.Millisecond // renewal time, on the clock below
	clock := clocktest.New()
	w := newWorld(t, func(c *config) {
		c.HubConfig.Now, c.Renewal, c.MaxConnectionsPerUser = clock.Now, renewal, 2
	})
	p := w.register("ann")

	t.Run("is required before other requests", func(t *testing.T) {
		a := w.connect()
		a.no(a.ask("room.join", map[string]any{"live": 1}), "hello_first")
		a.no(a.ask("gift.send", map[string]any{}), "hello_first")
		a.ok(a.ask("ping", nil))
		got := into[struct {
			User   domain.UserID
			Epoch  string
			Cursor string
		}](t, a.ok(a.ask("hello", map[string]any{"token": p.Token()})))
		if got.User != p.ID || got.Epoch != w.Store.ID() || got.Cursor == "" {
			t.Errorf("welcome %+v", got)
		}
	})
	t.Run("must be sent in time", func(t *testing.T) {
		w := newWorld(t, func(c *config) { c.Sockets.HelloTimeout = 50 * time.Millisecond })
		w.connect().ExpectClose(ws.CloseHelloTimeout)
	})
	for name, test := range map[string]struct {
		token string
		error string
		code  uint16
	}{
		"without a token":                {"", "token_missing", ws.CloseTokenInvalid},
		"with a foreign token":           {"eyJhbGciOiJub25lIn0.e30.", "token_invalid", ws.CloseTokenInvalid},
		"with an expired token":          {realtimetest.User{ID: p.ID, Session: p.Session, Expires: time.Now().Add(-time.Minute)}.Token(), "token_expired", ws.CloseTokenInvalid},
		"of nobody":                      {realtimetest.User{ID: 4711, Session: "x"}.Token(), "user_unavailable", ws.CloseTokenInvalid},
		"of a session that was replaced": {realtimetest.User{ID: p.ID, Session: "old"}.Token(), "session_ended", ws.CloseReplaced},
	} {
		t.Run(name+" is turned away", func(t *testing.T) {
			a := w.connect()
			a.no(a.ask("hello", map[string]any{"token": test.token}), test.error)
			a.ExpectClose(test.code)
		})
	}
	t.Run("is refused when the user has too many connections", func(t *testing.T) {
		q := w.register("many")
		q.app()
		second := q.app()
		third := w.connect()
		third.no(third.ask("hello", map[string]any{"token": q.Token()}), "too_many_connections")
		third.ExpectClose(ws.CloseTooMany)
		_ = second.Conn.Close()
		wstest.Eventually(t, "the slot is free", func() bool { return w.handler.Stats().Open.Load() < 4 })
	})
	t.Run("renews the token of the same user only", func(t *testing.T) {
		q := w.register("renewing")
		q.Expires = clock.Now().Add(time.Hour)
		a := q.app()
		other := w.register("other")
		a.no(a.ask("hello", map[string]any{"token": other.Token()}), "other_user")
		renewed := q.signIn()
		a.ok(a.ask("hello", map[string]any{"token": renewed.Token()}))
		for i := range 2 { // when the second connection has been revoked, the first has been checked, too
			r := w.register(fmt.Sprintf("not renewing %d", i))
			b := r.app()
			r.signIn()
			w.delivered(w.head())
			clock.Forward(renewal)
			b.ExpectClose(ws.CloseReplaced)
		}
		a.ok(a.ask("ping", nil))
		streamer := w.register("renewing's streamer")
		a.join(streamer.goLive("x")) // the log accepts only the new sign-in session
	})
	t.Run("is revoked when the user signs in elsewhere", func(t *testing.T) {
		q := w.register("bob")
		a := q.app()
		q.signIn()
		if m := a.push("notice"); string(m.Data) != `{"kind":"signed_in"}` {
			t.Errorf("got %s", m.raw)
		}
		a.no(a.ask("room.join", map[string]any{"live": 1}), "session_ended")
		w.delivered(w.head())
		clock.Forward(renewal)
		if m := a.push("error"); into[refusal](t, m).Code != "session_ended" || m.Re != "" {
			t.Errorf("got %s", m.raw)
		}
		a.ExpectClose(ws.CloseReplaced)
	})
	t.Run("is revoked when the user signs out, is disabled or is forgotten", func(t *testing.T) {
		out, locked, forgotten := w.register("out"), w.register("locked"), w.register("forgotten")
		a, b, c := out.app(), locked.app(), forgotten.app()
		out.Asks(domain.SignOut{})
		w.Do(domain.DisableUser{User: locked.ID})
		w.Do(domain.ForgetUser{User: forgotten.ID})
		a.ExpectClose(ws.CloseReplaced)
		b.ExpectClose(ws.CloseTokenInvalid)
		c.ExpectClose(ws.CloseTokenInvalid)
	})
	t.Run("is revoked when its token expires", func(t *testing.T) {
		q := w.register("short")
		q.Expires = clock.Now().Add(time.Hour)
		a := q.app()
		clock.Forward(time.Hour)
		a.no(a.ask("room.join", map[string]any{"live": 1}), "token_expired")
		a.ExpectClose(ws.CloseTokenInvalid)
	})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	p := w.register("ann")
	live := p.goLive("x")
	a := p.app()
	for name, test := range map[string]struct{ frame, code string }{
		"not JSON":                 {`{"id":"7","type":`, "bad_json"},
		"trailing garbage":         {`{"id":"7","type":"ping"} x`, "bad_json"},
		"an array":                 {`["ping"]`, "bad_request"},
		"a string":                 {`"ping"`, "bad_request"},
		"nothing":                  {`null`, "unknown_type"},
		"no type":                  {`{"id":"7"}`, "unknown_type"},
		"an unknown type":          {`{"id":"7","type":"room.burn"}`, "unknown_type"},
		"a type of the wrong type": {`{"id":"7","type":7}`, "bad_request"},
		"an id of the wrong type":  {`{"id":7,"type":"ping"}`, "bad_request"},
		"a long id":                {`{"id":"` + strings.Repeat("7", 65) + `","type":"ping"}`, "bad_request"},
		"data of the wrong type":   {`{"id":"7","type":"room.join","data":"6"}`, "bad_request"},
		"a live as a string":       {`{"id":"7","type":"room.join","data":{"live":"1"}}`, "bad_request"},
		"a live with a fraction":   {`{"id":"7","type":"room.join","data":{"live":1.5}}`, "bad_request"},
		"a live beyond numbers":    {`{"id":"7","type":"room.join","data":{"live":1e30}}`, "bad_request"},
		"a negative live":          {`{"id":"7","type":"room.join","data":{"live":-1}}`, "bad_request"},
		"no live":                  {`{"id":"7","type":"room.join","data":{}}`, "bad_request"},
		"no data":                  {`{"id":"7","type":"room.join"}`, "bad_request"},
		"no room to comment in":    {`{"id":"7","type":"comment.post","data":{"text":"x"}}`, "bad_request"},
		"a text as a number":       {`{"id":"7","type":"comment.post","data":{"live":1,"text":7}}`, "bad_request"},
		"a NUL in a text":          {`{"id":"7","type":"comment.post","data":{"live":1,"text":"a\u0000b"}}`, "text_invalid"},
		"half a character":         {`{"id":"7","type":"comment.post","data":{"live":1,"text":"a\ud800b"}}`, "text_invalid"},
		"a text too long":          {`{"id":"7","type":"comment.post","data":{"live":1,"text":"` + strings.Repeat("长", 201) + `"}}`, "comment_too_long"},
		"a number of gifts":        {`{"id":"7","type":"gift.send","data":{"live":1,"gift":1,"num":0}}`, "number_out_of_range"},
		"a key too long":           {`{"id":"7","type":"comment.post","key":"` + strings.Repeat("k", 65) + `","data":{"live":1,"text":"x"}}`, "bad_key"},
		"a key of the wrong type":  {`{"id":"7","type":"comment.post","key":7,"data":{"live":1,"text":"x"}}`, "bad_request"},
		"an ack of nothing":        {`{"id":"7","type":"ack","data":{}}`, "bad_request"},
		"a member twice":           {`{"id":"7","type":"ping","type":"pong"}`, "bad_request"},
		"a member in other case":   {`{"id":"7","type":"ping","Type":"pong"}`, "bad_request"},
		"a number twice":           {`{"id":"7","type":"gift.send","data":{"live":1,"gift":1,"num":1,"num":2}}`, "bad_request"},
		"a number in other case":   {`{"id":"7","type":"gift.send","data":{"live":1,"gift":1,"NUM":3}}`, "bad_request"},
		"deep nesting":             {`{"id":"7","type":"ping","data":` + strings.Repeat("[", 7000) + strings.Repeat("]", 7000) + `}`, "bad_request"},
	} {
		t.Run(name+" gets a typed error and the connection lives", func(t *testing.T) {
			a.SendText(test.frame)
			m := a.read()
			for m.Type != "error" {
				m = a.read()
			}
			no := into[refusal](t, m)
			if no.Code != test.code {
				t.Errorf("got %s, want %s", m.raw, test.code)
			}
			if strings.Contains(test.frame, `{"id":"7",`) && no.Code != "bad_json" && m.Re != "7" {
				t.Errorf("the answer is to %q", m.Re)
			}
		})
	}
	t.Run("unknown fields are ignored", func(t *testing.T) {
		a.SendText(fmt.Sprintf(`{"id":"x","type":"room.join","new":1,"data":{"live":%d,"new":{"a":1}}}`, live))
		a.ok("x")
	})
	if n := len(events[domain.CommentPosted](w)); n != 0 {
		t.Errorf("%d comments were posted, want 0", n)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	clock := clocktest.New()
	w := newWorld(t, func(c *config) {
		c.HubConfig.Now = clock.Now
		c.CommentRate, c.CommentBurst, c.GiftRate, c.GiftBurst, c.MaxLivesPerConnection = 5, 3, 20, 4, 2
	})
	rose := w.AddGift("rose", "", 1)
	p := w.register("ann").credit(100)
	live := p.goLive("x")
	a, b := p.app(), p.app()
	for verb, test := range map[string]struct {
		data  map[string]any
		burst int
		most  int64 // maximum number of milliseconds until the next attempt
	}{
		"comment.post": {map[string]any{"live": live, "text": "x"}, 3, 200},
		"gift.send":    {map[string]any{"live": live, "gift": rose, "num": 1}, 4, 50},
	} {
		t.Run(verb+" is bounded over all connections of a person", func(t *testing.T) {
			refused := refusal{}
			for i := 0; i < 50 && refused.Code == ""; i++ {
				from := []*app{a, b}[i%2]
				if m := from.answer(from.ask(verb, test.data)); m.Type == "error" {
					refused = into[refusal](t, m)
					if i < test.burst {
						t.Errorf("refused after %d", i)
					}
				}
			}
			if refused.Code != "rate_limited" || refused.RetryAfter < 1 || refused.RetryAfter > test.most {
				t.Fatalf("got %+v", refused)
			}
			clock.Forward(time.Duration(refused.RetryAfter) * time.Millisecond)
			a.ok(a.ask(verb, test.data))
		})
	}
	t.Run("lives of a connection are bounded", func(t *testing.T) {
		second, third := p.goLive("y"), p.goLive("z")
		a.join(live)
		a.join(second)
		a.no(a.ask("room.join", map[string]any{"live": third}), "too_many_lives")
		a.join(second)
		a.ok(a.ask("room.leave", map[string]any{"live": live}))
		a.join(third)
	})
}

// TestTheTablesContainABoughtTicket buys tickets: with the reply, the tables must contain the ticket, so that the user can join and
// play at once.
func TestTheTablesContainABoughtTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	live := ann.goLive("show")
	ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	for i := range 5 {
		buyer := w.register(fmt.Sprintf("buyer-%d", i)).credit(30)
		a := buyer.app()
		bought := a.ok(a.ask("ticket.buy", map[string]any{"live": live, "price": 30}))
		ticket, err := w.Queries.TicketPosition(t.Context(), live, buyer.ID)
		if pos := into[struct{ Pos int64 }](t, bought).Pos; err != nil || ticket != pos-1 || w.Hub.Position() < pos {
			t.Errorf("paid at position %d: the ticket is at %d, %v", pos, ticket, err)
		}
		a.join(live)
	}
}

// TestTicketIsRefundedOverTheSocket refunds tickets: only whoever may do so over REST may do so over the socket, exactly once, and
// with a key the request is safe to repeat.
func TestTicketIsRefundedOverTheSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann, bob, cat := w.register("ann"), w.register("bob").credit(30), w.register("cat").credit(30)
	live := w.CreateLive(ann.User, "show")
	set := ann.Asks(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	if err := w.Hub.WaitFor(t.Context(), set.Position); err != nil {
		t.Fatal(err)
	}
	owner, fan, other := ann.app(), bob.app(), cat.app()
	for _, c := range []*app{fan, other} {
		c.ok(c.ask("ticket.buy", map[string]any{"live": live, "price": 30}))
	}
	refund := func(user domain.UserID) map[string]any {
		return map[string]any{"live": live, "user": user, "reason": "the singer is ill"}
	}
	owner.no(owner.ask("ticket.refund", map[string]any{"live": live + 9, "user": bob.ID, "reason": "x"}), "live_not_found")
	owner.no(owner.ask("ticket.refund", map[string]any{"live": live, "user": bob.ID}), "text_empty")
	owner.no(owner.ask("ticket.refund", refund(w.register("dan").ID)), "ticket_not_found")
	fan.no(fan.ask("ticket.refund", refund(bob.ID)), "forbidden")
	other.no(other.ask("ticket.refund", refund(bob.ID)), "live_not_found")
	type refunded struct{ Pos, Coins int64 }
	first := into[refunded](t, owner.ok(owner.ask("ticket.refund", refund(bob.ID), "k1")))
	if again := into[refunded](t, owner.ok(owner.ask("ticket.refund", refund(bob.ID), "k1"))); again != first || first.Coins != 30 {
		t.Errorf("got %+v, then %+v", first, again)
	}
	owner.no(owner.ask("ticket.refund", refund(bob.ID)), "ticket_not_found")
	for fan.push("balance"); ; {
		if m := fan.push("balance"); strings.Contains(m.raw, `"balance":30,`) {
			break
		}
	}
	ann.Asks(domain.ChangeLiveStatus{Live: live, To: domain.LiveStop})
	if got := into[refunded](t, other.ok(other.ask("ticket.refund", refund(cat.ID)))); got.Coins != 30 { // the live has ended without a start
		t.Errorf("got %+v", got)
	}
	if n := len(realtimetest.Events[domain.TicketRefunded](w.Node)); n != 2 {
		t.Errorf("%d tickets were refunded, want 2", n)
	}
}
