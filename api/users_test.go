package api_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/api/password"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/eventstore"
)

// The texts about tokens in the wire contract.
const (
	textNoToken = "您没有权限访问该接口!"
	textExpired = "token 已过期! 请重新获取令牌"
	textInvalid = "Token 令牌不合法!"
	textUser    = "用户不存在或已被禁用"
	textBad     = "参数错误"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	form := func(name, text, again string) object {
		return object{"username": name, "password": text, "repassword": again}
	}
	t.Run("returns the account", func(t *testing.T) {
		var got struct {
			ID                         domain.UserID
			Username, Nickname, Avatar string
			Coin                       int
		}
		d.post("/api/reg", form(" alice ", testPassword, testPassword)).ok(&got).
			keysOf("data", "id", "username", "nickname", "avatar", "coin")
		if got.ID != 1 || got.Username != "alice" || got.Nickname != "" || got.Avatar != "" || got.Coin != 0 {
			t.Fatalf("got %+v", got)
		}
	})
	for name, c := range map[string]struct {
		form   any
		status int
		code   domain.Code
		text   string
	}{
		"a taken name":                {form("alice", testPassword, testPassword), 409, domain.CodeNameTaken, "用户名已存在"},
		"a taken name in other cases": {form("ＡLICE ", testPassword, testPassword), 409, domain.CodeNameTaken, "用户名已存在"},
		"a short password":            {form("bob", "12345", "12345"), 400, "password_too_short", "密码至少6个字符"},
		"passwords that differ":       {form("bob", testPassword, testPassword+" "), 400, "passwords_differ", "两次输入的密码不一致"},
		"an empty name":               {form(" ", testPassword, testPassword), 400, domain.CodeTextEmpty, textBad},
		"a long name":                 {form(strings.Repeat("a", 33), testPassword, testPassword), 400, domain.CodeTextTooLong, textBad},
		"a missing field":             {object{"username": "bob", "password": testPassword}, 400, domain.CodeBadRequest, textBad},
		"a name that is a number":     {object{"username": 7, "password": testPassword, "repassword": testPassword}, 400, domain.CodeBadRequest, textBad},
	} {
		t.Run("refuses "+name, func(t *testing.T) { d.post("/api/reg", c.form).expectFailure(c.status, c.code, c.text) })
	}
	t.Run("stores no password of a refused registration", func(t *testing.T) {
		var kept int
		if err := d.pool.QueryRow(t.Context(), "SELECT count(*) FROM credential").Scan(&kept); err != nil || kept != 1 {
			t.Fatalf("%d hashes for one account, %v, want 1", kept, err)
		}
	})
}

func TestLogin(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	sign := func(name, text string) reply {
		return d.post("/api/login", object{"username": name, "password": text})
	}
	t.Run("returns the account and a token", func(t *testing.T) {
		a.credit(30)
		var got struct {
			ID       domain.UserID
			Username string
			Coin     int
			Token    string
		}
		sign("alice", testPassword).ok(&got).keysOf("data", "id", "username", "nickname", "avatar", "coin", "token")
		if got.ID != a.ID || got.Username != "alice" || got.Coin != 30 || strings.Count(got.Token, ".") != 2 {
			t.Fatalf("got %+v", got)
		}
	})
	t.Run("finds the name in other cases", func(t *testing.T) { sign("Alice", testPassword).ok(nil) })
	for name, c := range map[string][2]string{
		"another password": {"alice", "correct horsf"}, "no password": {"alice", ""}, "an unknown name": {"nobody", testPassword},
		"a name that no account can have": {"\x00", testPassword}, "an endless password": {"alice", strings.Repeat("a", 10_000)},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			sign(c[0], c[1]).expectFailure(400, "credentials_wrong", "用户名或密码错误")
		})
	}
	t.Run("refuses a disabled user", func(t *testing.T) {
		bob := d.account("bob")
		d.operator(domain.DisableUser{User: bob.ID})
		sign("bob", testPassword).expectFailure(401, domain.CodeUserUnavailable, textUser)
		sign("bob", "correct horsf").expectFailure(400, "credentials_wrong", "用户名或密码错误")
		bob.get("/api/user/info").expectFailure(401, domain.CodeUserUnavailable, textUser)
		bob.post("/api/live/create", object{"title": "t", "cover": ""}).expectFailure(401, domain.CodeUserUnavailable, textUser)
	})
	t.Run("refuses a forgotten user", func(t *testing.T) {
		carol := d.account("carol")
		d.operator(domain.ForgetUser{User: carol.ID})
		if got := sign("carol", testPassword); got.status == 200 {
			t.Fatalf("got %s", got.raw)
		}
		carol.get("/api/user/info").expectFailure(401, domain.CodeUserUnavailable, textUser)
		carol.post("/api/live/create", object{"title": "t", "cover": ""}).expectFailure(401, domain.CodeUserUnavailable, textUser)
		d.post("/api/reg", object{"username": "carol", "password": testPassword, "repassword": testPassword}).
			expectFailure(409, domain.CodeNameTaken, "用户名已存在")
	})
}

