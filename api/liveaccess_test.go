package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore/ratelimit"
)

const textLivePassword = "该直播间需要密码"

// TestLiveWithAPassword creates a live with a password, guesses it, and enters.
func TestLiveWithAPassword(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.WrongPasswordsPerDevice = 3 })
	ann, bob := d.account("ann"), d.account("bob")
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "access": "password"}).expectFailure(http.StatusBadRequest, "password_too_short", "密码至少6个字符")
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "password": "correct horse"}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	var created struct{ Data struct{ ID domain.LiveID } }
	ann.post("/api/live/create", object{"title": "songs", "cover": "", "access": "password", "password": "correct horse"}).ok(&created)
	live := created.Data.ID
	read, recordings := fmt.Sprintf("/api/live/read/%d", live), fmt.Sprintf("/api/live/%d/recordings", live)
	access := func(by interface {
		get(string, ...string) reply
	}, allowed bool, code string) {
		t.Helper()
		var got struct {
			Access   string
			Allowed  bool
			Code     string
			Streamer *struct{ Name string }
		}
		by.get(fmt.Sprintf("/api/live/%d/access", live)).ok(&got)
		if got.Access != "password" || got.Allowed != allowed || got.Code != code || got.Streamer == nil || got.Streamer.Name != "ann" {
			t.Errorf("got %+v", got)
		}
	}
	access(d, false, "live_password")
	access(ann, true, "")
	for _, path := range []string{read, recordings} {
		bob.get(path).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
		d.get(path).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
		ann.get(path).ok(nil)
	}
	if page := d.get(fmt.Sprintf("/watch/%d", live)); strings.Contains(string(page.raw), "songs") {
		t.Errorf("the page shows the title: %s", page.raw)
	}
	enter := func(secret string) reply { return bob.post("/api/live/enter", object{"id": live, "password": secret}) }
	refused, limited := 0, 0
	for i := range 100 {
		switch a := enter(fmt.Sprint("guess number ", i)); a.envelope().Code {
		case "live_password_wrong":
			refused++
		case "rate_limited":
			limited++
			if a.header.Get("Retry-After") == "" {
				t.Errorf("no time to wait: %v", a.header)
			}
		default:
			t.Fatalf("got %s", a.raw)
		}
	}
	if refused != 3 || limited != 97 {
		t.Errorf("%d guesses were checked and %d refused, want 3 and 97", refused, limited)
	}
	cat := d.account("cat")
	cat.post("/api/live/enter", object{"id": live, "password": "correct horse"}).ok(nil)
	access(cat, true, "")
	cat.get(read).ok(nil)
	d.post("/api/live/enter", object{"id": live, "password": "correct horse"}).expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	cat.post("/api/live/enter", object{"id": live}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	ann.post("/api/live/access", object{"id": live, "access": "password", "password": "another horse"}).ok(nil)
	cat.get(read).expectFailure(http.StatusForbidden, "live_password", textLivePassword)
	bob.post("/api/live/access", object{"id": live, "access": "open"}).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	ann.post("/api/live/access", object{"id": live, "access": "open"}).ok(nil)
	bob.get(read).ok(nil)
	e, _ := newest[domain.LiveAccessSet](d)
	if e.Access != domain.AccessOpen || e.Credential != "" {
		t.Errorf("got %+v", e)
	}
}

