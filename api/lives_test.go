package api_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
)

type liveForm struct {
	ID          domain.LiveID
	Title       string
	Cover       string
	Key         string
	Status      int
	LookCount   int           `json:"look_count"`
	Coin        int           `json:"coin"`
	UserID      domain.UserID `json:"user_id"`
	Owner       domain.UserID `json:"userId"`
	CreatedTime string        `json:"created_time"`
	UpdatedTime string        `json:"updated_time"`
	User        struct {
		ID       domain.UserID
		Username string
		Avatar   string
	}
}

type signedForm struct {
	Data liveForm
	Sign *string
}

// liveKeys are the members of a live in a response, without key and user.
var liveKeys = []string{"id", "title", "cover", "status", "look_count", "coin", "user_id", "userId", "created_time", "updated_time", "media"}

func plus(names []string, more ...string) []string {
	return append(append([]string{}, names...), more...)
}

func TestCreateLive(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	t.Run("returns the live in data.data, and a publish sign", func(t *testing.T) {
		var got signedForm
		began := time.Now().Add(-time.Second).Truncate(time.Second)
		a.post("/api/live/create", object{"title": " My show ", "cover": "http://x/c.png"}).ok(&got).
			keysOf("data", "data", "sign")
		r := got.Data
		if r.Title != "My show" || r.Cover != "http://x/c.png" || r.Status != 0 || r.LookCount != 0 || r.Coin != 0 || r.UserID != a.ID || r.Owner != a.ID {
			t.Fatalf("got %+v", r)
		}
		if !regexp.MustCompile(`^[0-9a-zA-Z]{20}$`).MatchString(r.Key) {
			t.Fatalf("key %q", r.Key)
		}
		if got.Sign == nil || *got.Sign != "publish-"+r.Key {
			t.Fatalf("sign %v", got.Sign)
		}
		shanghai := time.FixedZone("", 8*3600)
		created, err := time.ParseInLocation("2006-01-02 15:04:05", r.CreatedTime, shanghai)
		if err != nil || created.Before(began) || created.After(time.Now()) {
			t.Fatalf("created_time %q is no time of now in Shanghai: %v", r.CreatedTime, err)
		}
		updated, err := time.Parse("2006-01-02T15:04:05.000Z", r.UpdatedTime)
		if err != nil || updated.Sub(created).Abs() > time.Second {
			t.Fatalf("updated_time %q: %v", r.UpdatedTime, err)
		}
	})
	t.Run("has exactly the fields of the contract", func(t *testing.T) {
		a.post("/api/live/create", object{"title": "t", "cover": ""}).keysOf("data data", plus(liveKeys, "key")...)
	})
	t.Run("creates a different key each time", func(t *testing.T) {
		seen := map[string]bool{}
		for range 5 {
			var got signedForm
			a.post("/api/live/create", object{"title": "t", "cover": ""}).ok(&got)
			seen[got.Data.Key] = true
		}
		if len(seen) != 5 {
			t.Fatalf("%d keys for 5 lives, want 5", len(seen))
		}
	})
	t.Run("repeats the first outcome for the same idempotency key", func(t *testing.T) {
		body := object{"title": "once", "cover": ""}
		first, second := a.post("/api/live/create", body, "Idempotency-Key", "k1"), a.post("/api/live/create", body, "Idempotency-Key", "k1")
		if string(first.raw) != string(second.raw) || first.status != 200 {
			t.Fatalf("first %s\nsecond %s", first.raw, second.raw)
		}
		a.post("/api/live/create", object{"title": "twice", "cover": ""}, "Idempotency-Key", "k1").
			expectFailure(409, domain.CodeKeyReused, "请求重复且内容不一致")
		a.post("/api/live/create", body, "Idempotency-Key", strings.Repeat("k", 65)).expectFailure(400, domain.CodeBadKey, textBad)
	})
	for name, body := range map[string]any{
		"no title":                 object{"cover": ""},
		"no cover":                 object{"title": "t"},
		"a title that is null":     object{"title": nil, "cover": ""},
		"a title that is a list":   object{"title": []string{"t"}, "cover": ""},
		"a cover that is a number": object{"title": "t", "cover": 1},
		"a body that is a list":    []string{},
		"a body that is a string":  `"x"`,
		"an empty body":            "",
		"half a body":              `{"title":"t"`,
		"two bodies":               `{"title":"t","cover":""}{}`,
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			a.post("/api/live/create", body).expectFailure(400, domain.CodeBadRequest, textBad)
		})
	}
	t.Run("ignores unknown fields", func(t *testing.T) {
		a.post("/api/live/create", object{"title": "t", "cover": "", "more": 1}).ok(nil)
	})
	t.Run("accepts JSON under any content type", func(t *testing.T) {
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "x"} {
			a.post("/api/live/create", object{"title": "t", "cover": ""}, "Content-Type", kind).ok(nil)
		}
	})
}

