package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Participants projects the participants of the chat and the chat rooms that they have joined.
var Participants = Projection{
	Name: "participants", Version: 1, Tables: []string{"participant", "chat_membership"},
	Handlers: []Handler{
		on(foldParticipantEntered), on(foldNicknameSet), on(foldChatRoomJoined), on(foldChatRoomLeft), on(foldParticipantLeft),
		on(foldParticipantsForgotten),
	},
	Write: writes(writeParticipants),
}

type participantsBatch struct {
	entered     []participantRow
	named       map[domain.ParticipantID]domain.NicknameSet
	left        []int64
	memberships map[membershipKey]*membershipRow
	forgotten   []int64
}

type participantRow struct {
	domain.ParticipantEntered
	at time.Time
}

// membershipKey identifies the membership of one participant in one chat room.
type membershipKey struct {
	room        domain.ChatRoomID
	participant domain.ParticipantID
}

// membershipRow is the combined effect of the events of a batch on one membership.
type membershipRow struct {
	existed bool  // whether the first event of the batch ends the membership
	joined  int64 // position of the newest join; 0 if the membership has ended
	user    domain.UserID
}

func foldParticipantEntered(b *participantsBatch, r eventstore.Record, e domain.ParticipantEntered) {
	b.entered = append(b.entered, participantRow{e, r.RecordedAt})
}

func foldNicknameSet(b *participantsBatch, _ eventstore.Record, e domain.NicknameSet) {
	set(&b.named, e.Participant, e)
}

func foldParticipantLeft(b *participantsBatch, _ eventstore.Record, e domain.ParticipantLeft) {
	b.left = append(b.left, int64(e.Participant))
}

func foldParticipantsForgotten(b *participantsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func foldChatRoomJoined(b *participantsBatch, r eventstore.Record, e domain.ChatRoomJoined) {
	m := b.membership(e.ChatRoom, e.Participant, false)
	m.joined, m.user = r.Position, e.User
}

func foldChatRoomLeft(b *participantsBatch, _ eventstore.Record, e domain.ChatRoomLeft) {
	b.membership(e.ChatRoom, e.Participant, true).joined = 0
}

// membership returns the row of a membership. exists reports whether the membership must exist before the event. If
// an earlier event of the batch contradicts this, membership panics. If events before the batch contradict it, the
// statements fail.
func (b *participantsBatch) membership(r domain.ChatRoomID, p domain.ParticipantID, exists bool) *membershipRow {
	key := membershipKey{r, p}
	m := b.memberships[key]
	switch {
	case m == nil:
		m = &membershipRow{existed: exists}
		set(&b.memberships, key, m)
	case (m.joined != 0) != exists:
		panic(fmt.Sprintf("participant %d of chat room %s: joined is %v", p, r, !exists))
	}
	return m
}

// writeParticipants inserts participants first and deletes them last. A participant id is never used again.
func writeParticipants(b *participantsBatch, tables *pgx.Batch) {
	if len(b.entered) > 0 {
		b.queueEntered(tables)
	}
	if len(b.named) > 0 {
		var id []int64
		var nickname, key []string
		for participant, e := range b.named {
			id, nickname, key = append(id, int64(participant)), append(nickname, e.Nickname), append(key, e.NameKey)
		}
		expect(len(id), tables.Queue(updateParticipantName, id, nickname, key))
	}
	b.queueMemberships(tables)
	if len(b.left) > 0 {
		expect(len(b.left), tables.Queue(deleteParticipant, b.left))
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseParticipant, b.forgotten)
	}
}

func (b *participantsBatch) queueEntered(tables *pgx.Batch) {
	var id, user []int64
	var connection, profile, nickname, key, node []string
	var at []time.Time
	for _, p := range b.entered {
		id, user, at = append(id, int64(p.Participant)), append(user, int64(p.User)), append(at, p.at)
		connection, profile, node = append(connection, p.Connection), append(profile, string(p.Profile)), append(node, p.Node)
		nickname, key = append(nickname, p.Nickname), append(key, p.NameKey)
	}
	tables.Queue(insertParticipant, id, connection, profile, user, nickname, key, node, at)
}

