package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestPasswordIsGuessedOverEverything guesses the passwords of lives over REST and over sockets at once. All guesses count
// against the same limits: those of a user against the wrong passwords of this user, those from an address against the
// sign-ins of this address.
func TestPasswordIsGuessedOverEverything(t *testing.T) {
	t.Parallel()
	const perUser, perAddress = 10, 60
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--wrong-passwords-per-device", fmt.Sprint(perUser), "--sign-ins-per-address", "1000000"}, unhurried...)...)
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	live := anna.create("Anna's room").Data.ID
	anna.post("/api/live/access", map[string]any{"id": live, "access": "password", "password": "open sesame"}, nil)

	// outcomes counts the codes of guesses, half of them over REST and half over two sockets.
	outcomes := func(by []*person, n int) (codes map[string]int, within time.Duration) {
		began := time.Now()
		codes = map[string]int{}
		sockets := map[*person][]*socket{}
		for _, p := range by {
			sockets[p] = []*socket{p.connect(""), p.connect("")}
		}
		for i := range n {
			p, guess := by[i%len(by)], fmt.Sprintf("guess number %d", i)
			var code string
			if i/len(by)%2 == 0 {
				body, _ := json.Marshal(map[string]any{"id": live, "password": guess})
				_, raw := p.do(http.MethodPost, "/api/live/enter", http.Header{"Content-Type": {"application/json"}}, body)
				var a answer
				if err := json.Unmarshal(raw, &a); err != nil {
					t.Fatal(err)
				}
				code = a.Code
			} else {
				f, err := sockets[p][i/len(by)/2%2].ask("live.enter", map[string]any{"live": live, "password": guess}, "")
				if err != nil {
					t.Fatal(err)
				}
				code = into[problem](t, f).Code
			}
			codes[code]++
		}
		return codes, time.Since(began)
	}
	// expect permits what the limit adds while the guesses are sent, so that a slow machine fails no test.
	expect := func(codes map[string]int, n, limit int, within time.Duration) {
		t.Helper()
		most := limit + int(within.Minutes()*float64(limit)) + 1
		wrong, limited := codes["live_password_wrong"], codes["rate_limited"]
		if wrong < limit || wrong > most || wrong+limited != n {
			t.Errorf("%d guesses in %v: %v, want %d to %d that were checked, and all others refused", n, within, codes, limit, most)
		}
	}
	codes, within := outcomes([]*person{bert}, 10_000)
	expect(codes, 10_000, perUser, within)

	cleo := join(t, at, "cleo")
	s := cleo.connect("")
	if f, err := s.ask("room.join", map[string]any{"live": live}, ""); err != nil || into[problem](t, f).Code != "live_not_started" {
		t.Errorf("got %v %s", err, f.Data)
	}
	anna.post("/api/live/changestatus", map[string]any{"id": live, "type": "play"}, nil)
	for _, wrong := range []map[string]any{{"live": live}, {"live": live, "password": "open sesame", "invitation": "x"}} {
		if f, err := s.ask("live.enter", wrong, ""); err != nil || into[problem](t, f).Code != "bad_request" {
			t.Errorf("%v: got %v %s", wrong, err, f.Data)
		}
	}
	s.must("live.enter", map[string]any{"live": live, "password": "open sesame"}, "")
	s.must("live.enter", map[string]any{"live": live, "password": "open sesame"}, "same key for another password")
	enter(t, s, live, "") // the tables know at once
	anna.post("/api/live/access", map[string]any{"id": live, "access": "invited"}, nil)
	s.await("the removal", func(f frame) bool { return f.Type == "removed" })
	var made struct{ Secret string }
	anna.post("/api/live/invitation/create", map[string]any{"id": live, "uses": 1}, &made)
	s.must("live.enter", map[string]any{"live": live, "invitation": made.Secret}, "")
	enter(t, s, live, "")
	if f, err := bert.connect("").ask("live.enter", map[string]any{"live": live, "invitation": made.Secret}, ""); err != nil || into[problem](t, f).Code != "invitation_closed" {
		t.Errorf("got %v %s", err, f.Data)
	}

	// Many users at one address, each below the limit of a user.
	at = serve(t, at.env, append([]string{"--data", dataDir(t), "--wrong-passwords-per-device", "1000", "--wrong-passwords-per-name", "2000", "--sign-ins-per-address", fmt.Sprint(perAddress)}, unhurried...)...)
	anna.post("/api/live/access", map[string]any{"id": live, "access": "password", "password": "close sesame"}, nil)
	var many []*person
	for _, p := range []*person{bert, cleo, anna} {
		there := *p
		there.at = at
		many = append(many, &there)
	}
	codes, within = outcomes(many, 600)
	expect(codes, 600, perAddress, within)
}
