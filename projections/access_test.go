package projections_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestInvitationIsUsedByThousandPeopleAtOnce lets 1000 people use an invitation for ten at the same time.
func TestInvitationIsUsedByThousandPeopleAtOnce(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann := w.Register("ann")
	live := ann.GoLive("x")
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessInvited})
	ann.Send(domain.CreateInvitation{Live: live, Uses: 10, Hash: "h"})
	var entered atomic.Int64
	var people sync.WaitGroup
	start := make(chan struct{})
	for i := range 1000 {
		people.Go(func() {
			name := fmt.Sprint("user", i)
			r, err := w.Sequencer.Execute(context.Background(), domain.Request{Command: domain.RegisterUser{Username: name, NameKey: w.Store.NameKey(name)}})
			if err != nil {
				t.Error(err)
				return
			}
			user := r.Events[0].Event.(domain.UserRegistered).User
			if _, err = w.Sequencer.Execute(context.Background(), domain.Request{Command: domain.SignIn{User: user, Session: "s"}}); err != nil {
				t.Error(err)
				return
			}
			<-start
			by := domain.AuthenticatedActor(user, "s")
			_, err = w.Sequencer.Execute(context.Background(), domain.Request{Command: domain.UseInvitation{Live: live, Hash: "h"}, Actor: by})
			if refusal := domain.AsRefusal(err); err != nil && (refusal == nil || refusal.Code != domain.CodeInvitationClosed) {
				t.Error(err)
			}
			if _, joined := w.Sequencer.Execute(context.Background(), domain.Request{Command: domain.JoinLive{Live: live, Node: "p1"}, Actor: by}); (joined == nil) != (err == nil) {
				t.Errorf("user %d: invited: %v, joined: %v", user, err, joined)
			} else if joined == nil {
				entered.Add(1)
			}
		})
	}
	close(start)
	people.Wait()
	if n := entered.Load(); n != 10 {
		t.Errorf("%d people entered, want 10", n)
	}
	w.CatchUp()
	if got := must[[]projections.Invitation](t)(w.Queries.Invitations(t.Context(), live)); len(got) != 1 || got[0].Used != 10 {
		t.Errorf("got %+v", got)
	}
	w.Verify()
}

// TestHiddenLivesAreInNoList hides lives among others and reads the pages of the list.
func TestHiddenLivesAreInNoList(t *testing.T) {
	t.Parallel()
	w, ctx := projtest.New(t), t.Context()
	w.Project()
	ann := w.Register("ann")
	var listed []domain.LiveID
	for i := range 30 {
		live := ann.CreateLive("x")
		switch {
		case i%3 == 1 || i > 20 && i < 27:
			ann.Send(domain.SetAccess{Live: live, Access: domain.AccessUnlisted})
		case i%7 == 3:
			ann.Send(domain.SetAccess{Live: live, Access: domain.AccessInvited})
		default:
			listed = append([]domain.LiveID{live}, listed...)
		}
	}
	w.CatchUp()
	var got []domain.LiveID
	for page := 1; ; page++ {
		found := must[[]projections.Live](t)(w.Queries.Lives(ctx, page, 4))
		for _, l := range found {
			got = append(got, l.ID)
		}
		if len(found) < 4 {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(listed) {
		t.Errorf("the list has %v, want %v", got, listed)
	}
}

// TestCheckViewerAndDecisionsAgree asks the tables and the log whether people may be in lives of every kind of access.
func TestCheckViewerAndDecisionsAgree(t *testing.T) {
	t.Parallel()
	w, ctx := projtest.New(t), t.Context()
	w.Project()
	ann, bob, cat, dan, eve, fay := w.Register("ann"), w.Register("bob"), w.Register("cat"), w.Register("dan"), w.Register("eve"), w.Register("fay")
	fay.Credit(100)
	bob.Send(domain.FollowUser{Streamer: ann.ID})
	live := ann.GoLive("x")
	ann.Send(domain.CreateInvitation{Live: live, Uses: 1, Hash: "h"})
	cat.Send(domain.UseInvitation{Live: live, Hash: "h"})
	w.Do(domain.AppointModerator{Live: live, User: dan.ID})
	w.Do(domain.GrantRole{User: eve.ID, Role: domain.RoleOperator})
	compare := func(what string) {
		t.Helper()
		w.CatchUp()
		for _, user := range []projtest.User{ann, bob, cat, dan, eve, fay} {
			inTables := w.Queries.CheckViewer(ctx, live, user.ID, time.Now())
			_, inLog := w.Sequencer.Execute(ctx, domain.Request{Command: domain.JoinLive{Live: live, Node: "p1"}, Actor: user.Actor()})
			if fmt.Sprint(inTables) != fmt.Sprint(inLog) {
				t.Errorf("%s: user %d: the tables have %v, the log %v", what, user.ID, inTables, inLog)
			}
		}
		anonymous := w.Queries.CheckViewer(ctx, live, 0, time.Now())
		if access := must[projections.LiveAccess](t)(w.Queries.LiveAccess(ctx, live)); (access.Access.Restricted() || access.MinAge > 0) == (anonymous == nil) {
			t.Errorf("%s: somebody without a sign-in: %v", what, anonymous)
		}
	}
	compare("at the beginning")
	var ticket int64 // position of the ticket
	for _, kind := range domain.AccessKinds {
		credential := ""
		if kind == domain.AccessPassword {
			credential = "c1"
		}
		var price domain.Coins
		if kind == domain.AccessPaid {
			price = 30
		}
		ann.Send(domain.SetAccess{Live: live, Access: kind, Credential: credential, Price: price})
		if kind == domain.AccessPaid {
			ticket = fay.Send(domain.BuyTicket{Live: live, Price: price, Streamer: ann.ID}).Events[0].Position
		}
		if kind == domain.AccessPassword {
			bob.Send(domain.EnterPassword{Live: live, Credential: credential})
		}
		compare(string(kind))
	}
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPassword, Credential: "c2"})
	compare("another password, which a ticket does not need")
	ann.Send(domain.SetMinAge{Live: live, MinAge: 18})
	compare("a minimum age")
	fay.Send(domain.ChangeProfile{Age: new(18)})
	cat.Send(domain.ChangeProfile{Age: new(17)})
	compare("ages in profiles")
	w.Do(domain.RefundTicket{Live: live, User: fay.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: 30})
	compare("a refunded ticket")
	ann.Send(domain.SetMinAge{Live: live})
	compare("no minimum age")
	w.Do(domain.RevokeInvitation{Live: live, Invitation: 1})
	w.Do(domain.RemoveModerator{Live: live, User: dan.ID})
	w.Do(domain.RevokeRole{User: eve.ID, Role: domain.RoleOperator})
	compare("all rights revoked")
	w.Do(domain.ForgetUser{User: bob.ID})
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessFollowers}) // the test has stored no password
	w.Rebuild()
	w.Verify()
}
