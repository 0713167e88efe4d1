package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
)

// decodeChat decodes a response in the envelope of the chat pages into v. If the response is a refusal, it returns the
// error text.
func decodeChat(t testing.TB, a reply, v any) (failure string) {
	t.Helper()
	var e struct {
		Code   int
		Data   json.RawMessage
		Error  string
		TextEN string `json:"text_en"`
	}
	decode(t, a, &e)
	if a.status != 200 || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if e.Code != 0 {
		a.keys("code", "error", "text_en")
		if e.Code != 1 || e.Error == "" || e.TextEN == "" {
			t.Fatalf("got %s", a.raw)
		}
		return e.Error
	}
	a.keys("code", "data")
	if v != nil {
		if err := json.Unmarshal(e.Data, v); err != nil {
			t.Fatalf("%v: %s", err, a.raw)
		}
	}
	return ""
}

type chatUser struct {
	ID       string `json:"_id"`
	Name     string
	Avatar   string
	Online   bool
	Room     *string
	CreateAt time.Time
	Email    string
	IAT      int64
}

type chatRoom struct {
	ID       string `json:"_id"`
	Name     string
	CreateAt time.Time
	Users    []chatUser
}

func allowGuests(c *api.Config) { c.GuestChat = true }

func TestEmailLogin(t *testing.T) {
	t.Parallel()
	d := startAPI(t, allowGuests)
	login := func(email string) (token string) {
		t.Helper()
		if no := decodeChat(t, d.post("/login", map[string]string{"email": email}), &token); no != "" {
			t.Fatalf(`%s: got %s, want ""`, email, no)
		}
		return token
	}
	validate := func(token string) (u chatUser, failure string) {
		t.Helper()
		return u, decodeChat(t, d.post("/validate", map[string]string{"token": token}), &u)
	}
	began := time.Now().Truncate(time.Second)
	first := login(" Zoe.Li@Example.org ")
	zoe, _ := validate(first)
	if zoe.ID != "1" || zoe.Name != "Zoe.Li" || zoe.Email != "Zoe.Li@Example.org" || zoe.Online || zoe.Room != nil ||
		zoe.Avatar != "http://www.gravatar.com/avatar/5d2db8ec17718c4d6e180a7c54d27705" ||
		time.Unix(zoe.IAT, 0).Before(began) || time.Unix(zoe.IAT, 0).After(time.Now()) || zoe.CreateAt.IsZero() {
		t.Errorf("got %+v", zoe)
	}
	d.post("/validate", map[string]string{"token": first}).keysOf("data", "_id", "name", "avatar", "online", "room", "createAt", "email", "iat")
	t.Run("returns the same account, and all its tokens stay valid", func(t *testing.T) {
		second := login("zoe.li@EXAMPLE.ORG")
		for _, token := range []string{first, second, login("zoe.li@example.org")} {
			if again, no := validate("Bearer " + token); again.ID != zoe.ID {
				t.Errorf("got %+v, %q, want ID %v", again, no, zoe.ID)
			}
		}
	})
	t.Run("concurrent first sign-ins get valid tokens", func(t *testing.T) {
		tokens := make([]string, 8)
		var all sync.WaitGroup
		for i := range tokens {
			all.Go(func() { tokens[i] = login("tabs@example.org") })
		}
		all.Wait()
		for _, token := range tokens {
			if _, no := validate(token); no != "" {
				t.Errorf("a token is refused: %s", no)
			}
		}
	})
	t.Run("concurrent sign-ins create one account", func(t *testing.T) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { login("many@example.org") })
		}
		all.Wait()
		if got := d.registered(); got != 3 {
			t.Errorf("%d accounts, want 3", got)
		}
	})
	t.Run("another address with the same name is another account", func(t *testing.T) {
		if other, _ := validate(login("Zoe.Li@example.com")); other.ID == zoe.ID || other.Name != "Zoe.Li" {
			t.Errorf("got %+v", other)
		}
	})
	for name, email := range map[string]string{
		"nothing": "", "no @": "zoe", "nothing before @": "@example.org", "nothing after @": "zoe@", "a space": "zoe li@example.org",
		"a line break": "zoe\n@example.org", "NUL": "zoe\x00@example.org", "too long": strings.Repeat("z", 250) + "@a.bc",
	} {
		if no := decodeChat(t, d.post("/login", map[string]string{"email": email}), nil); no == "" {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, token := range []string{"", "x", "Bearer null"} {
		if _, no := validate(token); no != "用户验证失败" {
			t.Errorf(`%q: got %q, want "用户验证失败"`, token, no)
		}
	}
	t.Run("refuses disabled and forgotten users", func(t *testing.T) {
		d.operator(domain.DisableUser{User: 1})
		if no := decodeChat(t, d.post("/login", map[string]string{"email": "zoe.li@example.org"}), nil); no != textUser {
			t.Errorf("got %q, want %v", no, textUser)
		}
		d.operator(domain.ForgetUser{User: 1})
		if no := decodeChat(t, d.post("/login", map[string]string{"email": "zoe.li@example.org"}), nil); no != textUser {
			t.Errorf("got %q, want %v", no, textUser)
		}
	})
	t.Run("such an account cannot become an operator", func(t *testing.T) {
		_, err := d.sequencer.Execute(t.Context(), domain.Request{Actor: domain.Actor{Kind: domain.Operator}, Command: domain.GrantRole{User: 2, Role: domain.RoleOperator}})
		if no := domain.AsRefusal(err); no == nil || no.Code != domain.CodeForbidden {
			t.Error(err)
		}
	})
	if strings.Contains(d.log.String(), "xample.org") {
		t.Error("an e-mail address is logged")
	}
}

func (d *testAPI) registered() (n int) {
	d.Helper()
	page, err := d.store.Read(d.Context(), eventstore.Query{Types: []string{"user.registered.v1"}})
	if err != nil {
		d.Fatal(err)
	}
	return len(page.Events)
}

func TestEmailLoginNeedsTheSetting(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	if no := decodeChat(t, d.post("/login", map[string]string{"email": "zoe@example.org"}), nil); no != "未开放邮箱登录" || d.registered() != 0 {
		t.Errorf(`%q, and %d accounts, want "未开放邮箱登录", 0`, no, d.registered())
	}
	a := d.account("alice") // users with a password may chat, too
	var u chatUser
	if no := decodeChat(t, d.post("/validate", map[string]string{"token": a.Token}), &u); no != "" || u.Name != "alice" || u.Email != "" {
		t.Errorf(`got %q %+v, want "", Name "alice", Email ""`, no, u)
	}
}

func TestChatRooms(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) {
		c.ChatRooms = 3
		limitCommands(t, c, ratelimit.Config{ChatRoomsPerAddress: 10})
	})
	create := func(path, name string) (r chatRoom, failure string) {
		t.Helper()
		return r, decodeChat(t, d.post(path, map[string]string{"name": name}, "Authorization", "Bearer null"), &r)
	}
	began := time.Now().Truncate(time.Second)
	music, no := create("/createRoom", " Music 🎵 ")
	if no != "" || !domain.IsChatRoomID(music.ID) || music.Name != "Music 🎵" || music.CreateAt.Before(began) || music.CreateAt.After(time.Now()) {
		t.Fatalf("got %q %+v", no, music)
	}
	if again, no := create("/addRoom", "MUSIC 🎵"); no != "房间已经存在!" {
		t.Errorf(`got %q %+v, want "房间已经存在!"`, no, again)
	}
	if _, no := create("/addRoom", "\t"); no != "参数错误" {
		t.Errorf(`got %q, want "参数错误"`, no)
	}
	if _, no := create("/addRoom", music.ID); no != "房间已经存在!" {
		t.Errorf(`a name like an id: %q, want "房间已经存在!"`, no)
	}
	var none []chatRoom
	a := d.account("alice")
	enter := func(connection string, room string) {
		t.Helper()
		a.command(domain.EnterChat{Connection: connection, Profile: domain.ProfileRooms, ChatRoom: domain.ChatRoomID(room), Node: "p1"})
	}
	decodeChat(t, d.get("/getAllRooms"), &none)
	if len(none) != 1 || len(none[0].Users) != 0 {
		t.Errorf("got %+v, want 1 element, 0 none[0].Users", none)
	}
	enter("c1", music.ID)
	enter("c2", music.ID)
	list := func() reply { return d.post("/getAllRooms", "") }
	var rooms []chatRoom
	decodeChat(t, list(), &rooms)
	if len(rooms) != 1 || rooms[0].ID != music.ID || len(rooms[0].Users) != 1 || rooms[0].Users[0].Name != "alice" ||
		!rooms[0].Users[0].Online || *rooms[0].Users[0].Room != music.ID || rooms[0].Users[0].ID != fmt.Sprint(a.ID) {
		t.Errorf("got %+v", rooms)
	}
	list().keysOf("data [0]", "_id", "name", "createAt", "users")
	list().keysOf("data [0] users [0]", "_id", "name", "avatar", "online", "room", "createAt")
	var u chatUser
	decodeChat(t, d.post("/validate", map[string]string{"token": a.Token}), &u)
	if !u.Online || u.Room == nil || *u.Room != music.ID {
		t.Errorf("got %+v", u)
	}
	for _, name := range []string{"second", "third"} {
		if _, no := create("/createRoom", name); no != "" {
			t.Error(no)
		}
	}
	if _, no := create("/createRoom", "one too many"); no != "房间数量已达上限" {
		t.Errorf(`got %q, want "房间数量已达上限"`, no)
	}
	var last string
	for range 10 {
		_, last = create("/createRoom", "again and again")
	}
	if last != "操作太频繁，请稍后再试" {
		t.Errorf(`got %q, want "操作太频繁，请稍后再试"`, last)
	}
}

func TestBadBodiesOfChatEndpoints(t *testing.T) {
	t.Parallel()
	d := startAPI(t, allowGuests, func(c *api.Config) { c.BodyBytes = 1000 })
	for _, path := range []string{"/login", "/createRoom", "/addRoom", "/validate"} {
		for _, body := range []string{"", "{", "[]", "null", `"x"`, `{"email":7,"name":7,"token":7}`, `{"email":{},"name":[],"token":{}}`, strings.Repeat(" ", 2000)} {
			if no := decodeChat(t, d.post(path, body), nil); no == "" || no == "系统繁忙，请稍后再试" {
				t.Errorf("%s %q: got %q", path, body, no)
			}
		}
		if got := d.get(path); got.status != 405 {
			t.Errorf("GET %s: %d, want 405", path, got.status)
		}
	}
}
