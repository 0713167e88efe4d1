package api_test

import (
	"fmt"
	"net/url"
	"testing"

	"roomlog/api/payment"
	"roomlog/domain"
)

// TestForms checks that endpoints accept forms as well as JSON, because old clients send both.
func TestForms(t *testing.T) {
	t.Parallel()
	d := startAPI(t, allowGuests)
	form := func(values ...string) string {
		v := url.Values{}
		for i := 0; i < len(values); i += 2 {
			v.Add(values[i], values[i+1])
		}
		return v.Encode()
	}
	kind := []string{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}
	post := func(path, body string, headers ...string) reply {
		return d.post(path, body, append(kind, headers...)...)
	}

	post("/api/reg", form("username", "小 明&co", "password", testPassword, "repassword", testPassword)).ok(nil)
	var who struct {
		ID              int64
		Username, Token string
	}
	post("/api/login", form("username", "小 明&co", "password", testPassword)).ok(&who)
	if who.Username != "小 明&co" {
		t.Errorf("signed in as %q", who.Username)
	}
	token := []string{"token", who.Token}
	var created signedForm
	post("/api/live/create", form("title", "a+b = c", "cover", ""), token...).ok(&created)
	if created.Data.Title != "a+b = c" {
		t.Errorf("the title is %q", created.Data.Title)
	}
	post("/api/live/changestatus", form("id", fmt.Sprint(created.Data.ID), "type", "play"), token...).ok(nil)
	var placed struct {
		Order string
		Coin  int64
	}
	post("/api/gift/wxpay", form("price", "10"), token...).ok(&placed)
	notify := func(body string) reply {
		return post("/api/gift/notify", body, payment.SignatureHeader, provider(t).Sign([]byte(body)))
	}
	paid := form("order", placed.Order, "user", fmt.Sprint(who.ID), "price", "10")
	notify(paid+"&price=1").expectFailure(400, domain.CodeBadRequest, textBad)
	notify(paid+"&other=1").expectFailure(400, domain.CodeBadRequest, textBad)
	notify(form("order", placed.Order, "user", "x", "price", "10")).expectFailure(400, domain.CodeBadRequest, textBad)
	notify(form("order", placed.Order, "user", fmt.Sprint(who.ID), "price", "11")).expectFailure(409, domain.CodeOrderMismatch, "订单信息不一致")
	notify(paid).ok(nil)
	notify(paid).ok(nil) // a repetition credits nothing
	var me struct{ Coin int64 }
	d.get("/api/user/info", token...).ok(&me)
	if me.Coin != placed.Coin || me.Coin == 0 {
		t.Errorf("got %d coins, want %d", me.Coin, placed.Coin)
	}
	var browser struct{ Code int }
	decode(t, post("/api/login", form("username", "小 明&co", "password", testPassword), "Authorization", "Bearer null"), &browser)
	if browser.Code != 200 {
		t.Errorf("the browser app is signed in with the code %d, want 200", browser.Code)
	}
	var byEmail string
	if no := decodeChat(t, post("/login", form("email", "zoe@example.org")), &byEmail); no != "" || byEmail == "" {
		t.Errorf("signed in by e-mail with %q, %q", byEmail, no)
	}
	if no := decodeChat(t, post("/validate", form("token", byEmail)), nil); no != "" {
		t.Errorf("the token is refused: %s", no)
	}
	for _, path := range []string{"/createRoom", "/addRoom"} {
		var room chatRoom
		if no := decodeChat(t, post(path, form("name", "room "+path)), &room); no != "" || room.Name != "room "+path {
			t.Errorf("%s: got %+v, %q", path, room, no)
		}
	}
	if no := decodeChat(t, post("/getAllRooms", ""), nil); no != "" {
		t.Errorf("no rooms: %s", no)
	}
	post("/api/login", form("username", "小 明&co", "password", testPassword)).ok(&who)
	token = []string{"token", who.Token}
	post("/api/logout", "", token...).ok(nil)
	d.get("/api/user/info", token...).expectFailure(401, "session_ended", "Token 令牌不合法!")

	post("/api/login", "username=a&username=b&password=c").expectFailure(400, domain.CodeBadRequest, textBad)
	post("/api/login", "username=%zz").expectFailure(400, domain.CodeBadRequest, textBad)
	post("/api/login", form("username", "a")).expectFailure(400, domain.CodeBadRequest, textBad)
}
