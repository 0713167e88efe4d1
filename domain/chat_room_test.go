package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestCreateChatRoom(t *testing.T) {
	add := domain.CreateChatRoom{Name: " demo ", ChatRoom: chatRoom, NameKey: "r-demo", MaxChatRooms: 2}
	with := func(change func(*domain.CreateChatRoom)) domain.CreateChatRoom { c := add; change(&c); return c }
	created := func(u domain.UserID, rooms int) []domain.Event {
		return []domain.Event{
			domain.ChatRoomCreated{ChatRoom: chatRoom, Name: "demo", NameKey: "r-demo", User: u, Total: rooms},
			domain.ChatRoomNameClaimed{Key: "r-demo", ChatRoom: chatRoom},
		}
	}
	removed := events(chatRoomCreated(chatRoom2, "r-demo", 1), []domain.Event{
		domain.ChatRoomRemoved{ChatRoom: chatRoom2}, domain.ChatRoomNameReleased{Key: "r-demo", ChatRoom: chatRoom2},
	})
	run(t, []spec{
		{name: "does not require sign-in", by: anonymous, when: add, then: created(0, 1)},
		{name: "records the user who created it", when: add, then: created(viewer, 1)},
		{name: "counts the chat rooms", given: chatRoomCreated(chatRoom2, "r-other", 1), by: anonymous, when: add, then: created(0, 2)},
		{name: "is refused when the name is taken", given: chatRoomCreated(chatRoom2, "r-demo", 1), by: anonymous, when: add, refused: domain.CodeChatRoomTaken},
		{name: "is refused when the id was used before", given: chatRoomCreated(chatRoom, "r-other", 1), by: anonymous, when: add, refused: domain.CodeChatRoomTaken},
		{name: "accepts the name of a removed chat room", given: removed, by: anonymous, when: add, then: created(0, 1)},
		{name: "creates the default chat room for the system", by: system, when: add, then: created(0, 1)},
		{name: "changes nothing for the system when the name is taken", given: chatRoomCreated(chatRoom2, "r-demo", 1), by: system, when: add},
		{name: "changes nothing for the system after an operator has removed the chat room", given: removed, by: system, when: add},
		{
			name:    "is refused when the limit is reached",
			given:   events(chatRoomCreated(chatRoom2, "r1", 1), chatRoomCreated(chatRoom3, "r2", 2)),
			by:      anonymous,
			when:    add,
			refused: domain.CodeTooManyChatRooms,
		},
		{
			name:  "is accepted from an operator when the limit is reached",
			given: events(chatRoomCreated(chatRoom2, "r1", 1), chatRoomCreated(chatRoom3, "r2", 2)),
			by:    operator,
			when:  add,
			then:  created(0, 3),
		},
		{name: "is refused when the name has the form of an id", by: anonymous, when: with(func(c *domain.CreateChatRoom) { c.Name = string(chatRoom2) }), refused: domain.CodeChatRoomTaken},
		{name: "is refused without a name", by: anonymous, when: with(func(c *domain.CreateChatRoom) { c.Name = " " }), refused: domain.CodeTextEmpty},
		{name: "is refused without the key of the name", by: anonymous, when: with(func(c *domain.CreateChatRoom) { c.NameKey = "" }), refused: domain.CodeBadRequest},
		{name: "is refused when the id is malformed", by: anonymous, when: with(func(c *domain.CreateChatRoom) { c.ChatRoom = "demo" }), refused: domain.CodeBadRequest},
	})
}

func TestRemoveChatRoom(t *testing.T) {
	remove := domain.RemoveChatRoom{ChatRoom: chatRoom, NameKey: "r-demo"}
	there := events(chatRoomCreated(chatRoom, "r-demo", 1), chatRoomCreated(chatRoom2, "r-other", 2))
	run(t, []spec{
		{name: "releases the name", given: there, by: operator, when: remove, then: []domain.Event{
			domain.ChatRoomRemoved{ChatRoom: chatRoom, Total: 1}, domain.ChatRoomNameReleased{Key: "r-demo", ChatRoom: chatRoom},
		}},
		{name: "is refused when the chat room does not exist", by: operator, when: remove, refused: domain.CodeChatRoomNotFound},
		{
			name:    "is refused when the chat room was removed",
			given:   events(there, []domain.Event{domain.ChatRoomRemoved{ChatRoom: chatRoom, Total: 1}}),
			by:      operator,
			when:    remove,
			refused: domain.CodeChatRoomNotFound,
		},
		{name: "is refused when the key is that of another name", given: there, by: operator, when: domain.RemoveChatRoom{ChatRoom: chatRoom, NameKey: "r-other"}, refused: domain.CodeBadRequest},
	})
}

func TestExpireChatRoom(t *testing.T) {
	expire := domain.ExpireChatRoom{ChatRoom: chatRoom, NameKey: "r-demo"}
	there := events(chatRoomCreated(chatRoom, "r-demo", 1), chatRoomCreated(chatRoom2, "r-other", 2))
	run(t, []spec{
		{name: "releases the place and the name, with the reason", given: there, by: system, when: expire, then: []domain.Event{
			domain.ChatRoomRemoved{ChatRoom: chatRoom, Total: 1, Reason: "unused"}, domain.ChatRoomNameReleased{Key: "r-demo", ChatRoom: chatRoom},
		}},
		{name: "is refused when the chat room does not exist", by: system, when: expire, refused: domain.CodeChatRoomNotFound},
		{name: "is refused for everybody but the system", given: there, by: operator, when: expire, refused: domain.CodeForbidden},
	})
}

func TestIsChatRoomID(t *testing.T) {
	for s, want := range map[string]bool{
		string(chatRoom): true, "": false, "demo": false, "0123456789abcdef0123456": false, "0123456789abcdef012345678": false,
		"0123456789ABCDEF01234567": false, "0123456789abcdeg01234567": false,
	} {
		if domain.IsChatRoomID(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
}
