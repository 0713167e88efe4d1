package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/api/password"
	"roomlog/domain"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/limit"
)

// TestBadTexts sends control characters, invalid encodings and long strings in every text field.
func TestBadTexts(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	fields := map[string]func(text string) reply{
		"the username": func(text string) reply {
			return d.post("/api/reg", `{"username":`+text+`,"password":"correct horse","repassword":"correct horse"}`)
		},
		"the password": func(text string) reply {
			return d.post("/api/reg", `{"username":"bob","password":`+text+`,"repassword":`+text+`}`)
		},
		"the title": func(text string) reply { return a.post("/api/live/create", `{"title":`+text+`,"cover":""}`) },
		"the cover": func(text string) reply { return a.post("/api/live/create", `{"title":"t","cover":`+text+`}`) },
		"the type":  func(text string) reply { return a.post("/api/live/changestatus", `{"id":1,"type":`+text+`}`) },
		"the id":    func(text string) reply { return a.post("/api/live/changestatus", `{"id":`+text+`,"type":"play"}`) },
		"the name at sign-in": func(text string) reply {
			return d.post("/api/login", `{"username":`+text+`,"password":"correct horse"}`)
		},
		"the password at sign-in": func(text string) reply {
			return d.post("/api/login", `{"username":"alice","password":`+text+`}`)
		},
	}
	texts := map[string]string{
		"a NUL":                   `"ab\u0000cdef"`,
		"a lone high surrogate":   `"abcdef\ud800"`,
		"a lone low surrogate":    `"\udc00abcdef"`,
		"a BEL":                   `"abc\u0007def"`,
		"an escape":               `"abc\u001b[2Jdef"`,
		"a C1 control":            `"abc\u0085def"`,
		"a raw NUL":               "\"ab\x00cdef\"",
		"a raw line feed":         "\"ab\ncdef\"",
		"invalid UTF-8":           "\"abcdef\xff\xfe\"",
		"an encoded surrogate":    "\"abcdef\xed\xa0\x80\"",
		"a replacement character": `"abcdef` + "\ufffd" + `"`,
		"30 kB":                   `"` + strings.Repeat("a", 30_000) + `"`,
		"10 MB":                   `"` + strings.Repeat("a", 10<<20) + `"`,
	}
	before, err := d.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for field, send := range fields {
		for name, text := range texts {
			t.Run(name+" in "+field, func(t *testing.T) {
				got := send(text)
				want := http.StatusBadRequest
				if name == "10 MB" {
					want = http.StatusRequestEntityTooLarge
				}
				if e := got.envelope(); got.status != want || e.Msg != "fail" || e.Code == "" || e.TextEN == "" || len(got.raw) > 1000 {
					t.Fatalf("got %d %.300s", got.status, got.raw)
				}
			})
		}
	}
	after, err := d.store.Head(t.Context())
	if err != nil || after != before {
		t.Fatalf("the log grew from %d to %d, %v, want %v", before, after, err, before)
	}
	if status := d.projector.Status(); status.Halted != nil || status.Poisoned != 0 {
		t.Fatalf("the projector is %+v", status)
	}
	a.get("/api/user/info").ok(nil)
}

// TestAmbiguousMembers sends bodies that two JSON decoders can understand differently.
func TestAmbiguousMembers(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.GuestChat = true })
	a := d.account("alice")
	for body, want := range map[string]string{
		`{"title":"t","cover":"","title":"u"}`:            `the member "title" occurs twice`,
		`{"title":"t","cover":"","Title":"u"}`:            `the member "Title" differs only in case from "title"`,
		`{"Title":"t","cover":""}`:                        `the member "Title" differs only in case from "title"`,
		`{"title":"t","cover":"","more":[{"a":1,"a":2}]}`: `the member "a" occurs twice`,
	} {
		got := a.post("/api/live/create", body)
		got.expectFailure(400, domain.CodeBadRequest, "参数错误")
		if e := got.envelope(); !strings.Contains(e.TextEN, want) {
			t.Errorf("%s: %q, want %q", body, e.TextEN, want)
		}
	}
	const login = `{"username":"alice","password":"123456","username":"bob"}`
	d.post("/api/login", login).expectFailure(400, domain.CodeBadRequest, "参数错误")
	if got := d.post("/api/login", login, "Authorization", "Bearer null"); !strings.Contains(string(got.raw), `{"code":400,"message":"参数错误"}`) {
		t.Errorf("the browser app gets %s", got.raw)
	}
	if got := d.post("/login", `{"email":"a@example.org","email":"b@example.org"}`); !strings.Contains(string(got.raw), "occurs twice") {
		t.Errorf("a chat page gets %s", got.raw)
	}
	a.post("/api/live/create", `{"title":"t","cover":"","unknown":1}`).ok(nil)
}

