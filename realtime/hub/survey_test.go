package hub

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/internal/natsconn/natstest"
)

// TestSurveyBetweenVersions checks that a survey of connections has what both versions know, when a node of a newer version, whose requests
// and replies have further members, asks or replies.
func TestSurveyBetweenVersions(t *testing.T) {
	t.Parallel()
	connections := []Connection{{ID: "a-1", Users: []domain.UserID{7}}, {ID: "a-2", Users: []domain.UserID{8}}}
	reply, err := replyToSurvey([]byte(`{"user":7,"since":"2026-01-01T00:00:00Z"}`), connections)
	if err != nil {
		t.Fatal(err)
	}
	server := natstest.Start(t)
	transport, err := cluster.NewNATS(server.Connect(), "0198c0de-0000-7000-8000-000000000001", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	newer := cluster.New(transport, cluster.Config{Node: "newer", Now: time.Now, SurveyTimeout: 3 * time.Minute})
	newer.OnSurvey(surveyTopic, func(context.Context, []byte) ([]byte, error) {
		return []byte(`{"format":2,"total":1,"connections":[{"id":"b-1","users":[7],"device":{"kind":"phone"}}]}`), nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newer.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var got SurveyResult
	for deadline := time.Now().Add(3 * time.Minute); got.Answered == 0 && time.Now().Before(deadline); { // until the node has joined
		if got, err = Survey(t.Context(), newer, SurveyRequest{User: 7}); err != nil {
			t.Fatal(err)
		}
	}
	if got.Total != 1 || len(got.Connections) != 1 || got.Connections[0].ID != "b-1" || got.Of["newer"] != 1 {
		t.Errorf("got %+v, want the connection of the newer node", got)
	}
	var older surveyReply
	if err := json.Unmarshal(reply, &older); err != nil || older.Total != 1 || len(older.Connections) != 1 || older.Connections[0].ID != "a-1" {
		t.Errorf("got %+v, want the connection that the request selects", older)
	}
}
