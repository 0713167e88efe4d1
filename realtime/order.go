package realtime

import (
	"cmp"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// outData tells a connection that it is not in a room any more, and why.
type outData struct {
	Code   domain.Code `json:"code" jsonschema:"enum=denied"`
	Text   string      `json:"text" jsonschema_description:"for people: the reason that was given, else in English"`
	TextZH string      `json:"text_zh" jsonschema_description:"for people: the reason that was given, else in Chinese"`
}

// outPush is the envelope of outData, which has no place in the room's history.
type outPush struct {
	Type string        `json:"type"`
	Live domain.LiveID `json:"live"`
	Data outData       `json:"data"`
}

// kept is what somebody is told who is put or kept out: the reason, or what there is to say without one.
func kept(code domain.Code, reason, english string) *problem {
	p := newProblem(code, cmp.Or(reason, english))
	p.TextZH = cmp.Or(reason, p.TextZH)
	return p
}

func kicked(reason string) *problem {
	return kept(domain.CodeKicked, reason, "an operator has put you out")
}

// KickMessage is what a client is told that is put out, in Chinese.
func KickMessage(reason string) string { return kicked(reason).TextZH }

// keepOrder puts those out whom an event is about, on whichever process they are.
func (h *hub) keepOrder(d projections.Delta) {
	switch e := d.Event.(type) {
	case domain.UserKicked:
		for g := range h.people[e.User] {
			g.Kick(e.Reason)
		}
	case domain.ViewerBanned:
		for g := range h.people[e.User] {
			g.BanFrom(e.Live, e.Reason)
		}
	case domain.ConnectionKicked:
		if h.door.putOut(e.Connection, e.Reason) {
			return
		}
		for _, annex := range h.annexes {
			if annex.Kick(e.Connection, e.Reason) {
				return
			}
		}
	}
}

// Kick implements Guest.
func (s *session) Kick(reason string) {
	s.refuse("", kicked(reason))
	s.depart(ws.CloseKicked, cmp.Or(reason, string(domain.CodeKicked)))
}

// BanFrom implements Guest.
func (s *session) BanFrom(live domain.LiveID, reason string) {
	go func() { // after the frame that is being handled: it may be what joins the room
		s.turn.Lock()
		defer s.turn.Unlock()
		if s.leave(live, domain.LeaveRemoved) {
			no := kept(domain.CodeBanned, reason, "you are kept out of this room")
			s.conn.Send(ws.MustFrame(encode(outPush{"out", live, outData{no.Code, no.Text, no.TextZH}})))
		}
	}()
}

// depart closes the connection, and has the rooms told that it was our doing if it is to stay away for that.
func (s *session) depart(code uint16, reason string) {
	if code == ws.CloseKicked {
		s.out.Store(true)
	}
	s.conn.Close(code, reason)
}
