package native_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
)

// profileNamed returns the field data of viewer_profile for a user without an avatar.
func profileNamed(u person, name string) string {
	return fmt.Sprintf(`{"id":%d,"name":%q,"avatar":""}`, u.ID, name)
}

// expectProfile reads the next push of a changed profile.
func (a *app) expectProfile(live domain.LiveID, data string) message {
	a.T.Helper()
	m := a.push("viewer_profile")
	if string(m.Data) != data || m.Live != live || m.Pos == 0 || m.Prev >= m.Pos || m.Cursor == "" {
		a.T.Errorf("got %s, want the fact %s of live %d", m.raw, data, live)
	}
	return m
}

// expectNoProfile reads everything that the server has sent so far, and fails if it contains a changed profile.
func (a *app) expectNoProfile() {
	a.T.Helper()
	a.ok(a.ask("ping", nil))
	for _, m := range a.aside {
		if m.Type == "viewer_profile" {
			a.T.Errorf("got %s, want no changed profile", m.raw)
		}
	}
	a.aside = nil
}

// TestViewerProfile checks that the connections in a live receive the changed profiles of its viewers, on every node, and
// that they are facts: clients receive them in order and once, and can resume.
func TestViewerProfile(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	one, two := openWorld(t, db, true, nil), openWorld(t, db, false, nil)
	ann, bob, carol := one.register("ann"), one.register("bob"), one.register("carol")
	live, second, other := ann.goLive("show"), ann.goLive("second"), ann.goLive("other")
	two.caughtUp(carol.credit1())
	phone, laptop := ann.app(), ann.on(two).app() // the user is in the live with two connections
	laptop.join(live)
	phone.join(second)
	phone.join(live)
	b, bystander, far := bob.on(two).app(), carol.app(), carol.on(two).app()
	watcher := bob.app()
	watcher.join(second)
	began := b.join(live).Snapshot.Cursor
	bystander.join(other)
	far.join(other)

	at := ann.Asks(domain.ChangeProfile{Nickname: new("Annie")}).Position
	for _, a := range []*app{laptop, b} {
		if m := a.expectProfile(live, profileNamed(ann, "Annie")); m.Pos != at {
			t.Errorf("got position %d, want %d", m.Pos, at)
		}
	}
	watcher.expectProfile(second, profileNamed(ann, "Annie"))
	reached := map[domain.LiveID]bool{} // the pushes of two lives arrive in any order
	for range 2 {
		m := phone.push("viewer_profile")
		reached[m.Live] = true
		if string(m.Data) != profileNamed(ann, "Annie") {
			t.Errorf("got %s", m.raw)
		}
	}
	if !reached[live] || !reached[second] {
		t.Errorf("reached the lives %v, want %d and %d", reached, live, second)
	}
	ann.Asks(domain.ChangeProfile{Age: new(30)}) // nobody else can see the age
	one.caughtUp(ann.credit1())
	two.caughtUp(one.head())
	for _, a := range []*app{phone, laptop, b, watcher, bystander, far} {
		a.expectNoProfile()
	}

	t.Run("resumes from memory", func(t *testing.T) {
		a := bob.on(two).app()
		resumed(t, a.rejoin(live, began))
		m := a.expectProfile(live, profileNamed(ann, "Annie"))
		a.expectNoProfile()
		again := bob.on(two).app()
		again.rejoin(live, m.Cursor) // the cursor of a changed profile is a cursor of the live
		again.expectNoProfile()
	})
	t.Run("resumes from the log", func(t *testing.T) {
		three := openWorld(t, db, false, nil)
		three.caughtUp(one.head())
		a := bob.on(three).app()
		resumed(t, a.rejoin(live, began))
		a.expectProfile(live, profileNamed(ann, "Annie"))
		a.expectNoProfile()
	})
	t.Run("gets a snapshot if too many profiles have changed", func(t *testing.T) {
		five := openWorld(t, db, false, nil)
		five.lossy.full.Store(true)
		a := bob.on(five).app()
		if e := a.rejoin(live, began); e.Snapshot == nil {
			t.Errorf("got %+v, want a snapshot", e)
		}
	})
	t.Run("a snapshot contains the change", func(t *testing.T) {
		a := carol.on(two).app()
		for _, v := range a.join(live).Snapshot.Viewers {
			if v.ID == ann.ID && v.Name != "Annie" {
				t.Errorf("the snapshot has the name %s", v.Name)
			}
		}
		a.expectNoProfile()
		_ = a.Conn.Close()
	})
	t.Run("leaving ends it", func(t *testing.T) {
		phone.ok(phone.ask("room.leave", map[string]any{"live": second}))
		watcher.push("leave")
		ann.Asks(domain.ChangeProfile{Nickname: new("Anna")})
		b.expectProfile(live, profileNamed(ann, "Anna"))
		one.caughtUp(one.head())
		watcher.expectNoProfile()
	})
	t.Run("a forgotten user", func(t *testing.T) {
		before := one.cursor(one.head())
		ann.Asks(domain.ChangeProfile{Nickname: new("private name")})
		b.expectProfile(live, profileNamed(ann, "private name"))
		one.Do(domain.ForgetUser{User: ann.ID})
		if m := b.push("leave"); !strings.Contains(m.raw, `"name":"erased"`) || strings.Contains(m.raw, "private") {
			t.Errorf("got %s, want an erased name", m.raw)
		}
		four := openWorld(t, db, false, nil)
		four.caughtUp(one.head())
		a := bob.on(four).app()
		a.rejoin(live, before)
		a.ok(a.ask("ping", nil))
		for _, m := range a.aside {
			if strings.Contains(m.raw, "private name") {
				t.Errorf("a forgotten user in %s", m.raw)
			}
		}
	})
}

