package api_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/internal/clocktest"
)

// TestEventsEndWithTheRight takes the right to read from readers who follow. No heartbeat is due during the test, so
// only the check of the right can end the streams.
func TestEventsEndWithTheRight(t *testing.T) {
	t.Parallel()
	clock := clocktest.Running()
	d := startAPI(t, func(c *api.Config) {
		c.EventHeartbeat = 24 * time.Hour
		tokens, err := token.NewIssuer([]string{tokenSecret}, time.Hour, clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		c.Tokens = tokens
	})
	last := func(t *testing.T, s *stream, code domain.Code) {
		t.Helper()
		l := s.next()
		for l.End == "" {
			l = s.next()
		}
		if l.End != string(code) || l.Text == "" || l.Cursor == "" {
			t.Errorf("got %+v, want the end %s with a text and a cursor", l, code)
		}
		if rest := s.text(); rest != "" {
			t.Errorf(`after the last line comes %q, want ""`, rest)
		}
	}
	for name, c := range map[string]struct {
		end  func(a account)
		code domain.Code
	}{
		"a revoked role":   {func(a account) { d.operator(domain.RevokeRole{User: a.ID, Role: domain.RoleAnalyst}) }, domain.CodeForbidden},
		"a ban":            {func(a account) { d.operator(domain.BanUser{User: a.ID}) }, domain.CodeBanned},
		"a disabled user":  {func(a account) { d.operator(domain.DisableUser{User: a.ID}) }, domain.CodeUserUnavailable},
		"a forgotten user": {func(a account) { d.operator(domain.ForgetUser{User: a.ID}) }, domain.CodeUserUnavailable},
		"a sign-out":       {func(a account) { a.post("/api/logout", object{}).ok(nil) }, domain.CodeSessionEnded},
		"a new sign-in":    {func(a account) { d.signIn(a.name) }, domain.CodeSessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			a := d.account(strings.ReplaceAll(name, " ", ""))
			a.grant(domain.RoleAnalyst)
			quiet, busy := a.follow("?follow=true&type=order.paid.v1"), a.follow("?follow=true", "Accept", "text/event-stream")
			c.end(a)
			last(t, quiet, c.code)
			late := time.AfterFunc(testTimeout, busy.cancel)
			defer late.Stop()
			raw, err := io.ReadAll(busy.response.Body)
			if err != nil || !strings.Contains(string(raw), "event: cursor\ndata: {") || !strings.Contains(string(raw), `"end":"`+string(c.code)+`"`) {
				t.Errorf("the server-sent events end with %v, %.300s", err, raw[max(0, len(raw)-300):])
			}
		})
	}
	t.Run("an expired token", func(t *testing.T) {
		a := d.account("alice")
		a.grant(domain.RoleAnalyst)
		s := a.follow("?follow=true&type=order.paid.v1")
		clock.Forward(2 * time.Hour)
		last(t, s, domain.CodeTokenExpired)
	})
}

// TestReplayWithholdsPrivateFields compares what an analyst reads with and without the role personal.
func TestReplayWithholdsPrivateFields(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.GuestChat = true })
	a, b := d.account("alice").grant(domain.RoleAnalyst), d.account("bob")
	d.post("/login", object{"email": "carol@example.org"})
	live := b.onAir("show")
	b.command(domain.PostMessage{Kind: domain.MessageText, Text: "for you alone", ToUser: a.ID})
	b.command(domain.PostMessage{Kind: domain.MessageText, Text: "for everybody"})
	b.command(domain.IncrementAge{})
	d.operator(domain.BanUser{User: b.ID, Reason: "a note about bob"})
	var credential, key, session string
	err := d.pool.QueryRow(t.Context(), `SELECT u.credential, l.stream_key, s.session FROM read.user_account u, read.live l, read.session s
		WHERE u.id = $1 AND l.id = $2 AND s.user_id = $1`, b.ID, live).Scan(&credential, &key, &session)
	if err != nil {
		t.Fatal(err)
	}
	d.gift("Rose", 3)
	private := map[string][]string{ // private field → values
		"email": {"carol@example.org"}, "text": {"for you alone", "for everybody"}, "reason": {"a note about bob"}, "stream_key": {key}, "session": {session},
		"credential": {credential}, "age": {`"age":1`}, "username": {"alice"}, "nickname": {`"nickname":`}, "title": {"show"}, "cover": {`"cover":`},
	}
	public := []string{"Rose", `"name_key":`}
	check := func(t *testing.T, text string, personal bool) {
		t.Helper()
		var withheld string
		for _, l := range strings.Split(text, "\n") {
			_, names, _ := strings.Cut(l, `"withheld":[`)
			withheld += names
		}
		for field, values := range private {
			for _, value := range values {
				if strings.Contains(text, value) != personal {
					t.Errorf("%s: %q is readable: %v", field, value, !personal)
				}
			}
			if strings.Contains(withheld, `"`+field+`"`) == personal {
				t.Errorf("%s is named as left out: %v", field, personal)
			}
		}
		for _, value := range public {
			if !strings.Contains(text, value) {
				t.Errorf("the public text %q is missing", value)
			}
		}
	}
	check(t, string(a.get("/api/events").raw), false)
	a.grant(domain.RolePersonal)
	check(t, string(a.get("/api/events").raw), true)
	for _, l := range a.replay("?type=user.email_added.v1") {
		if l.Type != "" && string(l.Data) != fmt.Sprintf(`{"user":%d,"email":"carol@example.org"}`, b.ID+1) {
			t.Errorf("got %s", l.Data)
		}
	}
	s := a.follow("?follow=true&type=order.paid.v1")
	d.operator(domain.RevokeRole{User: a.ID, Role: domain.RolePersonal})
	s.next() // the cursor of the end of the history
	if l := s.next(); l.End != string(domain.CodeForbidden) || !strings.Contains(l.Text, "personal") {
		t.Errorf("after the role personal was revoked: %+v", l)
	}
	check(t, string(a.get("/api/events").raw), false)
	sse := a.follow("?limit=2", "Accept", "text/event-stream")
	raw, err := io.ReadAll(sse.response.Body)
	if err != nil || strings.Contains(string(raw), "credential\":") {
		t.Errorf("server-sent events: %v %s", err, raw)
	}
}