func (b *participantsBatch) queueMemberships(tables *pgx.Batch) {
	var ended, begun struct {
		room                      []string
		participant, user, joined []int64
	}
	for key, m := range b.memberships {
		if m.existed {
			ended.room, ended.participant = append(ended.room, string(key.room)), append(ended.participant, int64(key.participant))
		}
		if m.joined != 0 {
			begun.room, begun.participant = append(begun.room, string(key.room)), append(begun.participant, int64(key.participant))
			begun.user, begun.joined = append(begun.user, int64(m.user)), append(begun.joined, m.joined)
		}
	}
	if len(ended.room) > 0 {
		expect(len(ended.room), tables.Queue(deleteChatMembership, ended.room, ended.participant))
	}
	if len(begun.room) > 0 {
		tables.Queue(insertChatMembership, begun.room, begun.participant, begun.user, begun.joined)
	}
}

// Participant is a row of table participant: a connection of a user or an anonymous visitor in the chat.
type Participant struct {
	ID         domain.ParticipantID
	Connection string
	Profile    domain.ChatProfile
	User       Profile // profile of the user; ID is 0 if the participant is anonymous
	Nickname   string  // nickname of an anonymous participant
	NameKey    string  // keyed hash of the name; "" if the participant has no name
	Node       string
	EnteredAt  time.Time
}

// Name returns the name of the participant, or "" if the participant has none.
func (p Participant) Name() string {
	if p.User.ID != 0 {
		return p.User.Name()
	}
	return p.Nickname
}

// RosterEntry is a participant with the chat rooms that the participant has joined.
type RosterEntry struct {
	Participant
	ChatRooms []domain.ChatRoomID // the chat rooms, in the order of joining
}

// Roster returns up to limit participants, ordered by id. It starts with the first id that is larger than after.
func (q *Queries) Roster(ctx context.Context, after domain.ParticipantID, limit int) ([]RosterEntry, error) {
	return many(ctx, q, "roster", func(row pgx.CollectableRow) (e RosterEntry, err error) {
		err = row.Scan(&e.ID, &e.Connection, &e.Profile, &e.User.ID, &e.User.Username, &e.User.Nickname, &e.User.Avatar, &e.User.CreatedAt,
			&e.Nickname, &e.NameKey, &e.Node, &e.EnteredAt, &e.ChatRooms)
		e.EnteredAt = e.EnteredAt.UTC()
		return e, err
	}, selectRoster, after, pageSize(limit))
}

// ChatRoomUser is a user who is in a chat room.
type ChatRoomUser struct {
	Profile
	ChatRoom  domain.ChatRoomID
	CreatedAt time.Time // time at which the user registered
}

// ChatRoomUsers returns the users who are in each of the given chat rooms, newest first, at most limit for each room.
// The result does not include anonymous participants.
func (q *Queries) ChatRoomUsers(ctx context.Context, rooms []domain.ChatRoomID, limit int) (map[domain.ChatRoomID][]ChatRoomUser, error) {
	found, err := many(ctx, q, "users in chat rooms", func(row pgx.CollectableRow) (u ChatRoomUser, err error) {
		err = row.Scan(&u.ChatRoom, &u.ID, &u.Username, &u.Nickname, &u.Avatar, &u.CreatedAt)
		u.CreatedAt = u.CreatedAt.UTC()
		return u, err
	}, selectChatRoomUsers, rooms, pageSize(limit))
	users := make(map[domain.ChatRoomID][]ChatRoomUser)
	for _, u := range found {
		users[u.ChatRoom] = append(users[u.ChatRoom], u)
	}
	return users, err
}

// ChatPresence reports whether a user is in the chat on any connection. It also returns the chat room that the user has
// joined last, or "" if there is none.
func (q *Queries) ChatPresence(ctx context.Context, user domain.UserID) (room domain.ChatRoomID, online bool, err error) {
	type presence struct {
		Online bool
		Room   domain.ChatRoomID
	}
	p, err := one(ctx, q, "presence of a user", pgx.RowToStructByPos[presence], selectChatPresence, user)
	return p.Room, p.Online, err
}

// NodeParticipant is a participant whose connection is on a certain node.
type NodeParticipant struct {
	ID      domain.ParticipantID
	NameKey string
}

// NodeParticipants returns up to limit participants whose connections a node holds, ordered by id. It starts with the
// first id that is larger than after.
func (q *Queries) NodeParticipants(ctx context.Context, node string, after domain.ParticipantID, limit int) ([]NodeParticipant, error) {
	return many(ctx, q, "participants of a node", pgx.RowToStructByPos[NodeParticipant], selectNodeParticipants, node, after, max(limit, 1))
}