// TestBadPaths sends unknown paths, path traversals and unsupported methods.
func TestBadPaths(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	for _, path := range []string{"/api", "/api/", "/api/nothing", "/api/live/read/", "/api/live/read/1/2", "/%00", "/..%2f..", "/api/live/read/%2e%2e", "/favicon.ico"} {
		if got := d.get(path); got.status != 404 && got.status != 400 {
			t.Errorf("%s: got %d %s", path, got.status, got.raw)
		}
	}
	for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch, "BREW"} {
		d.send(method, "/api/login", nil).expectFailure(405, "method_not_allowed", "请求方式错误")
	}
	d.get("/api/login").expectFailure(405, "method_not_allowed", "请求方式错误")
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	analyst := d.account("alice").grant(domain.RoleAnalyst)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/getAllRooms", "/api/live/list/1", "/api/user/info", "/api/events?follow=true", "/api/live/read/9", "/nothing"} {
		head := analyst.send(http.MethodHead, path, nil, "token", analyst.Token)
		get := analyst.send(http.MethodGet, strings.TrimSuffix(path, "?follow=true"), nil, "token", analyst.Token)
		if head.status != get.status || len(head.raw) != 0 || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("%s: got %d %s %q, want %d %s", path, head.status, head.header.Get("Content-Type"), head.raw, get.status, get.header.Get("Content-Type"))
		}
	}
	if got := d.send(http.MethodHead, "/api/login", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a path without GET: %d, want 405", got.status)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	preflight := d.send(http.MethodOptions, "/api/login", nil, "Origin", "null", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "token,content-type")
	if preflight.status != 204 || preflight.header.Get("Access-Control-Allow-Origin") != "null" || preflight.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Fatalf("got %d %v", preflight.status, preflight.header)
	}
	for _, refused := range []reply{d.get("/api/user/info", "Origin", "file://"), d.get("/nothing", "Origin", "file://")} {
		if refused.header.Get("Access-Control-Allow-Origin") != "file://" {
			t.Errorf("a page cannot read a refusal: %v", refused.header)
		}
	}
}

func TestOversizedBody(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.BodyBytes = 1000 })
	a := d.account("alice")
	exact := func(size int) string {
		const shell = `{"title":"t","cover":"","more":""}`
		return strings.Replace(shell, `"more":"`, `"more":"`+strings.Repeat("a", size-len(shell)), 1)
	}
	a.post("/api/live/create", exact(1000)).ok(nil)
	for _, size := range []int{1001, 2000, 10 << 20} {
		a.post("/api/live/create", exact(size)).expectFailure(413, "body_too_large", "请求内容过大")
	}
	d.post("/api/gift/notify", strings.Repeat("a", 1001)).expectFailure(413, "body_too_large", "请求内容过大")
}

// TestSlowBody checks that a body must arrive within its timeout.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.BodyTimeout, c.UploadTimeout = 2*time.Second, 2*time.Second })
	a := d.account("alice")
	for _, path := range []string{"/api/login", "/api/live/create", "/api/gift/notify", "/api/upload"} {
		t.Run(path, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\ntoken: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x\r\n", path, a.Token)
			conn.SetReadDeadline(time.Now().Add(testTimeout))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusRequestTimeout || !response.Close {
				t.Fatalf("status %d, %v", response.StatusCode, response.Header)
			}
		})
	}
	t.Run("a body that ends early", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{}")
		conn.(*net.TCPConn).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(testTimeout))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusBadRequest {
			t.Fatalf("got %v, %v, want StatusCode %v", response, err, http.StatusBadRequest)
		}
	})
	t.Run("a connection has no read deadline after a body that arrived in time", func(t *testing.T) {
		for range 2 { // twice on one connection
			a.post("/api/live/changestatus", object{}).envelope()
			<-time.After(2100 * time.Millisecond) // time passes: it is longer than the read deadline on every machine
			a.get("/api/user/info").ok(nil)
		}
	})
}

