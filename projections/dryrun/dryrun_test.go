package dryrun_test

import (
	"reflect"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/projections/dryrun"
	"roomlog/projections/projtest"
)

func TestParseRules(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "", `{"modes":{"slow":30},"words":[{"word":"spam","act":"hold"}],"service_words":[]}`: "",
		`{"mode":{}}`: "unknown field", `{"words":[{"word":"spam","act":"hold","mask":true}]}`: "unknown field", `{"words":1}`: "not valid", `{} {}`: "one JSON object",
		`{"words":[],"words":[]}`: "not valid", ``: "not valid", strings.Repeat(" ", dryrun.MaxRules+1): "at most",
	} {
		_, err := dryrun.ParseRules([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", text, err, want)
		}
	}
}

// TestRun decides the comments of a live again: with the rules of that time the outcomes are the same, and with others the
// decisions of the domain apply.
func TestRun(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 3, 1) // the first user is the streamer
	live, ann, bob := c.Lives[0], c.Users[1], c.Users[2]
	post := func(u projtest.User, text string) int64 {
		return u.Send(domain.PostComment{Live: live, Text: text}).Events[0].Position
	}
	w.Do(domain.AddWords{Live: live, Words: []string{"giveaway"}, Act: domain.WordHold})
	post(ann, "hello")
	held := post(ann, "a giveaway")
	w.Do(domain.ReleaseComment{Live: live, Held: 1, Author: ann.ID, Text: "a giveaway"})
	spam := post(bob, "sp4m spam")
	w.Do(domain.ClearComments{Live: live, User: bob.ID})
	again := post(bob, "see example.org")
	missed := post(bob, "rubbish")
	w.Do(domain.RemoveComment{Live: live, Comment: missed, Author: bob.ID})
	head := w.Head()
	run := func(rules string) dryrun.Result {
		t.Helper()
		parsed, err := dryrun.ParseRules([]byte(rules))
		if err != nil {
			t.Fatal(err)
		}
		got, err := dryrun.Run(t.Context(), w.Store, live, 0, head, parsed)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	outcomes := func(r dryrun.Result) map[int64]string {
		all := map[int64]string{}
		for _, i := range r.Items {
			all[i.Position] = strings.TrimSuffix(string(i.Would)+" "+string(i.Code), " ") + ", " + string(i.Was) + ", " + i.Then
		}
		return all
	}
	same := run(`{}`)
	if want := map[int64]string{held: "held, held, released", spam: "posted, posted, cleared", missed: "posted, posted, removed"}; !reflect.DeepEqual(outcomes(same), want) {
		t.Errorf("got %v, want %v", outcomes(same), want)
	}
	if same.Comments != 5 || same.Taken != 2 || same.Missed != 2 || same.Would[dryrun.Held] != 1 || same.Was[dryrun.Posted] != 4 {
		t.Errorf("got %+v", same)
	}
	other := run(`{"modes":{"links_off":1},"words":[{"word":"spam","act":"refuse"}],"service_words":[{"word":"hello","act":"mask"}]}`)
	if want := map[int64]string{held: "posted, held, released", spam: "refused word_refused, posted, cleared", again: "refused links_off, posted, ", missed: "posted, posted, removed", held - 1: "masked, posted, "}; !reflect.DeepEqual(outcomes(other), want) {
		t.Errorf("got %v, want %v", outcomes(other), want)
	}
	if other.Missed != 1 || other.Items[0].Masked != "*****" {
		t.Errorf("got %+v", other)
	}
	if first := run(`{"modes":{"review":1}}`); first.Would[dryrun.Held] != 3 { // the first comment of each user, and the giveaway
		t.Errorf("got %+v", first)
	}
	for rules, want := range map[string]string{
		`{"modes":{"loud":1}}`: "mode must be one of", `{"modes":{"slow":3601}}`: "must be from 0 to", `{"words":[{"word":"!","act":"mask"}]}`: "words: word 1", `{"service_words":[{"word":"ab"}]}`: "act must be",
	} {
		parsed, err := dryrun.ParseRules([]byte(rules))
		if err == nil {
			_, err = dryrun.Run(t.Context(), w.Store, live, 0, head, parsed)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", rules, err, want)
		}
	}
	if w.Head() != head {
		t.Error("a dry run has written events")
	}
	w.Do(domain.ForgetUser{User: bob.ID})
	if erased := run(`{}`); erased.Erased != 3 || erased.Comments != 2 {
		t.Errorf("after the author was forgotten: got %+v", erased)
	}
}