// Nodes returns the nodes that hold connections of present viewers or of participants.
func (q *Queries) Nodes(ctx context.Context) ([]string, error) {
	return many(ctx, q, "nodes", pgx.RowTo[string], selectNodes)
}

// ChatRooms projects the existing chat rooms.
var ChatRooms = Projection{
	Name: "chat_rooms", Version: 1, Tables: []string{"chat_room"},
	Handlers: []Handler{on(foldChatRoomCreated), on(foldChatRoomRemoved)},
	Write:    writes(writeChatRooms),
}

type chatRoomsBatch struct {
	id, name, key  []string
	user, position []int64
	at             []time.Time
	removed        []string
}

func foldChatRoomCreated(b *chatRoomsBatch, r eventstore.Record, e domain.ChatRoomCreated) {
	b.id, b.name, b.key = append(b.id, string(e.ChatRoom)), append(b.name, e.Name), append(b.key, e.NameKey)
	b.user, b.position, b.at = append(b.user, int64(e.User)), append(b.position, r.Position), append(b.at, r.RecordedAt)
}

// foldChatRoomRemoved removes a chat room that was created in the same batch, because a later chat room may have its
// name.
func foldChatRoomRemoved(b *chatRoomsBatch, _ eventstore.Record, e domain.ChatRoomRemoved) {
	for i, id := range b.id {
		if id != string(e.ChatRoom) {
			continue
		}
		b.id, b.name, b.key = without(b.id, i), without(b.name, i), without(b.key, i)
		b.user, b.position, b.at = without(b.user, i), without(b.position, i), without(b.at, i)
		return
	}
	b.removed = append(b.removed, string(e.ChatRoom))
}

// without returns s without the element at index i.
func without[T any](s []T, i int) []T { return append(s[:i:i], s[i+1:]...) }

func writeChatRooms(b *chatRoomsBatch, tables *pgx.Batch) {
	if len(b.removed) > 0 {
		expect(len(b.removed), tables.Queue(deleteChatRoom, b.removed))
	}
	if len(b.id) > 0 {
		tables.Queue(insertChatRoom, b.id, b.name, b.key, b.user, b.position, b.at)
	}
}

// ChatRoom is a row of table chat_room: a chat room that exists.
type ChatRoom struct {
	ID        domain.ChatRoomID
	Name      string
	NameKey   string
	Position  int64 // position of the event that created the chat room; orders the list
	CreatedAt time.Time
}

func scanChatRoom(row pgx.CollectableRow) (r ChatRoom, err error) {
	err = row.Scan(&r.ID, &r.Name, &r.NameKey, &r.Position, &r.CreatedAt)
	r.CreatedAt = r.CreatedAt.UTC()
	return r, err
}

// ChatRooms returns all chat rooms, oldest first. Package domain limits how many there are.
func (q *Queries) ChatRooms(ctx context.Context) ([]ChatRoom, error) {
	return many(ctx, q, "chat rooms", scanChatRoom, selectChatRoom.With(nil))
}

// UnusedChatRooms returns the chat rooms that have no participants and no message since usedBefore, oldest first. A
// chat room that never had a message is unused if it was created before emptyBefore. The result includes chat rooms of
// operators.
func (q *Queries) UnusedChatRooms(ctx context.Context, emptyBefore, usedBefore time.Time) ([]ChatRoom, error) {
	return many(ctx, q, "unused chat rooms", scanChatRoom, selectUnusedChatRooms, emptyBefore, usedBefore)
}

// ChatRoom returns a chat room, or ErrNotFound.
func (q *Queries) ChatRoom(ctx context.Context, id domain.ChatRoomID) (ChatRoom, error) {
	return one(ctx, q, "chat room", scanChatRoom, selectChatRoom.With(sqltemplate.Options{"id": true}), id)
}

// ChatRoomByName returns the chat room with a name, or ErrNotFound. nameKey is the result of eventstore.Store.NameKey
// for the name.
func (q *Queries) ChatRoomByName(ctx context.Context, nameKey string) (ChatRoom, error) {
	return one(ctx, q, "chat room by name", scanChatRoom, selectChatRoom.With(sqltemplate.Options{"name": true}), nameKey)
}