// TestInvitationLinks creates, lists, uses and revokes invitations.
func TestInvitationLinks(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob, cat := d.account("ann"), d.account("bob"), d.account("cat")
	live, other := ann.onAir("songs"), ann.onAir("other")
	ann.post("/api/live/access", object{"id": live, "access": "invited"}).ok(nil)
	var list []api.Live
	d.get("/api/live/list/1").ok(&list)
	if len(list) != 1 || list[0].ID != other {
		t.Errorf("got %+v", list)
	}
	var created struct {
		Invitation int64
		Secret     string
	}
	ann.post("/api/live/invitation/create", object{"id": live, "uses": 1, "seconds": 600}).ok(&created)
	use := func(live domain.LiveID) object { return object{"id": live, "invitation": created.Secret} }
	bob.post("/api/live/enter", use(other)).expectFailure(http.StatusNotFound, "invitation_not_found", "邀请不存在或已撤销")
	bob.post("/api/live/enter", use(live)).ok(nil)
	bob.post("/api/live/enter", use(live)).ok(nil)
	cat.post("/api/live/enter", use(live)).expectFailure(http.StatusConflict, "invitation_closed", "邀请已过期或已用完")
	read := fmt.Sprintf("/api/live/read/%d", live)
	bob.get(read).ok(nil)
	cat.get(read).expectFailure(http.StatusForbidden, "live_invited", "该直播间仅限受邀用户")
	for by, hidden := range map[*account]bool{&bob: false, &cat: true} { // lists do not contain the live
		if answer := by.get(fmt.Sprintf("/api/live/%d/access", live)).ok(nil); strings.Contains(string(answer.raw), `"streamer":null`) != hidden {
			t.Errorf("got %s, want hidden %v", answer.raw, hidden)
		}
	}
	var invitations []struct{ ID, Uses, Used int64 }
	path := fmt.Sprintf("/api/live/%d/invitations", live)
	if answer := ann.get(path).ok(&invitations); len(invitations) != 1 || invitations[0].Used != 1 || strings.Contains(string(answer.raw), created.Secret) {
		t.Errorf("got %+v", invitations)
	}
	bob.get(path).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	ann.post("/api/live/invitation/revoke", object{"id": live, "invitation": created.Invitation}).ok(nil)
	bob.get(read).expectFailure(http.StatusForbidden, "live_invited", "该直播间仅限受邀用户")
	ann.post("/api/live/invitation/create", object{"id": live, "uses": 0}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
}

// TestKeyOfAnotherSecret repeats an idempotency key with another password or invitation: the request must not be answered with
// the outcome of the first one.
func TestKeyOfAnotherSecret(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob := d.account("ann"), d.account("bob")
	live := ann.live("songs")
	access := func(secret string) reply {
		return ann.post("/api/live/access", object{"id": live, "access": "password", "password": secret}, "Idempotency-Key", "k1")
	}
	enter := func(secret string, headers ...string) reply {
		return bob.post("/api/live/enter", object{"id": live, "password": secret}, headers...)
	}
	create := func(secret string) reply {
		return ann.post("/api/live/create", object{"title": "songs", "cover": "", "access": "password", "password": secret}, "Idempotency-Key", "k3")
	}
	create("first horse").ok(nil)
	create("first horse").ok(nil)
	create("second horse").expectFailure(http.StatusConflict, "key_reused", "请求重复且内容不一致")
	access("first horse").ok(nil)
	access("first horse").ok(nil)
	access("second horse").ok(nil) // the key does not concern the request: it sets the access again
	enter("second horse").ok(nil)
	ann.post("/api/live/access", object{"id": live, "access": "password", "password": "third horse"}).ok(nil)
	enter("third horse", "Idempotency-Key", "k2").ok(nil)
	ann.post("/api/live/access", object{"id": live, "access": "password", "password": "fourth horse"}).ok(nil)
	enter("fourth horse", "Idempotency-Key", "k2").ok(nil)
	bob.get(fmt.Sprintf("/api/live/read/%d", live)).ok(nil)
	var hashes, used int // of lives: each repetition has deleted its own
	if err := d.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM credential), (SELECT count(*) FROM user_account WHERE credential <> '')
		+ (SELECT count(DISTINCT payload ->> 'credential') FROM events WHERE type = 'live.access_set.v2')`).Scan(&hashes, &used); err != nil || hashes != used {
		t.Errorf("there are %d hashes, and the log names %d, %v", hashes, used, err)
	}
}

// TestForgottenOwnersPasswords forgets the owner of a live: no hash of a password that the owner has chosen may remain.
func TestForgottenOwnersPasswords(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann := d.account("ann")
	live := ann.live("songs")
	for _, secret := range []string{"first horse", "second horse"} {
		ann.post("/api/live/access", object{"id": live, "access": "password", "password": secret}).ok(nil)
	}
	d.operator(domain.ForgetUser{User: ann.ID})
	var kept int
	if err := d.pool.QueryRow(t.Context(), "SELECT count(*) FROM credential").Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d password hashes are left, %v", kept, err)
	}
}

// TestPaidLive sells tickets for a live, repeats requests, and refunds them: one, all of them, and after the live was stopped.
func TestPaidLive(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob, cat, eve := d.account("ann"), d.account("bob").credit(100), d.account("cat").credit(100), d.account("eve").grant(domain.RoleOperator)
	const noTicket = "该直播间需要购票"
	create := func(more object) reply {
		body := object{"title": "songs", "cover": "", "access": "paid"}
		for k, v := range more {
			body[k] = v
		}
		return ann.post("/api/live/create", body)
	}
	create(nil).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
	create(object{"price": 1_000_001}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
	create(object{"price": 30, "min_age": 101}).expectFailure(http.StatusBadRequest, "number_out_of_range", "参数错误")
	var created struct{ Data struct{ ID domain.LiveID } }
	create(object{"price": 30, "min_age": 18}).ok(&created)
	live := created.Data.ID
	path := fmt.Sprintf("/api/live/%d", live)
	read := fmt.Sprintf("/api/live/read/%d", live)
	expectAccess := func(by account, allowed bool, code string) {
		t.Helper()
		var got struct {
			Access, Code string
			Allowed      bool
			Price        int64
			MinAge       int `json:"min_age"`
		}
		by.get(path + "/access").ok(&got)
		if got.Access != "paid" || got.Price != 30 || got.MinAge != 18 || got.Allowed != allowed || got.Code != code {
			t.Errorf("got %+v", got)
		}
	}
	buy := func(by account, price int, key ...string) reply {
		return by.post("/api/live/ticket/buy", object{"id": live, "price": price}, key...)
	}
	refund := func(by account, user account) reply {
		return by.post("/api/live/ticket/refund", object{"id": live, "user": user.ID, "reason": "ill"})
	}
	expectAccess(bob, false, "live_age")
	buy(bob, 30).expectFailure(http.StatusForbidden, "live_age", "您的年龄不符合该直播间的要求")
	d.get(read).expectFailure(http.StatusForbidden, "live_age", "您的年龄不符合该直播间的要求")
	for _, a := range []account{bob, cat} {
		a.command(domain.ChangeProfile{Age: new(18)})
	}
	expectAccess(bob, false, "live_paid")
	bob.get(read).expectFailure(http.StatusForbidden, "live_paid", noTicket)
	bob.get(path+"/recordings").expectFailure(http.StatusForbidden, "live_paid", noTicket)
	buy(bob, 29).expectFailure(http.StatusConflict, "ticket_price", "票价已变更，请刷新后重试")
	buy(ann, 30).expectFailure(http.StatusConflict, "ticket_not_needed", "您已可进入该直播间，无需购票")
	bob.post("/api/live/ticket/buy", object{"id": live + 9, "price": 30}).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	bob.post("/api/live/ticket/buy", object{"id": live, "price": 30, "vip": true}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	type receipt struct{ Position, Coin, Balance int64 }
	var first, again receipt
	buy(bob, 30, "Idempotency-Key", "k").ok(&first)
	buy(bob, 30, "Idempotency-Key", "k").ok(&again)
	if first != again || first.Coin != 30 || first.Balance != 70 {
		t.Errorf("got %+v, then %+v", first, again)
	}
	buy(bob, 30).expectFailure(http.StatusConflict, "ticket_not_needed", "您已可进入该直播间，无需购票")
	expectAccess(bob, true, "")
	bob.get(read).ok(nil)
	buy(cat, 30).ok(nil)

	refund(bob, bob).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	refund(cat, bob).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	cat.get(path+"/tickets").expectFailure(http.StatusForbidden, "forbidden", forbidden)
	refund(ann, bob).ok(&again)
	var wallet struct {
		Items []struct {
			Event             string
			Position, Refunds int64
		}
	}
	d.account("audrey").grant(domain.RoleAuditor).get(fmt.Sprintf("/api/ledger/statement?account=user-%d&limit=1", bob.ID)).ok(&wallet)
	if len(wallet.Items) != 1 || wallet.Items[0].Event != "ticket.refunded.v2" || wallet.Items[0].Position != again.Position || wallet.Items[0].Refunds != first.Position {
		t.Errorf("the statement has %+v, want the refund at position %d of the payment at position %d", wallet.Items, again.Position, first.Position)
	}
	refund(ann, bob).expectFailure(http.StatusNotFound, "ticket_not_found", "门票不存在或已退款")
	expectAccess(bob, false, "live_paid")
	buy(bob, 30).ok(nil)
	var all struct {
		Refunded, Coin, Next int64
		Refused              []struct{ User domain.UserID }
	}
	bob.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no show"}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	ann.post("/api/live/ticket/refund_all", object{"id": live, "reason": " "}).expectFailure(http.StatusBadRequest, "text_empty", "参数错误")
	ann.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no show"}).ok(&all)
	if all.Refunded != 2 || all.Coin != 60 || all.Next != 0 || len(all.Refused) != 0 {
		t.Errorf("got %+v", all)
	}
	ann.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no show"}).ok(&all)
	if all.Refunded != 0 || bob.coins() != 100 || cat.coins() != 100 {
		t.Errorf("got %+v, %d and %d coins", all, bob.coins(), cat.coins())
	}

	// After the start only an operator refunds. A user who was forgotten gets nothing back.
	buy(bob, 30).ok(nil)
	buy(cat, 30).ok(nil)
	ann.post("/api/live/changestatus", object{"id": live, "type": "play"}).ok(nil)
	refund(ann, bob).expectFailure(http.StatusConflict, "ticket_started", "直播已开始，请联系管理员退票")
	ann.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no show"}).expectFailure(http.StatusConflict, "ticket_started", "直播已开始，请联系管理员退票")
	eve.command(domain.ForgetUser{User: cat.ID})
	eve.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no picture"}).ok(&all)
	if all.Refunded != 1 || len(all.Refused) != 1 || all.Refused[0].User != cat.ID || bob.coins() != 100 {
		t.Errorf("got %+v", all)
	}
	var listed struct {
		Items []struct {
			User     struct{ ID domain.UserID }
			Refunded int64
			Reason   string
		}
	}
	ann.get(path + "/tickets?after=0").ok(&listed)
	if len(listed.Items) != 5 || listed.Items[0].Reason != "ill" || listed.Items[4].Refunded != 0 {
		t.Errorf("got %+v", listed)
	}
	bob.get("/api/user/tickets?limit=2").ok(&listed)
	if len(listed.Items) != 2 || listed.Items[0].User.ID != bob.ID || listed.Items[0].Reason != "no picture" {
		t.Errorf("got %+v", listed)
	}
	var sums struct{ Sold, Refunded, Coin, Share int64 }
	ann.get(path + "/tickets/sums").ok(&sums)
	if sums.Sold != 5 || sums.Refunded != 4 || sums.Coin != 30 || sums.Share != 0 {
		t.Errorf("got %+v", sums)
	}

	// A live that is stopped before its start: the user of a ticket gets the coins back without the streamer.
	create(object{"price": 30}).ok(&created)
	live = created.Data.ID
	buy(bob, 30).ok(nil)
	ann.post("/api/live/changestatus", object{"id": live, "type": "stop"}).ok(nil)
	buy(cat, 30).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
	buy(eve, 30).expectFailure(http.StatusConflict, "live_ended", "直播间已结束")
	refund(bob, bob).ok(&again)
	if again.Coin != 30 || bob.coins() != 100 {
		t.Errorf("got %+v", again)
	}
}

// TestRefundsStopAtTheRate refunds tickets until the rate of the caller is exceeded: the response contains the tickets that were
// refused before, and where to go on.
func TestRefundsStopAtTheRate(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { limitCommands(t, c, ratelimit.Config{ChangeRate: 0.001, ChangeBurst: 2}) })
	ann, eve := d.account("ann"), d.account("eve").grant(domain.RoleOperator)
	live := ann.live("songs")
	ann.command(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	var buyers [3]account
	var tickets [3]int64
	for i := range buyers {
		buyers[i] = d.account(fmt.Sprintf("buyer-%d", i)).credit(30)
		tickets[i] = buyers[i].command(domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID}).Events[0].Position
	}
	d.operator(domain.ForgetUser{User: buyers[0].ID})
	d.operator(domain.ForgetUser{User: buyers[1].ID})
	refund := func(after int64) reply {
		return eve.post("/api/live/ticket/refund_all", object{"id": live, "reason": "no show", "after": after})
	}
	var all struct {
		Refunded, Next int64
		Refused        []struct{ User domain.UserID }
	}
	refund(0).ok(&all)
	if all.Refunded != 0 || len(all.Refused) != 2 || all.Refused[1].User != buyers[1].ID || all.Next != tickets[1] {
		t.Errorf("got %+v, want the refusals of the first two tickets", all)
	}
	refund(all.Next).expectFailure(http.StatusTooManyRequests, "rate_limited", "操作太频繁，请稍后再试")
}

// TestTicketsBoughtAndRefundedAtOnce buys and refunds the ticket of one user at the same moment, several times: each request is executed
// or refused as a whole, in the order of the log.
func TestTicketsBoughtAndRefundedAtOnce(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	ann, bob := d.account("ann"), d.account("bob").credit(100)
	live := ann.live("songs")
	ann.command(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	var sold, refunded int64
	for range 8 {
		replies := make([]reply, 6)
		var all sync.WaitGroup
		for i := range replies {
			all.Go(func() {
				if i%2 == 0 {
					replies[i] = bob.post("/api/live/ticket/buy", object{"id": live, "price": 30})
				} else {
					replies[i] = ann.post("/api/live/ticket/refund", object{"id": live, "user": bob.ID, "reason": "ill"})
				}
			})
		}
		all.Wait()
		for i, r := range replies {
			code := r.envelope().Code
			switch {
			case r.status == http.StatusOK && i%2 == 0:
				sold++
			case r.status == http.StatusOK:
				refunded++
			case i%2 == 0 && code == domain.CodeTicketNotNeeded, i%2 == 1 && code == domain.CodeTicketNotFound:
			default:
				t.Errorf("request %d: got %d %s", i, r.status, r.raw)
			}
		}
		held := sold - refunded
		if held != 0 && held != 1 {
			t.Fatalf("%d tickets sold, %d refunded", sold, refunded)
		}
		if got, want := bob.coins(), 100-30*held; got != want {
			t.Errorf("%d coins after %d purchases and %d refunds, want %d", got, sold, refunded, want)
		}
		var access struct{ Allowed bool }
		if bob.get(fmt.Sprintf("/api/live/%d/access", live)).ok(&access); access.Allowed != (held == 1) {
			t.Errorf("with %d tickets: got %+v", held, access)
		}
	}
	var sums struct{ Sold, Refunded, Coin int64 }
	ann.get(fmt.Sprintf("/api/live/%d/tickets/sums", live)).ok(&sums)
	if sold == 0 || sums.Sold != sold || sums.Refunded != refunded || sums.Coin != 30*(sold-refunded) {
		t.Errorf("got %+v, want %d sold, %d refunded", sums, sold, refunded)
	}
}
