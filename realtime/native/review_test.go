package native_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

// TestHeldComments holds comments of a viewer on one node, releases one and drops the other on another node. Before the
// release, nobody but the author and the moderators receives the texts.
func TestHeldComments(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, cat := a.register("ann"), a.register("bob"), a.register("cat")
	live := ann.goLive("x")
	owner, author, watcher := ann.app(), bob.on(b).app(), cat.app()
	for _, c := range []*app{owner, author, watcher} {
		c.join(live)
	}
	from := a.head()
	request := func(more map[string]any) map[string]any { more["live"] = live; return more }
	type held struct {
		Comments []struct {
			Held int64
			Text string
			User struct{ ID domain.UserID }
		}
	}
	waiting := func(c *app) held { return into[held](t, c.ok(c.ask("comment.held", request(map[string]any{})))) }
	type posted struct{ Pos, Held int64 }
	owner.ok(owner.ask("live.mode", request(map[string]any{"mode": "review", "value": 1})))
	for i, text := range []string{"secret 1", "secret 2"} {
		if got := into[posted](t, author.ok(author.ask("comment.post", request(map[string]any{"text": text})))); got.Held != int64(i+1) || got.Pos == 0 {
			t.Errorf("got %+v, want the number %d", got, i+1)
		}
		if got := into[struct{ Waiting int64 }](t, watcher.push("review")); got.Waiting != int64(i+1) {
			t.Errorf("%d comments wait, want %d", got.Waiting, i+1)
		}
	}
	for _, c := range []*app{owner, author} {
		if got := waiting(c); len(got.Comments) != 2 || got.Comments[0].Text != "secret 1" || got.Comments[0].User.ID != bob.ID {
			t.Errorf("got %+v, want both comments", got)
		}
	}
	if got := waiting(watcher); len(got.Comments) != 0 {
		t.Errorf("another viewer sees %+v", got)
	}
	watcher.no(watcher.ask("comment.release", request(map[string]any{"held": 1})), "live_not_found")
	author.no(author.ask("comment.release", request(map[string]any{"held": 1})), "live_not_found")
	if s := watcher.join(live).Snapshot; len(s.Comments) != 0 {
		t.Errorf("the snapshot has %+v", s.Comments)
	}
	resumed := cat.on(b).app()
	chain := startChain(t, resumed.rejoin(live, a.cursor(from)))
	for chain.seen["review"] < 2 {
		m := resumed.read()
		if strings.Contains(m.raw, "secret") {
			t.Errorf("a resume receives %s", m.raw)
		}
		chain.take(m)
	}
	owner.ok(owner.ask("comment.release", request(map[string]any{"held": 1})))
	owner.no(owner.ask("comment.release", request(map[string]any{"held": 1})), "comment_not_found")
	for _, c := range []*app{watcher, author, resumed} {
		if got := into[struct {
			Text string
			User struct{ ID domain.UserID }
		}](t, c.push("comment")); got.Text != "secret 1" || got.User.ID != bob.ID {
			t.Errorf("got %+v", got)
		}
	}
	owner.ok(owner.ask("comment.drop", request(map[string]any{"held": 2, "reason": "be kind"})))
	if got := into[struct {
		Notice, Reason string
		Number         int64
		Live           domain.LiveID
	}](t, author.push("decision")); got.Notice != "comment_dropped" || got.Number != 2 || got.Live != live || got.Reason != "be kind" {
		t.Errorf("got %+v", got)
	}
	author.ok(author.ask("comment.post", request(map[string]any{"text": "now I may"}))) // a comment of the author was released
	if got := into[struct{ Text string }](t, watcher.push("comment")); got.Text != "now I may" {
		t.Errorf("got %+v", got)
	}
	owner.ok(owner.ask("live.mode", request(map[string]any{"mode": "stickers", "value": 1})))
	author.no(author.ask("comment.post", request(map[string]any{"text": "hello"})), "stickers_only")
	author.ok(author.ask("comment.post", request(map[string]any{"text": "😀 :rose:"})))
}

