package socketio

import (
	"context"
	"encoding/json"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// tested answers test and test1, which clients use to see whether anybody hears them.
const tested = "啊啊啊"

// hearLive has the socket heard in the live rooms.
func (v *visitor) hearLive() {
	v.socket.On("joinLive", v.handler(false, v.onJoin))
	v.socket.On("leaveLive", v.handler(true, v.onLeave))
	v.socket.On("comment", v.handler(false, v.onComment))
	v.socket.On("gift", v.handler(false, v.onGift))
	for _, name := range []string{"test", "test1"} {
		v.socket.On(name, func(*protocol.Event) { v.socket.Emit(v.socket.ID(), tested) })
	}
}

func (v *visitor) onJoin(ctx context.Context, e *protocol.Event) error {
	_, live, caller, err := v.door.read(e)
	if err != nil {
		return err
	}
	return v.join(ctx, caller, live, false, 0)
}

// onLeave takes a person out, whatever the room's state; who is not in it is not bothered.
func (v *visitor) onLeave(_ context.Context, e *protocol.Event) error {
	_, live, caller, err := v.door.read(e)
	if err != nil {
		return err
	}
	if g := v.guests[caller.User]; g != nil && g.rooms[live] != nil {
		v.leave(g, live, domain.LeaveRequested)
	}
	return nil
}

func (v *visitor) onComment(ctx context.Context, e *protocol.Event) error {
	r, live, caller, err := v.door.read(e)
	if err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(r.Data, &text); err != nil {
		return &domain.Refusal{Code: domain.CodeBadRequest, Text: "data is a text"}
	}
	return v.do(ctx, e, caller, live, hub.RateComments, domain.PostComment{Live: live, Text: text})
}

// onGift gives one gift: each press of the button is one.
func (v *visitor) onGift(ctx context.Context, e *protocol.Event) error {
	r, live, caller, err := v.door.read(e)
	if err != nil {
		return err
	}
	id, err := number("gift_id", r.Gift)
	if err != nil {
		return err
	}
	return v.do(ctx, e, caller, live, hub.RateGifts, domain.SendGift{Live: live, Gift: domain.GiftID(id), Num: 1})
}

// do carries out a command, and puts its person into the room if that is not there by this socket: the client
// lost its connection and does not know.
func (v *visitor) do(ctx context.Context, e *protocol.Event, caller hub.Identity, live domain.LiveID, rate hub.Rate, c domain.Command) error {
	receipt, err := v.door.cfg.Hub.Execute(ctx, caller, rate, c, "")
	if err != nil {
		return err
	}
	if g := v.guests[caller.User]; g != nil && g.rooms[live] != nil {
		g.renew(caller)
		return nil
	}
	if err := v.join(ctx, caller, live, true, receipt.Position-1); err != nil { // sees what it did
		v.refuse(ctx, e.Name, err, true)
	}
	return nil
}