func TestRates(t *testing.T) {
	t.Parallel()
	const text = "操作太频繁，请稍后再试"
	// The clock of the API does not move, so Retry-After is exactly the time until the bucket gets its next token.
	limited := func(t *testing.T, perMinute int, got reply) {
		t.Helper()
		got.expectFailure(429, domain.CodeRateLimited, text)
		if want := strconv.Itoa(60 / perMinute); got.header.Get("Retry-After") != want {
			t.Errorf("Retry-After %q, want %s", got.header.Get("Retry-After"), want)
		}
	}
	start := func(t *testing.T, change func(*api.Config)) *testAPI {
		t.Helper()
		now := time.Now()
		return startAPI(t, func(c *api.Config) {
			c.Now = func() time.Time { return now }
			c.BodyTimeout, c.UploadTimeout = 10*time.Minute, 10*time.Minute // both timeouts are longer than the test and start now
		}, change)
	}
	from := func(address string) []string { return []string{"X-Forwarded-For", address} }
	login := func(d *testAPI, name string, headers ...string) reply {
		return d.post("/api/login", object{"username": name, "password": "not it"}, headers...)
	}
	t.Run("of sign-ins from one address", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.SignInsPerAddress = 3 })
		for i := range 3 {
			login(d, fmt.Sprint(i), from("198.51.100.7")...).expectFailure(400, "credentials_wrong", "用户名或密码错误")
		}
		limited(t, 3, login(d, "x", from("198.51.100.7")...))
		login(d, "x", from("198.51.100.8")...).expectFailure(400, "credentials_wrong", "用户名或密码错误")
		got := login(d, "x", append(from("198.51.100.7"), "Authorization", "Bearer null")...)
		if got.status != 200 || !strings.Contains(string(got.raw), `{"code":400,"message":"`+text+`"}`) {
			t.Errorf("got %d %s", got.status, got.raw)
		}
	})
	t.Run("of reads from one address, which do not count against the callbacks of payments", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.ReadsPerAddress, c.PaymentsPerAddress = 2, 2 })
		for range 2 {
			d.get("/api/gift/list", from("198.51.100.7")...).ok(nil)
		}
		limited(t, 2, d.get("/api/gift/list", from("198.51.100.7")...))
		d.get("/api/gift/list", from("198.51.100.8")...).ok(nil)
		for range 2 {
			d.post("/api/gift/notify", object{}, from("198.51.100.7")...).expectFailure(401, "signature_invalid", "签名错误")
		}
		limited(t, 2, d.post("/api/gift/notify", object{}, from("198.51.100.7")...))
	})
	t.Run("of sign-ins from one IPv6 network", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.SignInsPerAddress = 2 })
		login(d, "a", from("2001:db8::1")...)
		login(d, "b", from("2001:db8::2")...)
		limited(t, 2, login(d, "c", from("2001:db8::ffff:3")...))
	})
	t.Run("of wrong passwords under one name, from many addresses", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.WrongPasswordsPerDevice, c.WrongPasswordsPerName = 1, 3 })
		a := d.account("alice")
		for i, name := range []string{"alice", "ALICE", "alice "} {
			login(d, name, from(fmt.Sprintf("198.51.100.%d", i))...).expectFailure(400, "credentials_wrong", "用户名或密码错误")
		}
		limited(t, 3, login(d, "alice", from("198.51.100.9")...))
		login(d, "bob").expectFailure(400, "credentials_wrong", "用户名或密码错误")
		right := object{"username": "alice", "password": testPassword}
		d.post("/api/login", right).ok(nil)                                                                           // from the address that has signed in before
		limited(t, 3, d.post("/api/login", right, from("198.51.100.10")...))                                          // from an unknown address
		d.post("/api/login", right, append(from("198.51.100.10"), "token", a.Token)...).ok(nil)                       // from the unknown address, but with a known device
		limited(t, 3, d.post("/api/login", right, append(from("198.51.100.11"), "token", d.account("eve").Token)...)) // with the device of another user
	})
	t.Run("of one address, which locks out nobody else", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.SignInsPerAddress = 60 })
		const users = 5
		for i := range users {
			register := object{"username": fmt.Sprint("user", i), "password": testPassword, "repassword": testPassword}
			d.post("/api/reg", register, from("203.0.113.1")...).ok(nil)
		}
		for i := range 50 * users {
			login(d, fmt.Sprint("user", i%users), from("198.51.100.7")...)
		}
		for i := range users { // from addresses that have never signed in
			right := object{"username": fmt.Sprint("user", i), "password": testPassword}
			d.post("/api/login", right, from(fmt.Sprintf("192.0.2.%d", i))...).ok(nil)
		}
	})
	t.Run("of passwords that wait", func(t *testing.T) {
		t.Parallel()
		d := startAPI(t, func(c *api.Config) {
			c.Password = password.Cost{MemoryKiB: 4096, Passes: 1, AtOnce: 1, Queue: 1, Wait: time.Nanosecond}
		})
		d.account("alice")
		var wg sync.WaitGroup
		statuses := make(chan int, 100)
		for range cap(statuses) {
			wg.Go(func() {
				got := login(d, "alice")
				if statuses <- got.status; got.status == 429 && got.header.Get("Retry-After") != "2" {
					t.Errorf("Retry-After %q, want 2", got.header.Get("Retry-After"))
				}
			})
		}
		wg.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		if count[400] == 0 || count[429] == 0 || count[400]+count[429] != 100 {
			t.Errorf("statuses %v, want only 400 and 429", count)
		}
		if strings.Contains(d.log.String(), "level=ERROR") {
			t.Errorf("the log has errors: %s", d.log.String())
		}
	})
	t.Run("of registrations", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) { c.RegistrationsPerAddress = 2 })
		register := func(name string) reply {
			return d.post("/api/reg", object{"username": name, "password": testPassword, "repassword": testPassword})
		}
		register("a").ok(nil)
		register("b").ok(nil)
		limited(t, 2, register("c"))
	})
	t.Run("of commands and uploads of one user", func(t *testing.T) {
		t.Parallel()
		d := start(t, func(c *api.Config) {
			c.UploadsPerUser = 2
			limitCommands(t, c, ratelimit.Config{ChangeRate: 2.0 / 60, ChangeBurst: 4})
		})
		a, b := d.account("alice"), d.account("bob")
		for range 2 { // an upload is a command too
			a.live("t")
			a.upload("a.png", "", smallImage(t, "png")).ok(nil)
		}
		limited(t, 2, a.post("/api/live/create", object{"title": "t", "cover": ""}))
		limited(t, 2, a.upload("a.png", "", smallImage(t, "png")))
		b.live("t")
		a.get("/api/user/info").ok(nil)
	})
}

