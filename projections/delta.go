package projections

import (
	"roomlog/domain"
	"roomlog/eventstore"
)

// DeltasOf answers what people see of an event: a pure function of it. Profiles are not filled in.
// A gift is two deltas: one for the room, one with the new balance for the sender.
func DeltasOf(r eventstore.Record) []Delta {
	d := Delta{Position: r.Position, Event: r.Event, ID: shortID(r), EventID: r.ID, RecordedAt: r.RecordedAt}
	if e, ok := r.Event.(domain.UserEvent); ok {
		d.User = e.EventUser()
	}
	switch e := r.Event.(type) {
	case domain.CommentPosted:
		return d.in(e.Live, KindComment)
	case domain.GiftSent:
		return append(d.in(e.Live, KindGift), d.to(KindBalance)...)
	case domain.ViewerJoined:
		return d.in(e.Live, KindJoin)
	case domain.ViewerLeft:
		return d.in(e.Live, KindLeave)
	case domain.ViewerMoved:
		return d.in(e.Live, KindMoved)
	case domain.ViewerBanned:
		return d.in(e.Live, KindModeration)
	case domain.ConnectionKicked:
		return d.in(0, KindModeration)
	case domain.PlayerKicked: // for media servers
		return d.in(0, KindModeration)
	case domain.LiveStatusChanged:
		return d.in(e.Live, KindStatus)
	case domain.BroadcastStarted:
		return d.in(e.Live, KindMedia)
	case domain.BroadcastStopped:
		return d.in(e.Live, KindMedia)
	case domain.CoinsCredited:
		return d.to(KindBalance)
	case domain.UserProfileChanged:
		return d.to(KindProfile)
	case domain.UserAgeChanged:
		return d.to(KindAge)
	case domain.ChatRoomCreated:
		return d.chat(KindChatRoomCreated, 0, e.ChatRoom)
	case domain.ChatRoomRemoved:
		return d.chat(KindChatRoomRemoved, 0, e.ChatRoom)
	case domain.ParticipantEntered:
		return d.chat(KindParticipantEntered, e.Participant)
	case domain.NicknameSet:
		return d.chat(KindNicknameSet, e.Participant)
	case domain.ChatRoomJoined:
		return d.chat(KindChatRoomJoined, e.Participant, e.ChatRoom)
	case domain.ChatRoomLeft:
		return d.chat(KindChatRoomLeft, e.Participant, e.ChatRoom)
	case domain.ParticipantLeft:
		return d.chat(KindParticipantLeft, e.Participant)
	case domain.MessagePosted:
		d.Recipient = e.ToUser
		return d.chat(KindMessage, e.Participant, e.ChatRooms...)
	case domain.UserSignedIn, domain.UserSignedOut, domain.UserDisabled, domain.UserEnabled, domain.UserKicked, domain.UserBanned, domain.UserUnbanned,
		domain.UserRoleGranted, domain.UserRoleRevoked, domain.UserForgotten:
		return d.to(KindNotice)
	}
	return nil
}

func (d Delta) in(live domain.LiveID, kind string) []Delta {
	d.Live, d.Kind = live, kind
	return []Delta{d}
}

// chat says where in the chat it happened, and by whom.
func (d Delta) chat(kind string, guest domain.ParticipantID, rooms ...domain.ChatRoomID) []Delta {
	d.Kind, d.Participant, d.ChatRooms = kind, guest, rooms
	return []Delta{d}
}

// to puts d on the private lane of whose doing it is.
func (d Delta) to(kind string) []Delta {
	d.Kind, d.Recipient = kind, d.User
	return []Delta{d}
}

// shown says whether d is shown with the profile of its User.
func (d Delta) shown() bool { return d.Public() || d.Chat() || d.Kind == KindProfile }

// gauged says whether d changes the gauges of its room.
func (d Delta) gauged() bool {
	return d.Kind == KindGift && d.Recipient == 0 || d.Kind == KindJoin || d.Kind == KindLeave
}
