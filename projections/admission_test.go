package projections_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/internal/waittest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// admission returns an Admission. It uses a feed that runs until the test ends.
func admission(w *projtest.World, timeout time.Duration) *projections.Admission {
	w.Helper()
	f := feed.New(w.Store, w.Queries, feed.Config{CheckpointPoll: 5 * time.Millisecond})
	w.Start(f.Run)
	a, err := projections.NewAdmission(projections.AdmissionConfig{Queries: w.Queries, Tables: f, Head: w.Store.Head, Now: time.Now, Timeout: timeout})
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// codeOf returns "" for nil, the code of a refusal, and the message of any other error.
func codeOf(err error) string {
	switch no := domain.AsRefusal(err); {
	case err == nil:
		return ""
	case no != nil:
		return string(no.Code)
	}
	return err.Error()
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	a := admission(w, projtest.Timeout)
	ann := w.Register("ann")
	key := "annannannannannannan"
	live := ann.Send(domain.CreateLive{Title: "live", Cover: "https://example.com/c.png", StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
	for _, step := range []struct {
		name           string
		command        domain.Command
		session, owner string // expected codes
	}{
		{"an active user", nil, "", ""},
		{"a banned user", domain.BanUser{User: ann.ID}, "banned", "banned"},
		{"an unbanned user", domain.UnbanUser{User: ann.ID}, "", ""},
		{"a disabled user", domain.DisableUser{User: ann.ID}, "user_unavailable", "user_unavailable"},
		{"an enabled user", domain.EnableUser{User: ann.ID}, "", ""},
		{"a user who signed in again", domain.SignIn{User: ann.ID, Session: "another"}, "session_ended", ""},
		{"a forgotten user", domain.ForgetUser{User: ann.ID}, "user_unavailable", "user_unavailable"},
	} {
		t.Run(step.name, func(t *testing.T) {
			if step.command != nil {
				w.Do(step.command)
				w.CatchUp()
			}
			user, err := a.CheckSession(t.Context(), projections.SessionRef{User: ann.ID, Session: ann.Session})
			if got := codeOf(err); got != step.session || user.ID != ann.ID {
				t.Errorf("CheckSession returns user %d and %q, want %q", user.ID, got, step.session)
			}
			found, err := a.CheckOwner(t.Context(), key)
			if got := codeOf(err); got != step.owner || found.ID != live {
				t.Errorf("CheckOwner returns live %d and %q, want %q", found.ID, got, step.owner)
			}
		})
	}
	if _, err := a.CheckOwner(t.Context(), "unknown"); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("an unknown stream key: %v", err)
	}
	if _, err := a.CheckSession(t.Context(), projections.SessionRef{User: 99, Session: "none"}); codeOf(err) != "user_unavailable" {
		t.Errorf("an unknown user: %v", err)
	}
}

// TestAdmissionRefusesALostSignIn checks that a token is refused immediately if a restore has removed its sign-in event
// from the log.
func TestAdmissionRefusesALostSignIn(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	a := admission(w, time.Hour)
	ann := w.Register("ann")
	for user, want := range map[domain.UserID]string{ann.ID: "session_ended", ann.ID + 1: "user_unavailable"} {
		_, err := a.CheckSession(t.Context(), projections.SessionRef{User: user, Session: "lost", Position: w.Head() + 100})
		if codeOf(err) != want {
			t.Errorf("user %d: got %q, want %q", user, codeOf(err), want)
		}
	}
}

func TestAdmissionWaitsForTablesThatAreBehind(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann := w.Register("ann")
	at := w.Head()
	ann.CreateLive("live")
	key := w.Text("SELECT payload ->> 'stream_key' FROM events WHERE type = 'live.created.v1'")
	short, long := admission(w, 20*time.Millisecond), admission(w, projtest.Timeout)
	for _, position := range []int64{0, at} {
		ref := projections.SessionRef{User: ann.ID, Session: ann.Session, Position: position}
		if _, err := short.CheckSession(t.Context(), ref); !errors.Is(err, projections.ErrBehind) {
			t.Errorf("without a projector: %v", err)
		}
	}
	if _, err := short.CheckOwner(t.Context(), key); !errors.Is(err, projections.ErrBehind) {
		t.Errorf("without a projector: %v", err)
	}
	results := make(chan error, 2)
	go func() {
		_, err := long.CheckSession(context.Background(), projections.SessionRef{User: ann.ID, Session: ann.Session, Position: at})
		results <- err
	}()
	go func() {
		_, err := long.CheckOwner(context.Background(), key)
		results <- err
	}()
	w.Project()
	for range cap(results) {
		if err := waittest.Receive(t, results, "the check"); err != nil {
			t.Error(err)
		}
	}
}