// TestWarningsAndReports warns a viewer and decides about a report. The warning and the answer reach one user alone, also
// after a reconnect.
func TestWarningsAndReports(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob, cat := a.register("ann"), a.register("bob"), a.register("cat")
	live := ann.goLive("x")
	owner, warned, reporter := ann.app(), bob.on(b).app(), cat.app()
	for _, c := range []*app{owner, warned, reporter} {
		c.join(live)
	}
	owner.no(owner.ask("viewer.warn", map[string]any{"live": live, "user": bob.ID}), "text_empty")
	owner.ok(owner.ask("viewer.warn", map[string]any{"live": live, "user": bob.ID, "reason": "be kind"}))
	if got := into[struct{ Reason string }](t, warned.push("warned")); got.Reason != "be kind" {
		t.Errorf("got %+v", got)
	}
	insult := bob.Asks(domain.PostComment{Live: live, Text: "an insult"}).Position
	a.delivered(insult)
	report := map[string]any{"live": live, "comment": insult, "cause": "insult", "text": "he insults me"}
	reporter.no(reporter.ask("report.send", map[string]any{"live": live, "comment": insult + 1, "cause": "insult"}), "comment_not_found")
	reporter.no(reporter.ask("report.send", map[string]any{"live": live, "comment": insult, "cause": "other"}), "text_empty")
	reporter.ok(reporter.ask("report.send", report))
	head := a.head()
	reporter.ok(reporter.ask("report.send", report))
	if a.head() != head {
		t.Error("the same report was recorded twice")
	}
	reporter.no(reporter.ask("report.list", map[string]any{"live": live}), "forbidden")
	var open struct {
		Reports []struct {
			Report      int64
			User        struct{ ID domain.UserID }
			CommentText string `json:"comment_text"`
			Reports     []struct{ Cause, Text string }
		}
	}
	if err := a.Feed.WaitFor(t.Context(), head); err != nil { // the report was not pushed to the owner, so the tables may not have it yet
		t.Fatal(err)
	}
	answer := owner.ok(owner.ask("report.list", map[string]any{"live": live}))
	open = into[struct {
		Reports []struct {
			Report      int64
			User        struct{ ID domain.UserID }
			CommentText string `json:"comment_text"`
			Reports     []struct{ Cause, Text string }
		}
	}](t, answer)
	if r := open.Reports; len(r) != 1 || r[0].User.ID != bob.ID || r[0].CommentText != "an insult" || len(r[0].Reports) != 1 || r[0].Reports[0].Text != "he insults me" {
		t.Fatalf("got %+v", r)
	}
	if strings.Contains(answer.raw, "cat") {
		t.Errorf("the owner sees who reported: %s", answer.raw)
	}
	about := map[string]any{"live": live, "report": 1, "decision": "upheld", "reason": "thank you"}
	owner.ok(owner.ask("report.claim", map[string]any{"live": live, "report": 1}))
	owner.ok(owner.ask("report.decide", about))
	owner.no(owner.ask("report.decide", about), "report_not_found")
	type decision struct{ Notice, Decision, Reason string }
	want := decision{"report_decided", "upheld", "thank you"}
	if got := into[decision](t, reporter.push("decision")); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	again := cat.on(b).connect()
	again.ok(again.ask("hello", map[string]any{"token": cat.Token(), "since": a.cursor(head)}))
	if got := into[decision](t, again.push("decision")); got != want {
		t.Errorf("after a reconnect: got %+v, want %+v", got, want)
	}
	warned.ok(warned.ask("ping", nil))
	for _, m := range warned.aside {
		if m.Type == "decision" || strings.Contains(m.raw, "insults me") {
			t.Errorf("the reported user receives %s", m.raw)
		}
	}
}
