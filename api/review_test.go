package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"roomlog/domain"
)

// TestReview holds comments, releases and drops them, and warns their author. Nobody else sees the texts before.
func TestReview(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob, cat, dan := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob"), d.account("cat"), d.account("dan")
	live := ann.onAir("one")
	path := "/api/live/" + strconv.FormatInt(int64(live), 10)
	about := func(held int) object { return object{"id": live, "held": held, "reason": "advertising"} }
	ann.post("/api/live/moderator/appoint", object{"id": live, "user": bob.ID}).ok(nil)
	bob.post("/api/live/words/add", object{"id": live, "words": []string{"giveaway"}, "act": "hold"}).ok(nil)
	for _, text := range []string{"a giveaway", "more giveaway", "my giveaway"} {
		cat.command(domain.PostComment{Live: live, Text: text})
	}
	type page struct {
		Items []struct {
			Held        int64
			Text, Cause string
			User        struct{ ID domain.UserID }
		}
	}
	for _, a := range []account{ann, bob, boss, cat} {
		var got page
		a.get(path + "/review").ok(&got)
		if len(got.Items) != 3 || got.Items[2].Text != "a giveaway" || got.Items[2].Cause != "word" || got.Items[2].User.ID != cat.ID {
			t.Errorf("%d sees %+v", a.ID, got)
		}
	}
	var none page
	dan.get(path + "/review").ok(&none)
	if len(none.Items) != 0 {
		t.Errorf("another user sees %+v", none)
	}
	d.get(path+"/review").expectFailure(http.StatusUnauthorized, "token_missing", forbidden)
	dan.get("/api/live/4711/review").expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	release := object{"id": live, "held": 1}
	cat.post("/api/live/comment/release", release).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	bob.post("/api/live/comment/release", release).ok(nil)
	ann.post("/api/live/comment/release", release).expectFailure(http.StatusNotFound, "comment_not_found", "评论不存在或已删除")
	dan.post("/api/live/comment/drop", about(2)).expectFailure(http.StatusNotFound, "live_not_found", textNoLive)
	bob.post("/api/live/comment/drop", about(2)).ok(nil)
	bob.post("/api/live/warn", object{"id": live, "user": cat.ID, "reason": "be kind"}).ok(nil)
	bob.post("/api/live/warn", object{"id": live, "user": ann.ID, "reason": "be kind"}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	if e, actor := newest[domain.CommentPosted](d); e.Text != "a giveaway" || e.User != cat.ID || actor != domain.AuthenticatedActor(bob.ID, "").String() {
		t.Errorf("%+v by %s", e, actor)
	}
	var comments struct{ Items []struct{ Content string } }
	ann.get(path + "/comments").ok(&comments)
	if len(comments.Items) != 1 || comments.Items[0].Content != "a giveaway" {
		t.Errorf("got the comments %+v", comments)
	}
	var acts struct {
		Items []struct {
			Act, Reason string
			Held        int64
		}
	}
	cat.get(path + "/acts").ok(&acts)
	var names []string
	for _, a := range acts.Items {
		names = append(names, fmt.Sprintf("%s %d %s", a.Act, a.Held, a.Reason))
	}
	if want := []string{"viewer.warned 0 be kind", "comment.dropped 2 advertising", "comment.released 1 "}; !slices.Equal(names, want) {
		t.Errorf("got the acts %q, want %q", names, want)
	}
	t.Run("a held comment is erased with its author", func(t *testing.T) {
		d.operator(domain.ForgetUser{User: cat.ID})
		d.eventually(func() error {
			var got page
			ann.get(path + "/review").ok(&got)
			if len(got.Items) != 1 || got.Items[0].Text != "erased" {
				return fmt.Errorf("got %+v", got)
			}
			return nil
		})
		bob.post("/api/live/comment/release", object{"id": live, "held": 3}).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
		bob.post("/api/live/comment/drop", about(3)).ok(nil)
	})
}

// TestReports reports a comment, a moderator and the owner, and checks who sees and decides what.
func TestReports(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	boss, ann, bob, cat, dan := d.account("boss").grant(domain.RoleOperator), d.account("ann"), d.account("bob"), d.account("cat"), d.account("dan")
	live := ann.onAir("one")
	path := "/api/live/" + strconv.FormatInt(int64(live), 10) + "/reports"
	ann.post("/api/live/moderator/appoint", object{"id": live, "user": bob.ID}).ok(nil)
	for _, a := range []account{bob, cat, dan} {
		a.command(domain.JoinLive{Live: live, Node: "n1"})
	}
	insult := cat.command(domain.PostComment{Live: live, Text: "an insult"}).Position
	dan.post("/api/live/report", object{"id": live, "comment": insult, "cause": "insult", "text": "dan is hurt"}).ok(nil)
	dan.post("/api/live/report", object{"id": live, "user": bob.ID, "cause": "other"}).expectFailure(http.StatusBadRequest, "text_empty", "参数错误")
	dan.post("/api/live/report", object{"id": live, "user": bob.ID, "cause": "other", "text": "asleep"}).ok(nil)
	dan.post("/api/live/report", object{"id": live, "user": ann.ID, "cause": "fraud"}).ok(nil)
	dan.post("/api/live/report", object{"id": live, "user": dan.ID, "cause": "fraud"}).expectFailure(http.StatusBadRequest, "bad_request", "参数错误")
	dan.post("/api/live/report", object{"id": live, "user": boss.ID, "cause": "fraud"}).expectFailure(http.StatusUnauthorized, "user_unavailable", "用户不存在或已被禁用")
	boss.post("/api/live/report", object{"id": live, "user": cat.ID, "cause": "spam"}).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	type page struct {
		Items []struct {
			Report      int64
			User        struct{ ID domain.UserID }
			CommentText string `json:"comment_text"`
			Decision    string
			Claimer     *struct{ ID domain.UserID }
			Reports     []struct {
				By          *struct{ ID domain.UserID }
				Cause, Text string
			}
		}
	}
	list := func(a account, path string) (targets []domain.UserID, got page) {
		a.get(path).ok(&got)
		for _, r := range got.Items {
			targets = append(targets, r.User.ID)
		}
		return targets, got
	}
	for _, tt := range []struct {
		by   account
		path string
		want []domain.UserID
	}{
		{bob, path, []domain.UserID{cat.ID}}, {ann, path, []domain.UserID{bob.ID, cat.ID}},
		{boss, path, []domain.UserID{ann.ID, bob.ID, cat.ID}}, {boss, "/api/operator/reports", []domain.UserID{ann.ID, bob.ID, cat.ID}},
	} {
		targets, got := list(tt.by, tt.path)
		if !slices.Equal(targets, tt.want) {
			t.Errorf("%d sees reports of %v, want %v", tt.by.ID, targets, tt.want)
		}
		last := got.Items[len(got.Items)-1]
		if last.CommentText != "an insult" || len(last.Reports) != 1 || last.Reports[0].Text != "dan is hurt" || (last.Reports[0].By != nil) != (tt.by.ID == boss.ID) {
			t.Errorf("%d sees %+v", tt.by.ID, last)
		}
	}
	cat.get(path).expectFailure(http.StatusForbidden, "forbidden", forbidden)
	cat.get("/api/operator/reports").expectFailure(http.StatusForbidden, "forbidden", forbidden)
	decide := func(report int) object {
		return object{"id": live, "report": report, "decision": "upheld", "reason": "muted"}
	}
	bob.post("/api/live/report/claim", object{"id": live, "report": 1}).ok(nil)
	if _, got := list(ann, path); got.Items[1].Claimer == nil || got.Items[1].Claimer.ID != bob.ID {
		t.Errorf("got %+v, want it claimed", got.Items[1])
	}
	bob.post("/api/live/report/decide", decide(2)).expectFailure(http.StatusNotFound, "report_not_found", "举报不存在或已处理")
	bob.post("/api/live/report/decide", decide(1)).ok(nil)
	ann.post("/api/live/report/decide", decide(1)).expectFailure(http.StatusNotFound, "report_not_found", "举报不存在或已处理")
	ann.post("/api/live/report/decide", decide(3)).expectFailure(http.StatusNotFound, "report_not_found", "举报不存在或已处理")
	boss.post("/api/live/report/decide", decide(3)).ok(nil)
	if e, _ := newest[domain.ViewerNotified](d); e.User != dan.ID || e.Number != 3 || e.Decision != domain.ReportUpheld || e.Reason != "muted" {
		t.Errorf("notified: %+v", e)
	}
	if _, got := list(ann, path+"?decided=true"); len(got.Items) != 2 || got.Items[1].Decision != "upheld" {
		t.Errorf("got %+v", got)
	}
	body := cat.get("/api/live/" + strconv.FormatInt(int64(live), 10) + "/acts")
	var acts object
	body.ok(&acts)
	if text := fmt.Sprint(acts); !strings.Contains(text, "report.decided") || strings.Contains(text, "dan") {
		t.Errorf("the reported user sees %s", text)
	}
	d.operator(domain.ForgetUser{User: dan.ID})
	d.eventually(func() error {
		if _, got := list(ann, path+"?decided=true"); got.Items[1].Reports[0].Text != "erased" {
			return fmt.Errorf("got %+v, want the text erased", got.Items[1])
		}
		return nil
	})
	ann.grant(domain.RoleOperator) // the newest report is about ann, who does not see it
	if targets, _ := list(ann, "/api/operator/reports?decided=true&limit=1"); !slices.Equal(targets, []domain.UserID{bob.ID}) {
		t.Errorf("an operator with a report of the own sees reports of %v, want %v", targets, bob.ID)
	}
}
