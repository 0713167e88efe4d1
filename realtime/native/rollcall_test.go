package native_test

import (
	"context"
	"testing"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws/wstest"
)

// roll calls the roll until it has so many connections: each process has to listen first.
func (w *world) roll(asked hub.SurveyRequest, total int) (roll hub.SurveyResult) {
	w.Helper()
	wstest.Eventually(w, "the roll is complete", func() bool {
		var err error
		ctx, cancel := context.WithTimeout(context.Background(), wstest.Timeout)
		defer cancel()
		if roll, err = hub.SurveyConnections(ctx, w.store, asked); err != nil {
			w.Fatal(err)
		}
		return roll.Answered == roll.Nodes && roll.Total == total
	})
	return roll
}

func TestRollCall(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	first, second := ann.app(), bob.on(b).app()
	first.join(live)
	second.join(live)
	b.connect()
	all := a.roll(hub.SurveyRequest{}, 3)
	if all.Nodes != 2 || len(all.Connections) != 3 {
		t.Fatalf("%+v", all)
	}
	ids := make(map[domain.ConnectionID]bool)
	for i, s := range all.Connections {
		ids[s.ID] = true
		if s.Dialect != "native" || s.Address != "127.0.0.1" || i > 0 && s.Since.After(all.Connections[i-1].Since) {
			t.Errorf("%+v", s)
		}
	}
	if len(ids) != 3 {
		t.Errorf("ids that are not unique: %+v", all.Connections)
	}
	if s := all.Connections[0]; len(s.Users)+len(s.Lives) != 0 || s.Node != b.hub.Node() {
		t.Errorf("somebody unknown: %+v", s)
	}
	bobs := b.roll(hub.SurveyRequest{User: bob.id}, 1).Connections[0]
	if len(bobs.Users) != 1 || bobs.Users[0] != bob.id || len(bobs.Lives) != 1 || bobs.Lives[0] != live {
		t.Errorf("bob's: %+v", bobs)
	}
	if got := a.roll(hub.SurveyRequest{ID: bobs.ID}, 1).Connections[0]; got.ID != bobs.ID {
		t.Errorf("by id: %+v", got)
	}
	a.roll(hub.SurveyRequest{Live: live}, 2)
	a.roll(hub.SurveyRequest{Live: live + 1}, 0)
	second.Conn.Close()
	a.roll(hub.SurveyRequest{User: bob.id}, 0)
	var left int
	if err := a.pool.QueryRow(t.Context(), "SELECT count(*) FROM roll_call").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d answers are left, %v", left, err)
	}
}

// A process that does not answer is not passed over in silence.
func TestAProcessThatDoesNotAnswerTheRoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.roll(hub.SurveyRequest{}, 0)
	ctx, stop := context.WithCancel(t.Context())
	silent := make(chan error, 1)
	go func() { silent <- w.store.Beat(ctx, "somebody who does not answer") }()
	defer func() { stop(); <-silent }()
	wstest.Eventually(t, "another beats", func() bool {
		n, err := w.store.Beats(t.Context())
		return err == nil && n == 2
	})
	wstest.Eventually(t, "one of two answers", func() bool {
		roll, err := hub.SurveyConnections(t.Context(), w.store, hub.SurveyRequest{})
		return err == nil && roll.Nodes == 2 && roll.Answered == 1
	})
}