// limitCommands limits the commands of an API.
func limitCommands(t *testing.T, c *api.Config, limits ratelimit.Config) {
	t.Helper()
	limits.Commands, limits.Now = c.Commands, c.Now
	var err error
	if c.Commands, err = ratelimit.New(limits); err != nil {
		t.Fatal(err)
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	a.get("/api/live/list/1?sign=SECRETSIGN", "X-Forwarded-For", "198.51.100.7", "X-Request-Id", "from-the-proxy").ok(nil)
	d.get("/api/user/info", "Authorization", "Bearer SECRETTOKEN")
	var line string
	d.eventually(func() error { // a request is logged after the response was sent
		line = ""
		for l := range strings.Lines(d.log.String()) {
			if strings.Contains(l, "request_id=from-the-proxy") {
				line = l
			}
		}
		if line == "" {
			return fmt.Errorf("no line for the request")
		}
		return nil
	})
	for _, want := range []string{"level=INFO", "method=GET", "path=/api/live/list/1 ", "status=200", "remote_addr=198.51.100.7", fmt.Sprintf("user_id=%d", a.ID)} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is missing in %s", want, line)
		}
	}
	for _, secret := range []string{"SECRETSIGN", "SECRETTOKEN", a.Token, testPassword} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	t.Run("X-Request-Id is accepted only from proxies and only in a safe form", func(t *testing.T) {
		for _, id := range []string{"", "a b", strings.Repeat("a", 65), "x\"y", "<script>"} {
			if got := d.get("/healthz", "X-Request-Id", id).header.Get("X-Request-Id"); got == id || len(got) != 36 {
				t.Errorf("sent %q, got %q", id, got)
			}
		}
		untrusted := startAPI(t, func(c *api.Config) { c.Proxies = limit.Proxies{} })
		if got := untrusted.get("/healthz", "X-Request-Id", "mine").header.Get("X-Request-Id"); got == "mine" {
			t.Error("the id of an untrusted client was accepted")
		}
	})
}
