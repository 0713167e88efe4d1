package socketio

import (
	"context"
	"encoding/json"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// testReply is the response to the events test and test1, with which clients check their connection.
const testReply = "啊啊啊"

func (s *session) handleJoinLive(ctx context.Context, e *protocol.Event) error {
	_, live, by, err := s.parse(e)
	if err != nil {
		return err
	}
	return s.join(ctx, by, live, false, 0)
}

// handleLeaveLive removes the user from the live, whatever the status of the live. If the user is not in the live, it
// does nothing and sends no refusal.
func (s *session) handleLeaveLive(_ context.Context, e *protocol.Event) error {
	_, live, by, err := s.parse(e)
	if err != nil {
		return err
	}
	if s.isIn(by.User, live) {
		s.leave(s.clients[by.User], live, domain.LeaveRequested)
	}
	return nil
}

func (s *session) handleComment(ctx context.Context, e *protocol.Event) error {
	r, live, by, err := s.parse(e)
	if err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(r.Data, &text); err != nil {
		return badRequest("data must be a string")
	}
	return s.execute(ctx, e, by, live, hub.RateComments, domain.PostComment{Live: live, Text: text})
}

// handleGift sends one gift: each press of the client's button is one event.
func (s *session) handleGift(ctx context.Context, e *protocol.Event) error {
	r, live, by, err := s.parse(e)
	if err != nil {
		return err
	}
	id, err := parseID("gift_id", r.Gift)
	if err != nil {
		return err
	}
	return s.execute(ctx, e, by, live, hub.RateGifts, domain.SendGift{Live: live, Gift: domain.GiftID(id), Num: 1})
}

func (s *session) handleTest(context.Context, *protocol.Event) error {
	s.socket.Emit(s.socket.ID(), testReply)
	return nil
}

// execute executes a command. If the user is not in the live on this socket, for example after a lost connection,
// execute makes the user join it.
func (s *session) execute(ctx context.Context, e *protocol.Event, by hub.Identity, live domain.LiveID, rate hub.Rate, c domain.Command) error {
	receipt, err := s.cfg.Hub.Execute(ctx, by, rate, c, "")
	if err != nil {
		return err
	}
	if s.isIn(by.User, live) {
		s.clients[by.User].setIdentity(by)
		return nil
	}
	if err := s.join(ctx, by, live, true, receipt.Position-1); err != nil { // the replay contains the event of the command
		s.notify(ctx, s.socket, e.Name, err, true)
	}
	return nil
}
