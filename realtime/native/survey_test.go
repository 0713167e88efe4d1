package native_test

import (
	"context"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws/wstest"
)

// survey repeats a survey until its result has total connections, because each node must first join the cluster.
func (w *world) survey(request hub.SurveyRequest, total int) (result hub.SurveyResult) {
	w.Helper()
	wstest.Eventually(w, "the survey is complete", func() bool {
		var err error
		ctx, cancel := context.WithTimeout(context.Background(), wstest.Timeout)
		defer cancel()
		if result, err = hub.Survey(ctx, w.Cluster, request); err != nil {
			w.Fatal(err)
		}
		return result.Answered == result.Nodes && result.Total == total
	})
	return result
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	ann, bob := a.register("ann"), a.register("bob")
	live := ann.goLive("x")
	first, second := ann.app(), bob.on(b).app()
	first.join(live)
	second.join(live)
	b.connect()
	all := a.survey(hub.SurveyRequest{}, 3)
	if all.Nodes != 2 || len(all.Connections) != 3 {
		t.Fatalf("got %+v, want Nodes 2, 3 Connections", all)
	}
	if of := all.Of; len(of) != 2 || of[a.Hub.Node()] != 1 || of[b.Hub.Node()] != 2 {
		t.Errorf("connections by node: %v", of)
	}
	ids := make(map[domain.ConnectionID]bool)
	for i, s := range all.Connections {
		ids[s.ID] = true
		if s.Dialect != "native" || s.Address != "127.0.0.1" || i > 0 && s.Since.After(all.Connections[i-1].Since) {
			t.Errorf("got %+v", s)
		}
	}
	if len(ids) != 3 {
		t.Errorf("ids that are not unique: %+v, want 3 ids", all.Connections)
	}
	if s := all.Connections[0]; len(s.Users)+len(s.Lives) != 0 || s.Node != b.Hub.Node() {
		t.Errorf("got an unknown connection: %+v", s)
	}
	bobs := b.survey(hub.SurveyRequest{User: bob.ID}, 1).Connections[0]
	if len(bobs.Users) != 1 || bobs.Users[0] != bob.ID || len(bobs.Lives) != 1 || bobs.Lives[0] != live {
		t.Errorf("bob's: %+v, want 1 Users, Users[0] %v, 1 Lives, Lives[0] %v", bobs, bob.ID, live)
	}
	if got := a.survey(hub.SurveyRequest{ID: bobs.ID}, 1).Connections[0]; got.ID != bobs.ID {
		t.Errorf("by id: %+v, want ID %v", got, bobs.ID)
	}
	a.survey(hub.SurveyRequest{Live: live}, 2)
	if of := a.survey(hub.SurveyRequest{Live: live + 1}, 0).Of; len(of) != 2 {
		t.Errorf("nodes without connections: %v, want 2", of)
	}
	second.Conn.Close()
	a.survey(hub.SurveyRequest{User: bob.ID}, 0)
	var left int
	if err := a.Pool.QueryRow(t.Context(), "SELECT count(*) FROM survey_reply").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d replies are left, %v, want 0", left, err)
	}
}

func TestASurveyNamesTheNodesThatDoNotReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.survey(hub.SurveyRequest{}, 0)
	ctx, stop := context.WithCancel(t.Context())
	silent := make(chan error, 1)
	go func() {
		silent <- cluster.NewPostgres(w.Pool).Join(ctx, "a node that does not reply", func(cluster.Message) {}, func() {})
	}()
	defer func() { stop(); <-silent }()
	wstest.Eventually(t, "another node joins", func() bool {
		nodes, err := w.Cluster.Nodes(t.Context())
		return err == nil && len(nodes) == 2
	})
	wstest.Eventually(t, "one of two nodes replies", func() bool {
		result, err := hub.Survey(t.Context(), w.Cluster, hub.SurveyRequest{})
		return err == nil && result.Nodes == 2 && result.Answered == 1
	})
}
