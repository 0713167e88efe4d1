package socketio

import (
	"context"
	"encoding/json"
	"fmt"

	"roomlog/internal/strictjson"
)

// targetTopic is the topic of surveys that find the node of a socket.
const targetTopic = "socketio.target"

// maxTarget is the maximum length of the public id of a socket in bytes.
const maxTarget = 64

// isConnected reports whether a socket of any node has this public id.
func (c *core) isConnected(ctx context.Context, id string) (bool, error) {
	if len(id) > maxTarget || c.sockets.find(id) != nil {
		return len(id) <= maxTarget, nil
	}
	if alone, err := c.channels.alone(ctx); alone || err != nil {
		return false, err
	}
	request, err := json.Marshal(id)
	if err != nil {
		return false, err
	}
	survey, err := c.cfg.Cluster.Survey(ctx, targetTopic, request)
	if err != nil {
		return false, fmt.Errorf("find a socket: %w", err)
	}
	for _, r := range survey.Replies {
		if string(r.Payload) == "true" {
			return true, nil
		}
	}
	return false, nil
}

// replyTarget replies whether this node has a socket with a public id.
func (c *core) replyTarget(_ context.Context, request []byte) ([]byte, error) {
	var id string
	if err := strictjson.Unmarshal(request, &id); err != nil {
		return nil, fmt.Errorf("read a survey of a target: %w", err)
	}
	return json.Marshal(c.sockets.find(id) != nil)
}
