package projections_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// admission returns an Admission over a feed that runs until the test ends.
func (w *world) admission(timeout time.Duration) *projections.Admission {
	w.Helper()
	f, _ := w.feed(projections.FeedConfig{CheckpointPoll: 5 * time.Millisecond})
	a, err := projections.NewAdmission(projections.AdmissionConfig{Queries: w.queries, Tables: f, Head: w.store.Head, Now: time.Now, Timeout: timeout})
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// codeOf returns the code of a refusal, "" for nil, and the text of another error.
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
	w := newWorld(t)
	w.project()
	a := w.admission(patience)
	ann := w.register("ann")
	key := "annannannannannannan"
	live := ann.asks(domain.CreateLive{Title: "live", Cover: "https://example.com/c.png", StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
	for _, step := range []struct {
		name           string
		command        domain.Command
		session, owner string // codes
	}{
		{"an active user", nil, "", ""},
		{"a banned user", domain.BanUser{User: ann.id}, "banned", "banned"},
		{"an unbanned user", domain.UnbanUser{User: ann.id}, "", ""},
		{"a disabled user", domain.DisableUser{User: ann.id}, "user_unavailable", "user_unavailable"},
		{"an enabled user", domain.EnableUser{User: ann.id}, "", ""},
		{"a user who signed in again", domain.SignIn{User: ann.id, Session: "another"}, "session_ended", ""},
		{"a forgotten user", domain.ForgetUser{User: ann.id}, "user_unavailable", "user_unavailable"},
	} {
		t.Run(step.name, func(t *testing.T) {
			if step.command != nil {
				w.do(step.command)
				w.caughtUp()
			}
			user, err := a.CheckSession(t.Context(), projections.SessionRef{User: ann.id, Session: ann.session})
			if got := codeOf(err); got != step.session || user.ID != ann.id {
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

func TestAdmissionWaitsForTablesThatAreBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register("ann")
	at := w.head()
	ann.create("live")
	key := w.texts("SELECT payload ->> 'stream_key' FROM events WHERE type = 'live.created.v1'")
	impatient, patient := w.admission(20*time.Millisecond), w.admission(patience)
	for _, position := range []int64{0, at} {
		ref := projections.SessionRef{User: ann.id, Session: ann.session, Position: position}
		if _, err := impatient.CheckSession(t.Context(), ref); !errors.Is(err, projections.ErrBehind) {
			t.Errorf("without a projector: %v", err)
		}
	}
	if _, err := impatient.CheckOwner(t.Context(), key); !errors.Is(err, projections.ErrBehind) {
		t.Errorf("without a projector: %v", err)
	}
	results := make(chan error, 2)
	go func() {
		_, err := patient.CheckSession(context.Background(), projections.SessionRef{User: ann.id, Session: ann.session, Position: at})
		results <- err
	}()
	go func() {
		_, err := patient.CheckOwner(context.Background(), key)
		results <- err
	}()
	w.project()
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
