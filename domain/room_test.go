package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestAddRoom(t *testing.T) {
	add := domain.CreateChatRoom{Name: " demo ", ChatRoom: room, NameKey: "r-demo", MaxChatRooms: 2}
	with := func(change func(*domain.CreateChatRoom)) domain.CreateChatRoom { c := add; change(&c); return c }
	created := func(u domain.UserID, rooms int) []domain.Event {
		return []domain.Event{
			domain.ChatRoomCreated{ChatRoom: room, Name: "demo", NameKey: "r-demo", User: u, Total: rooms},
			domain.ChatRoomNameClaimed{Key: "r-demo", ChatRoom: room},
		}
	}
	removed := events(roomAdded(otherRoom, "r-demo", 1), []domain.Event{
		domain.ChatRoomRemoved{ChatRoom: otherRoom}, domain.ChatRoomNameReleased{Key: "r-demo", ChatRoom: otherRoom},
	})
	run(t, []spec{
		{name: "is for everybody", by: nobody, when: add, then: created(0, 1)},
		{name: "notes who asked", when: add, then: created(viewer, 1)},
		{name: "counts", given: roomAdded(otherRoom, "r-other", 1), by: nobody, when: add, then: created(0, 2)},
		{name: "is refused when a room has the name", given: roomAdded(otherRoom, "r-demo", 1), by: nobody, when: add, refused: domain.CodeChatRoomTaken},
		{name: "is refused under an id that was used", given: roomAdded(room, "r-other", 1), by: nobody, when: add, refused: domain.CodeChatRoomTaken},
		{name: "takes the name of a room that was removed", given: removed, by: nobody, when: add, then: created(0, 1)},
		{name: "is granted to roomlog itself once", by: system, when: add, then: created(0, 1)},
		{name: "is not granted to roomlog itself again", given: roomAdded(otherRoom, "r-demo", 1), by: system, when: add},
		{name: "is not granted to roomlog itself after an operator has removed the room", given: removed, by: system, when: add},
		{
			name:    "is refused when there are as many as there may be",
			given:   events(roomAdded(otherRoom, "r1", 1), roomAdded(otherRoom2, "r2", 2)),
			by:      nobody,
			when:    add,
			refused: domain.CodeTooManyChatRooms,
		},
		{
			name:  "is granted to an operator all the same",
			given: events(roomAdded(otherRoom, "r1", 1), roomAdded(otherRoom2, "r2", 2)),
			by:    operator,
			when:  add,
			then:  created(0, 3),
		},
		{name: "is refused when the name could be an id", by: nobody, when: with(func(c *domain.CreateChatRoom) { c.Name = string(otherRoom) }), refused: domain.CodeChatRoomTaken},
		{name: "needs a name", by: nobody, when: with(func(c *domain.CreateChatRoom) { c.Name = " " }), refused: domain.CodeTextEmpty},
		{name: "needs the key of the name", by: nobody, when: with(func(c *domain.CreateChatRoom) { c.NameKey = "" }), refused: domain.CodeBadRequest},
		{name: "needs an id of the proper form", by: nobody, when: with(func(c *domain.CreateChatRoom) { c.ChatRoom = "demo" }), refused: domain.CodeBadRequest},
	})
}

func TestRemoveRoom(t *testing.T) {
	remove := domain.RemoveChatRoom{ChatRoom: room, NameKey: "r-demo"}
	there := events(roomAdded(room, "r-demo", 1), roomAdded(otherRoom, "r-other", 2))
	run(t, []spec{
		{name: "frees the name", given: there, by: operator, when: remove, then: []domain.Event{
			domain.ChatRoomRemoved{ChatRoom: room, Total: 1}, domain.ChatRoomNameReleased{Key: "r-demo", ChatRoom: room},
		}},
		{name: "is refused when there is no such room", by: operator, when: remove, refused: domain.CodeChatRoomNotFound},
		{
			name:    "is refused the second time",
			given:   events(there, []domain.Event{domain.ChatRoomRemoved{ChatRoom: room, Total: 1}}),
			by:      operator,
			when:    remove,
			refused: domain.CodeChatRoomNotFound,
		},
		{name: "is refused with the key of another name, which would free that", given: there, by: operator, when: domain.RemoveChatRoom{ChatRoom: room, NameKey: "r-other"}, refused: domain.CodeBadRequest},
	})
}

func TestIsRoomID(t *testing.T) {
	for s, want := range map[string]bool{
		string(room): true, "": false, "demo": false, "0123456789abcdef0123456": false, "0123456789abcdef012345678": false,
		"0123456789ABCDEF01234567": false, "0123456789abcdeg01234567": false,
	} {
		if domain.IsChatRoomID(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
