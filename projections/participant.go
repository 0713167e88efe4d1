package projections

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Participants is who is in the chat, and in which of its rooms.
var Participants = Projection{
	Name: "participants", Version: 1, Tables: []string{"participant", "chat_membership"},
	Handlers: []Handler{
		on(foldGuestEntered), on(foldGuestNamed), on(foldGuestJoined), on(foldGuestParted), on(foldGuestLeft), on(foldGuestsForgotten),
	},
	Write: writes(writeGuests),
}

type guestsBatch struct {
	entered   []guestRow
	named     map[domain.ParticipantID]domain.NicknameSet
	left      []int64
	seats     map[seat]*seatRow
	forgotten []int64
}

type guestRow struct {
	domain.ParticipantEntered
	at time.Time
}

// seat is one guest in one room.
type seat struct {
	room  domain.ChatRoomID
	guest domain.ParticipantID
}

// seatRow is what a batch says of a seat.
type seatRow struct {
	was    bool  // its first event in the batch is a parting
	joined int64 // of the newest joining; 0: parted since
	user   domain.UserID
}

func foldGuestEntered(b *guestsBatch, r eventstore.Record, e domain.ParticipantEntered) {
	b.entered = append(b.entered, guestRow{e, r.RecordedAt})
}

func foldGuestNamed(b *guestsBatch, _ eventstore.Record, e domain.NicknameSet) {
	set(&b.named, e.Participant, e)
}

func foldGuestLeft(b *guestsBatch, _ eventstore.Record, e domain.ParticipantLeft) {
	b.left = append(b.left, int64(e.Participant))
}

func foldGuestsForgotten(b *guestsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func foldGuestJoined(b *guestsBatch, r eventstore.Record, e domain.ChatRoomJoined) {
	s := b.seat(e.ChatRoom, e.Participant, false)
	s.joined, s.user = r.Position, e.User
}

func foldGuestParted(b *guestsBatch, _ eventstore.Record, e domain.ChatRoomLeft) {
	b.seat(e.ChatRoom, e.Participant, true).joined = 0
}

// seat answers the row of a guest in a room, who has to be there before the event, or has not to be. What
// happened before the batch is checked by the statements.
func (b *guestsBatch) seat(r domain.ChatRoomID, g domain.ParticipantID, there bool) *seatRow {
	s := b.seats[seat{r, g}]
	switch {
	case s == nil:
		s = &seatRow{was: there}
		set(&b.seats, seat{r, g}, s)
	case (s.joined != 0) != there:
		panic(fmt.Sprintf("guest %d in room %s: there is %v", g, r, !there))
	}
	return s
}

// writeGuests first lets enter and last lets leave: nobody comes back under the same number.
func writeGuests(b *guestsBatch, tables *pgx.Batch) {
	if len(b.entered) > 0 {
		b.queueEntered(tables)
	}
	if len(b.named) > 0 {
		var id []int64
		var nickname, key []string
		for guest, e := range b.named {
			id, nickname, key = append(id, int64(guest)), append(nickname, e.Nickname), append(key, e.NameKey)
		}
		expect(len(id), tables.Queue(updateParticipantName, id, nickname, key))
	}
	b.queueSeats(tables)
	if len(b.left) > 0 {
		expect(len(b.left), tables.Queue(deleteParticipant, b.left))
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseParticipant, b.forgotten)
	}
}

func (b *guestsBatch) queueEntered(tables *pgx.Batch) {
	var id, user []int64
	var connection, profile, nickname, key, process []string
	var at []time.Time
	for _, g := range b.entered {
		id, user, at = append(id, int64(g.Participant)), append(user, int64(g.User)), append(at, g.at)
		connection, profile, process = append(connection, g.Connection), append(profile, string(g.Profile)), append(process, g.Node)
		nickname, key = append(nickname, g.Nickname), append(key, g.NameKey)
	}
	tables.Queue(insertParticipant, id, connection, profile, user, nickname, key, process, at)
}

func (b *guestsBatch) queueSeats(tables *pgx.Batch) {
	var gone, taken struct {
		room                []string
		guest, user, joined []int64
	}
	for at, s := range b.seats {
		if s.was {
			gone.room, gone.guest = append(gone.room, string(at.room)), append(gone.guest, int64(at.guest))
		}
		if s.joined != 0 {
			taken.room, taken.guest = append(taken.room, string(at.room)), append(taken.guest, int64(at.guest))
			taken.user, taken.joined = append(taken.user, int64(s.user)), append(taken.joined, s.joined)
		}
	}
	if len(gone.room) > 0 {
		expect(len(gone.room), tables.Queue(deleteChatMembership, gone.room, gone.guest))
	}
	if len(taken.room) > 0 {
		tables.Queue(insertChatMembership, taken.room, taken.guest, taken.user, taken.joined)
	}
}