// resumed fails unless a reply to room.join resumes.
func resumed(t testing.TB, e entered) {
	t.Helper()
	if e.Snapshot != nil || len(e.Resumed) != 2 {
		t.Fatalf("got %+v, want a resumed live", e)
	}
}

// TestJoinsWhileProfilesChange checks that a client has the newest profile after its snapshot and the pushes. It must
// not receive a change that the snapshot contains.
func TestJoinsWhileProfilesChange(t *testing.T) {
	t.Parallel()
	const joiners, changes = 8, 60
	for _, large := range []int{0, 3} { // also with joins and leaves in batches
		t.Run(fmt.Sprint("large lives from ", large), func(t *testing.T) {
			w := newWorld(t, func(c *config) { c.LargeLive = large })
			ann := w.register("n-1")
			live := ann.goLive("x")
			ann.app().join(live)
			var people []person
			for i := range joiners {
				people = append(people, w.register(fmt.Sprint("joiner ", i)))
			}
			number := func(name string) int {
				n, err := strconv.Atoi(strings.TrimPrefix(name, "n"))
				if err != nil {
					t.Error(err)
				}
				return n
			}
			var group sync.WaitGroup
			group.Go(func() {
				for i := range changes {
					ann.Asks(domain.ChangeProfile{Nickname: new(fmt.Sprint("n", i))})
				}
			})
			for _, p := range people {
				group.Go(func() {
					var a *app
					newest, since := -2, ""
					for newest < changes-1 {
						if a == nil {
							a = p.app()
						}
						e := a.rejoin(live, since)
						a.aside = nil // the pushes before the reply belong to the former subscription
						c := startChain(t, e)
						if e.Snapshot != nil {
							for _, v := range e.Snapshot.Viewers {
								if v.ID == ann.ID {
									newest = number(v.Name)
								}
							}
						}
						for seen := 0; newest < changes-1 && seen < 3; {
							m := a.push("viewer_profile")
							c.last = max(c.last, m.Prev) // push has dropped the facts of other types
							c.take(m)
							got := number(into[struct{ Name string }](t, m).Name)
							if got <= newest && e.Snapshot != nil && seen == 0 || got < newest {
								t.Errorf("got %s after n%d", m.raw, newest)
							}
							newest, since, seen = got, m.Cursor, seen+1
						}
						if e.Snapshot == nil || newest%2 == 0 { // from time to time it resumes on a new connection
							_ = a.Conn.Close()
							a = nil
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// TestProfileChangeIsRepeatable checks that a repeated request with the same key gets the first response, also after
// another change. A request must be executed as a whole or not at all.
func TestProfileChangeIsRepeatable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ann := w.register("ann")
	a := ann.app()
	for i, data := range []map[string]any{{"nickname": "Annie", "age": 30}, {"age": 31}, {"avatar": "/uploads/a.png"}} {
		key := fmt.Sprint("k", i)
		first := a.ok(a.ask("profile.change", data, key))
		a.ok(a.ask("profile.change", map[string]any{"nickname": "other", "avatar": "", "age": 40}))
		again := a.ok(a.ask("profile.change", data, key))
		if string(again.Data) != string(first.Data) {
			t.Errorf("got %s, want the first response %s", again.raw, first.raw)
		}
	}
	before := w.head()
	a.no(a.ask("profile.change", map[string]any{"nickname": "Annie", "age": -1}), "number_out_of_range")
	a.no(a.ask("profile.change", map[string]any{"avatar": "javascript:x", "age": 50}), "text_invalid")
	a.no(a.ask("profile.change", map[string]any{"age": 50}, "k1"), "key_reused")
	if at := w.head(); at != before {
		t.Errorf("a refused request appended events up to %d, want %d", at, before)
	}
}