func TestChangeStatus(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	id := a.live("t")
	change := func(by account, id any, to string) reply {
		return by.post("/api/live/changestatus", object{"id": id, "type": to})
	}
	status := func(t *testing.T, want int) {
		t.Helper()
		var got signedForm
		d.get(fmt.Sprintf("/api/live/read/%d", id)).ok(&got)
		if got.Data.Status != want {
			t.Fatalf("status %d, want %d", got.Data.Status, want)
		}
	}
	for _, step := range []struct {
		id   any
		to   string
		want int
	}{{id, "pause", 2}, {id, "play", 1}, {fmt.Sprint(id), "pause", 2}, {id, "pause", 2}, {id, "play", 1}} {
		var data string
		change(a, step.id, step.to).ok(&data)
		if data != "ok" {
			t.Fatalf(`data %q, want "ok"`, data)
		}
		status(t, step.want)
	}
	const notFound = "该直播间不存在"
	change(b, id, "stop").expectFailure(404, domain.CodeLiveNotFound, notFound)
	change(a, 999, "stop").expectFailure(404, domain.CodeLiveNotFound, notFound)
	change(a, -1, "stop").expectFailure(404, domain.CodeLiveNotFound, notFound)
	change(a, "999999999999", "stop").expectFailure(404, domain.CodeLiveNotFound, notFound)
	status(t, 1)
	change(a, id, "stop").ok(nil)
	status(t, 3)
	for _, to := range []string{"stop", "play", "pause"} {
		change(a, id, to).expectFailure(409, domain.CodeLiveEnded, "该直播间已结束")
	}
	for name, body := range map[string]any{
		"a type that there is not": object{"id": id, "type": "end"}, "no type": object{"id": id}, "no id": object{"type": "play"},
		"an id that is a word": object{"id": "six", "type": "play"}, "an id that is half a number": object{"id": 1.5, "type": "play"},
		"an id that is null": object{"id": nil, "type": "play"}, "an endless id": `{"id":1e400,"type":"play"}`,
		"a huge id": `{"id":99999999999999999999,"type":"play"}`, "an empty id": object{"id": "", "type": "play"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			a.post("/api/live/changestatus", body).expectFailure(400, domain.CodeBadRequest, textBad)
		})
	}
}

func TestListLives(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	list := func(t *testing.T, page any) []liveForm {
		t.Helper()
		lives := []liveForm(nil)
		reply := d.get(fmt.Sprintf("/api/live/list/%v", page)).ok(&lives)
		if lives == nil {
			t.Fatalf("data is not a list: %s", reply.raw)
		}
		return lives
	}
	if got := list(t, 1); len(got) != 0 {
		t.Fatalf("an empty server has %d lives, want 0", len(got))
	}
	for i := range 12 {
		a.live(fmt.Sprintf("room %d", i+1))
	}
	a.post("/api/live/changestatus", object{"id": 12, "type": "stop"}).ok(nil)
	first, second := list(t, 1), list(t, 2)
	if len(first) != 10 || len(second) != 2 || first[0].ID != 12 || first[9].ID != 3 || second[0].ID != 2 || second[1].ID != 1 {
		t.Fatalf("pages of %d and %d, first is %d", len(first), len(second), first[0].ID)
	}
	if first[0].Status != 3 || first[0].Title != "room 12" || first[0].UserID != a.ID || first[0].Owner != a.ID {
		t.Fatalf("got %+v", first[0])
	}
	d.get("/api/live/list/1").keysOf("data [0]", liveKeys...)
	for _, page := range []any{3, 1_000_000_000_000, "9223372036854775807"} {
		if got := list(t, page); len(got) != 0 {
			t.Errorf("page %v has %d lives, want 0", page, len(got))
		}
	}
	for _, page := range []string{"0", "-1", "x", "1.5", "1e3", "99999999999999999999", "%00", "1%20", "0x1"} {
		d.get("/api/live/list/"+page).expectFailure(400, domain.CodeBadRequest, textBad)
	}
	d.get("/api/live/list/").expectFailure(404, "no_such_endpoint", "接口不存在")
	d.post("/api/live/list/1", "").expectFailure(405, "method_not_allowed", "请求方式错误")
}

