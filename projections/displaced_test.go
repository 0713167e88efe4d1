package projections_test

import (
	"fmt"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestDisplacedReports fills the queue of a live with the reports of 40 accounts. A viewer still reports, and the tables
// agree with the log, also after a rebuild.
func TestDisplacedReports(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("x")
	bob.Send(domain.JoinLive{Live: live, Node: "p1"})
	var people []projtest.User
	for i := range 40 {
		account := w.Register(fmt.Sprintf("account%d", i))
		account.Send(domain.JoinLive{Live: live, Node: "p1"})
		people = append(people, account)
	}
	for i, account := range people {
		for target := range 5 {
			account.Send(domain.SendReport{Live: live, Comment: int64(5*i + target + 1), Cause: domain.ReportSpam, Author: ann.ID})
		}
	}
	bob.Send(domain.SendReport{Live: live, User: people[0].ID, Cause: domain.ReportFraud})
	check := func() {
		t.Helper()
		w.CatchUp()
		filter := projections.ReportFilter{Live: live, For: projections.OperatorStanding(0), Window: projections.Window{Limit: 500, OldestFirst: true}}
		open := must[[]projections.Report](t)(w.Queries.Reports(t.Context(), filter))
		if len(open) != 200 || open[0].Report != 2 || open[199].Target.ID != people[0].ID {
			t.Errorf("%d reports are open, the first is %+v", len(open), open[0])
		}
		filter.Decided = true
		all := must[[]projections.Report](t)(w.Queries.Reports(t.Context(), filter))
		if len(all) != 201 || all[0].Report != 1 || all[0].Decision != projections.Displaced || all[0].Entries[0].User != people[0].ID {
			t.Errorf("there are %d reports, the first is %+v", len(all), all[0])
		}
		w.Verify()
	}
	check()
	w.Rebuild()
	check()
}

// TestDisplacedComments lets the comments of 167 accounts wait for a review. The comment of a viewer still waits, and the
// tables agree with the log, also after a rebuild.
func TestDisplacedComments(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.GoLive("x")
	ann.Send(domain.SetMode{Live: live, Mode: domain.ModeReview, Value: 1})
	var first projtest.User
	for i := range 167 {
		account := w.Register(fmt.Sprintf("account%d", i))
		if i == 0 {
			first = account
		}
		for n := range 3 {
			if i != 166 || n < 2 {
				account.Send(domain.PostComment{Live: live, Text: "look at me"})
			}
		}
	}
	bob.Send(domain.PostComment{Live: live, Text: "hello"})
	check := func() {
		t.Helper()
		w.CatchUp()
		waiting := must[[]projections.HeldComment](t)(w.Queries.HeldComments(t.Context(), projections.HeldFilter{Live: live, Window: projections.Window{Limit: 500, OldestFirst: true}}))
		if len(waiting) != 500 || waiting[0].Held != 2 || waiting[0].User.ID != first.ID || waiting[499].User.ID != bob.ID {
			t.Errorf("%d comments wait, the first is %+v", len(waiting), waiting[0])
		}
		w.Verify()
	}
	check()
	w.Rebuild()
	check()
}
