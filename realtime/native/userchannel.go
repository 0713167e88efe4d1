package native

import (
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/ws"
)

const (
	// maxReplay is how many facts of the private lane a hello sends again.
	maxReplay = 500
	// maxUnacked is how many facts of the private lane a connection may leave unacknowledged: a client that
	// never says ack is not handling what it gets.
	maxUnacked = 1000
)

// userPush is the envelope of what one person is told.
type userPush struct {
	Type   string `json:"type"`
	Pos    int64  `json:"pos" jsonschema_description:"its position in the log"`
	Cursor string `json:"cursor" jsonschema_description:"for ack, and for since of the next hello"`
	Data   any    `json:"data"`
}

// The data of the private lane.
type (
	balanceInfo struct {
		Balance domain.Coins   `json:"balance"`
		Change  domain.Coins   `json:"change" jsonschema_description:"negative for a gift given"`
		Live    domain.LiveID  `json:"live,omitempty"`
		Gift    domain.GiftID  `json:"gift,omitempty"`
		Num     int            `json:"num,omitempty"`
		Order   domain.OrderID `json:"order,omitempty" jsonschema_description:"the coins of which arrived"`
	}
	ageInfo struct {
		Age int `json:"age" jsonschema_description:"in years"`
	}
	noticeInfo struct {
		Kind   string      `json:"kind" jsonschema:"enum=signed_in,enum=signed_out,enum=disabled,enum=enabled,enum=kicked,enum=banned,enum=unbanned,enum=forgotten,enum=role_granted,enum=role_revoked"`
		Role   domain.Role `json:"role,omitempty"`
		Reason string      `json:"reason,omitempty" jsonschema_description:"of kicked and banned, if one was given"`
		Until  *time.Time  `json:"until,omitempty" jsonschema_description:"of banned; not there: for good"`
	}
)

// userFrame is one fact of a private lane.
type userFrame struct {
	pos   int64
	frame *ws.Frame
}

func userFrameOf(d projections.Delta) userFrame {
	cursor := eventstore.CursorOf(eventstore.Record{Position: d.Position, ID: d.EventID})
	kind := d.Kind
	if kind == projections.KindMessage {
		kind = chatPrivate
	}
	return userFrame{d.Position, ws.TextFrame(encode(userPush{kind, d.Position, cursor, userData(d)}))}
}

func userData(d projections.Delta) any {
	switch e := d.Event.(type) {
	case domain.GiftSent:
		return balanceInfo{Balance: e.BalanceAfter, Change: -e.Coins, Live: e.Live, Gift: e.Gift, Num: e.Num}
	case domain.CoinsCredited:
		return balanceInfo{Balance: e.BalanceAfter, Change: e.Coins, Order: e.Order}
	case domain.UserProfileChanged:
		return personOf(d.Profile)
	case domain.UserAgeChanged:
		return ageInfo{e.Age}
	case domain.MessagePosted:
		return chatInfoOf(d, chat.AuthorOf(d, e), e)
	case domain.UserSignedIn:
		return noticeInfo{Kind: "signed_in"}
	case domain.UserSignedOut:
		return noticeInfo{Kind: "signed_out"}
	case domain.UserDisabled:
		return noticeInfo{Kind: "disabled"}
	case domain.UserEnabled:
		return noticeInfo{Kind: "enabled"}
	case domain.UserKicked:
		return noticeInfo{Kind: "kicked", Reason: e.Reason}
	case domain.UserBanned:
		n := noticeInfo{Kind: "banned", Reason: e.Reason}
		if e.Until != 0 {
			at := time.Unix(e.Until, 0).UTC()
			n.Until = &at
		}
		return n
	case domain.UserUnbanned:
		return noticeInfo{Kind: "unbanned"}
	case domain.UserForgotten:
		return noticeInfo{Kind: "forgotten"}
	case domain.UserRoleGranted:
		return noticeInfo{Kind: "role_granted", Role: e.Role}
	case domain.UserRoleRevoked:
		return noticeInfo{Kind: "role_revoked", Role: e.Role}
	}
	return noData{}
}

// userChannel is one connection's end of a private lane; session.mu guards it.
type userChannel struct {
	opened  bool
	after   int64       // the client has everything up to here
	waiting []userFrame // until it is opened
	unacked int
}

// tell sends a fact of the private lane, once the lane is open.
func (s *session) sendPrivate(f userFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch l := &s.user; {
	case f.pos <= l.after:
	case !l.opened && len(l.waiting) < maxUnacked:
		l.waiting = append(l.waiting, f)
	case !l.opened || l.unacked >= maxUnacked:
		s.conn.Close(ws.CloseBehind, "acknowledge what you get")
	default:
		l.unacked++
		s.conn.Send(f.frame)
	}
}

// openUserChannel answers a hello and lets the lane run: the answer first, then what the client missed, then what
// came meanwhile. Everything up to the position after is the client's already.
func (s *session) openUserChannel(answer *ws.Frame, missed []userFrame, after int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := []*ws.Frame{answer}
	for _, f := range append(missed, s.user.waiting...) {
		if f.pos > after {
			frames = append(frames, f.frame)
			after = f.pos
		}
	}
	s.user = userChannel{opened: true, after: after, unacked: len(frames) - 1}
	s.conn.Send(frames...)
}

// acknowledged lets the client have more.
func (s *session) acknowledged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user.unacked = 0
}