// TestLoginHashesOnceForUnknownNames counts hashes by the memory that each hash allocates. It is not parallel, so that
// no other test allocates memory at the same time.
func TestLoginHashesOnceForUnknownNames(t *testing.T) {
	const memory = 32 << 20
	d := startAPI(t, func(c *api.Config) { c.Password = password.Cost{MemoryKiB: memory >> 10, Passes: 1, AtOnce: 1} })
	d.account("alice")
	for _, name := range []string{"alice", "nobody"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d.post("/api/login", object{"username": name, "password": "not hers"})
		runtime.ReadMemStats(&after)
		if hashes := (after.TotalAlloc - before.TotalAlloc) / memory; hashes != 1 {
			t.Errorf("%s: %d hashes were computed, want 1", name, hashes)
		}
	}
}

func TestOneSessionPerUser(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	older := d.account("alice")
	live := older.live("t")
	newer := d.signIn("alice")
	newer.get("/api/user/info").ok(nil)
	t.Run("a new login ends the older session", func(t *testing.T) {
		older.get("/api/user/info").expectFailure(401, domain.CodeSessionEnded, textInvalid)
		older.post("/api/live/create", object{"title": "t", "cover": ""}).expectFailure(401, domain.CodeSessionEnded, textInvalid)
		older.post("/api/logout", object{}).expectFailure(401, domain.CodeSessionEnded, textInvalid)
	})
	t.Run("the token of an ended session is ignored where none is needed", func(t *testing.T) {
		var got struct{ Sign string }
		older.get(fmt.Sprintf("/api/live/read/%d", live)).ok(&got)
		if !strings.HasPrefix(got.Sign, "play-") {
			t.Fatalf("an ended session gets %q", got.Sign)
		}
	})
	t.Run("a logout ends the newer session", func(t *testing.T) {
		var data string
		newer.post("/api/logout", "").ok(&data)
		if data != "ok" {
			t.Fatalf(`data %q, want "ok"`, data)
		}
		newer.get("/api/user/info").expectFailure(401, domain.CodeSessionEnded, textInvalid)
		newer.post("/api/logout", object{}).expectFailure(401, domain.CodeSessionEnded, textInvalid)
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	t.Run("are accepted in both headers and with Bearer", func(t *testing.T) {
		for _, h := range [][2]string{
			{"token", a.Token}, {"token", "Bearer " + a.Token}, {"Authorization", a.Token}, {"Authorization", "Bearer " + a.Token}, {"Authorization", "bearer " + a.Token},
		} {
			var got struct{ ID domain.UserID }
			d.get("/api/user/info", h[0], h[1]).ok(&got).keysOf("data", "id", "username", "nickname", "avatar", "coin", "age")
			if got.ID != a.ID {
				t.Errorf("%v: user %d, want %v", h, got.ID, a.ID)
			}
		}
	})
	for name, c := range map[string]struct {
		token string
		code  domain.Code
		text  string
	}{
		"no token":             {"", domain.CodeTokenMissing, textNoToken},
		"a malformed token":    {"x.y.z", domain.CodeTokenInvalid, textInvalid},
		"the text null":        {"Bearer null", domain.CodeTokenInvalid, textInvalid},
		"a wrong signature":    {a.Token[:len(a.Token)-4] + "AAAA", domain.CodeTokenInvalid, textInvalid},
		"a token without exp":  {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbWFpbCI6IjFAMS5jb20iLCJpYXQiOjE1MjcyNTY0NzF9.2tVGRzHLh75oDKbdc7WHciM80JeW3y2Pqu9WKdjeGGU", domain.CodeTokenInvalid, textInvalid},
		"a token with a space": {a.Token[:20] + " " + a.Token[20:], domain.CodeTokenInvalid, textInvalid},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			for _, send := range []func() reply{
				func() reply { return d.get("/api/user/info", "token", c.token) },
				func() reply { return d.post("/api/logout", object{}, "token", c.token) },
				func() reply { return d.post("/api/live/create", object{"title": "t", "cover": ""}, "token", c.token) },
				func() reply {
					return d.post("/api/live/changestatus", object{"id": 1, "type": "play"}, "token", c.token)
				},
				func() reply { return d.post("/api/gift/wxpay", object{"price": 1}, "token", c.token) },
				func() reply { return d.post("/api/upload", "", "token", c.token) },
				func() reply { return d.get("/api/events", "token", c.token) },
				func() reply { return d.get("/api/coin/history", "token", c.token) },
				func() reply { return d.get("/api/gift/history", "token", c.token) },
				func() reply { return d.get("/api/live/1/viewers", "token", c.token) },
				func() reply { return d.get("/api/live/1/comments", "token", c.token) },
			} {
				send().expectFailure(401, c.code, c.text)
			}
		})
		t.Run("ignores where none is needed: "+name, func(t *testing.T) {
			d.get("/api/live/list/1", "token", c.token).ok(nil)
			d.get("/api/gift/list", "token", c.token).ok(nil)
			d.post("/api/login", object{"username": "nobody", "password": testPassword}, "token", c.token).
				expectFailure(400, "credentials_wrong", "用户名或密码错误")
		})
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	var skew atomic.Int64
	d := startAPI(t, func(c *api.Config) {
		tokens, err := token.NewIssuer([]string{tokenSecret}, time.Hour, func() time.Time { return time.Now().Add(time.Duration(skew.Load())) })
		if err != nil {
			t.Fatal(err)
		}
		c.Tokens = tokens
	})
	a := d.account("alice")
	a.get("/api/user/info").ok(nil)
	skew.Store(int64(2 * time.Hour))
	a.get("/api/user/info").expectFailure(401, domain.CodeTokenExpired, textExpired)
}

func TestBrowserLogin(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	form := object{"username": "alice", "password": testPassword}
	for _, header := range []string{"Bearer null", "Bearer " + a.Token} {
		reply := d.post("/api/login", form, "Authorization", header)
		reply.keys("code", "data")
		var got struct {
			Code int
			Data string
		}
		decode(t, reply, &got)
		if reply.status != 200 || got.Code != 200 || strings.Count(got.Data, ".") != 2 {
			t.Fatalf("%s: got %d %s", header, reply.status, reply.raw)
		}
		d.get("/api/user/info", "Authorization", "Bearer "+got.Data).ok(nil)
	}
	for name, c := range map[string]struct {
		body any
		text string
	}{
		"a wrong password":  {object{"username": "alice", "password": "correct horsf"}, "用户名或密码错误"},
		"garbage":           {"{", textBad},
		"a wrong type":      {`{"username":7}`, textBad},
		"an oversized body": {`{"username":"` + strings.Repeat("a", 1<<20) + `"}`, "请求内容过大"},
	} {
		t.Run("refuses "+name+" with 200", func(t *testing.T) {
			reply := d.post("/api/login", c.body, "Authorization", "Bearer null")
			reply.keys("code", "message")
			var got struct {
				Code    int
				Message string
			}
			decode(t, reply, &got)
			if reply.status != 200 || got.Code != 400 || got.Message != c.text {
				t.Fatalf("got %d %s, want 200, got.Code 400, got.Message %v", reply.status, reply.raw, c.text)
			}
		})
	}
}

func TestIncrementAge(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	expect := func(code int, message string, header ...string) {
		t.Helper()
		reply := d.get("/api/insert", header...)
		reply.keys("code", "message")
		var got struct {
			Code    int
			Message string
		}
		decode(t, reply, &got)
		if reply.status != 200 || got.Code != code || got.Message != message {
			t.Fatalf("%d %s, want %d %s", reply.status, reply.raw, code, message)
		}
	}
	expect(200, "添加成功~", "Authorization", "Bearer "+a.Token)
	expect(200, "添加成功~", "Authorization", "Bearer "+a.Token)
	expect(-200, "请登录~")
	expect(401, "Token 令牌不合法!", "Authorization", "Bearer null")
	d.operator(domain.DisableUser{User: b.ID})
	expect(401, textUser, "Authorization", "Bearer "+b.Token)
	page, err := d.store.Read(t.Context(), eventstore.Query{Types: []string{"user.age_changed.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	var ages []int
	for _, r := range page.Events {
		ages = append(ages, r.Event.(domain.UserAgeChanged).Age)
	}
	if !slices.Equal(ages, []int{1, 2}) {
		t.Fatalf("ages %v", ages)
	}
}

func TestChangeProfile(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	change := func(body string, headers ...string) reply {
		t.Helper()
		return d.send(http.MethodPut, "/api/user/profile", strings.NewReader(body), append([]string{"token", a.Token, "Content-Type", "application/json"}, headers...)...)
	}
	var got struct {
		ID                         domain.UserID
		Username, Nickname, Avatar string
		Coin                       int
	}
	want := got
	for _, step := range []struct {
		body, kind       string
		nickname, avatar string
		age              int
	}{
		{`{"nickname":" 小明 "}`, "", "小明", "", 0},
		{`{"avatar":"https://cdn.example/a.png"}`, "", "小明", "https://cdn.example/a.png", 0},
		{`{"age":30}`, "", "小明", "https://cdn.example/a.png", 30},
		{"nickname=Al&age=31", "application/x-www-form-urlencoded", "Al", "https://cdn.example/a.png", 31},
		{`{"nickname":"","avatar":""}`, "", "", "", 31},
		{`{"nickname":"Ali","avatar":"/uploads/a.png","age":"32"}`, "", "Ali", "/uploads/a.png", 32},
	} {
		headers := []string{}
		if step.kind != "" {
			headers = []string{"Content-Type", step.kind}
		}
		change(step.body, headers...).ok(&got).keysOf("data", "id", "username", "nickname", "avatar", "coin")
		want.ID, want.Username, want.Nickname, want.Avatar = a.ID, "alice", step.nickname, step.avatar
		if got != want {
			t.Errorf("%s: got %+v, want %+v", step.body, got, want)
		}
		a.get("/api/user/info").ok(&got)
		if got != want {
			t.Errorf("%s: read %+v afterwards, want %+v", step.body, got, want)
		}
		var own struct{ Age int }
		if a.get("/api/user/info").ok(&own); own.Age != step.age {
			t.Errorf("%s: the age is %d, want %d", step.body, own.Age, step.age)
		}
	}
	keyed := func() { // a repetition is the same request, whatever has happened to the profile in between
		t.Helper()
		change(`{"nickname":"Ali","age":33}`, "Idempotency-Key", "k").ok(&got)
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	keyed()
	change(`{"nickname":"Alina","avatar":"/uploads/b.png"}`).ok(nil)
	keyed()
	want.Nickname, want.Avatar = "Alina", "/uploads/b.png"
	change(`{"age":"9223372036854775807"}`).expectFailure(400, domain.CodeNumberOutOfRange, textBad)
	change(`{}`).expectFailure(400, domain.CodeBadRequest, textBad)
	change(`{"nickname":5}`).expectFailure(400, domain.CodeBadRequest, textBad)
	change(`{"nickname":"New","age":-1}`).expectFailure(400, domain.CodeNumberOutOfRange, textBad)
	change(`{"avatar":"javascript:x"}`).expectFailure(400, domain.CodeTextInvalid, textBad)
	d.account("bob")
	change(`{"nickname":"bob"}`).expectFailure(409, domain.CodeNicknameTaken, "昵称已被使用")
	d.send(http.MethodPut, "/api/user/profile", strings.NewReader(`{"age":1}`)).expectFailure(401, domain.CodeTokenMissing, textNoToken)
	a.get("/api/user/info").ok(&got)
	if got != want {
		t.Errorf("what was refused changed the profile to %+v, want %+v", got, want)
	}
}