func TestReadLive(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	id := a.onAir("My show")
	path := fmt.Sprintf("/api/live/read/%d", id)
	var got signedForm
	d.get(path).ok(&got).keysOf("data", "data", "sign")
	d.get(path).keysOf("data data", plus(liveKeys, "key", "moderators", "modes", "recorded", "user")...)
	d.get(path).keysOf("data data user", "id", "username", "avatar")
	if got.Data.ID != id || got.Data.Status != 1 || got.Data.User.ID != a.ID || got.Data.User.Username != "alice" || len(got.Data.Key) != 20 {
		t.Fatalf("got %+v", got)
	}
	t.Run("has media while it is broadcast", func(t *testing.T) {
		body := func() string { return string(d.get(path).raw) }
		if !strings.Contains(body(), `"media":null`) {
			t.Fatalf("got %s", body())
		}
		d.systemCommand(domain.StartBroadcast{Live: id, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Video: "h264", Width: 1280, Height: 720, Audio: "aac"}})
		const want = `"media":{"video":"h264","width":1280,"height":720,"audio":"aac","started_at":"`
		if !strings.Contains(body(), want) || !strings.Contains(string(d.get("/api/live/list/1").raw), want) {
			t.Fatalf("got %s", body())
		}
	})
	bad := a.Token[:len(a.Token)-4] + "AAAA"
	var named signedForm
	d.get(path, "token", b.Token).ok(&named)
	var registered time.Time
	if err := d.pool.QueryRow(t.Context(), "SELECT created_at FROM read.user_account WHERE id = $1", b.ID).Scan(&registered); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("play-%s-%d-%d", named.Data.Key, b.ID, registered.UnixMicro()); named.Sign == nil || *named.Sign != want {
		t.Fatalf("another user gets sign %v, want %s", named.Sign, want)
	}
	for name, c := range map[string]struct{ token, want string }{
		"no token":                    {"", "play-"},
		"an invalid token":            {bad, "play-"},
		"the owner":                   {a.Token, "publish-"},
		"the owner, Bearer before it": {"Bearer " + a.Token, "publish-"},
		"the text null":               {"null", "play-"},
	} {
		t.Run(name+" gets a sign to "+strings.TrimSuffix(c.want, "-"), func(t *testing.T) {
			var got signedForm
			d.get(path, "token", c.token).ok(&got)
			if got.Sign == nil || *got.Sign != c.want+got.Data.Key {
				t.Fatalf("sign %v", *got.Sign)
			}
		})
	}
	t.Run("there is no sign when the live has ended", func(t *testing.T) {
		a.post("/api/live/changestatus", object{"id": id, "type": "stop"}).ok(nil)
		for _, token := range []string{"", a.Token} {
			var got signedForm
			reply := d.get(path, "token", token).ok(&got)
			if got.Sign != nil || got.Data.Status != 3 || !strings.Contains(string(reply.raw), `"sign":null`) {
				t.Fatalf("got %s", reply.raw)
			}
		}
	})
	t.Run("an ended session of the owner gets a play sign", func(t *testing.T) {
		second := a.onAir("again")
		a.post("/api/logout", object{}).ok(nil)
		var got signedForm
		a.get(fmt.Sprintf("/api/live/read/%d", second)).ok(&got)
		if *got.Sign != "play-"+got.Data.Key {
			t.Fatalf("sign %q", *got.Sign)
		}
	})
	for _, none := range []string{"999", "0", "-1", "999999999999"} {
		d.get("/api/live/read/"+none).expectFailure(404, domain.CodeLiveNotFound, "当前直播间不存在")
	}
	for _, none := range []string{"x", "1.5", "99999999999999999999"} {
		d.get("/api/live/read/"+none).expectFailure(400, domain.CodeBadRequest, textBad)
	}
}

// TestTimeZone checks the setting --time-zone.
func TestTimeZone(t *testing.T) {
	t.Parallel()
	t.Run("an unknown zone is refused with the name of the setting and the cure", func(t *testing.T) {
		for _, zone := range []string{"Mars/Olympus", "../etc/passwd"} {
			c := api.Config{TimeZone: zone}
			want := fmt.Sprintf("--time-zone must be an IANA name like Asia/Shanghai (got %q)", zone)
			if err := c.CheckSettings(); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
	t.Run("a known zone is accepted", func(t *testing.T) {
		c := api.Config{TimeZone: "Pacific/Pago_Pago"}
		if err := c.CheckSettings(); err != nil {
			t.Error(err)
		}
	})
}

func TestCreatedTimeIsInTheTimeZone(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.TimeZone = "Pacific/Pago_Pago" })
	a := d.account("alice")
	var got signedForm
	a.post("/api/live/create", object{"title": "t", "cover": ""}).ok(&got)
	created, _ := time.Parse("2006-01-02 15:04:05", got.Data.CreatedTime)
	updated, _ := time.Parse("2006-01-02T15:04:05.000Z", got.Data.UpdatedTime)
	if away := updated.Sub(created).Round(time.Hour); away != 11*time.Hour {
		t.Fatalf("created %s, updated %s", got.Data.CreatedTime, got.Data.UpdatedTime)
	}
}

// systemCommand executes a command as the system and waits until the tables contain the result.
func (d *testAPI) systemCommand(c domain.Command) {
	d.Helper()
	receipt, err := d.sequencer.Execute(d.Context(), domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}})
	if err == nil {
		err = d.feed.WaitFor(d.Context(), receipt.Position)
	}
	if err != nil {
		d.Fatal(err)
	}
}
