package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
)

const (
	surveyTopic = "connections"
	maxSurveyed = 1000 // maximum number of connections in the reply of a node and in the result; both contain the newest ones
)

// SurveyRequest selects connections. Fields with the zero value select all.
type SurveyRequest struct {
	ID   domain.ConnectionID `json:"id,omitempty"`
	User domain.UserID       `json:"user,omitempty"`
	Live domain.LiveID       `json:"live,omitempty"`
}

// selects reports whether the request selects a connection.
func (r SurveyRequest) selects(c Connection) bool {
	return (r.ID == "" || r.ID == c.ID || r.ID == c.Alias) &&
		(r.User == 0 || slices.Contains(c.Users, r.User)) &&
		(r.Live == 0 || slices.Contains(c.Lives, r.Live))
}

// SurveyResult contains the replies of the nodes.
type SurveyResult struct {
	Connections []Connection   // the newest 1000 selected connections, newest first
	Total       int            // number of selected connections on the nodes that replied
	Of          map[string]int // number of selected connections of each node that replied
	Nodes       int            // number of nodes in the cluster
	Answered    int            // number of nodes that replied in time
}

// surveyReply is the reply of one node to a survey.
type surveyReply struct {
	Total       int          `json:"total"`
	Connections []Connection `json:"connections"`
}

// Survey collects the selected connections of all nodes. A node that does not reply in time is not an error: Answered
// is then less than Nodes.
func Survey(ctx context.Context, c *cluster.Cluster, request SurveyRequest) (SurveyResult, error) {
	payload, err := json.Marshal(request)
	if err != nil {
		return SurveyResult{}, fmt.Errorf("survey connections: %w", err)
	}
	survey, err := c.Survey(ctx, surveyTopic, payload)
	if err != nil {
		return SurveyResult{}, fmt.Errorf("survey connections: %w", err)
	}
	result := SurveyResult{Nodes: len(survey.Nodes), Answered: len(survey.Nodes) - len(survey.Missing), Of: make(map[string]int)}
	for _, r := range survey.Replies {
		var reply surveyReply
		if err := json.Unmarshal(r.Payload, &reply); err != nil {
			return result, fmt.Errorf("survey connections: reply of node %s: %w", r.Node, err)
		}
		result.Total += reply.Total
		result.Of[r.Node] = reply.Total
		result.Connections = append(result.Connections, reply.Connections...)
	}
	newestFirst(result.Connections)
	result.Connections = result.Connections[:min(len(result.Connections), maxSurveyed)]
	return result, nil
}

// replyToSurvey returns the reply of a node that has the given connections.
func replyToSurvey(payload []byte, connections []Connection) ([]byte, error) {
	var request SurveyRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, fmt.Errorf("read a survey: %w", err)
	}
	selected := slices.DeleteFunc(connections, func(c Connection) bool { return !request.selects(c) })
	return json.Marshal(surveyReply{Total: len(selected), Connections: selected[:min(len(selected), maxSurveyed)]})
}
