package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestEnterChat(t *testing.T) {
	enter := domain.EnterChat{Connection: "c1", Profile: domain.ProfilePlain, Node: "p1"}
	with := func(change func(*domain.EnterChat)) domain.EnterChat { c := enter; change(&c); return c }
	named := with(func(c *domain.EnterChat) { c.Nickname, c.NameKey = " 小明 ", "n-ming" })
	entered := domain.ParticipantEntered{Participant: 1, Connection: "c1", Profile: domain.ProfilePlain, Node: "p1"}
	ming := entered
	ming.Nickname, ming.NameKey = "小明", "n-ming"
	run(t, []spec{
		{name: "does not require sign-in or a nickname", by: anonymous, when: enter, then: []domain.Event{entered}},
		{name: "hands out ids", given: participantEntered(7, 0, ""), by: anonymous, when: enter, then: []domain.Event{
			domain.ParticipantEntered{Participant: 8, Connection: "c1", Profile: domain.ProfilePlain, Node: "p1"},
		}},
		{name: "claims the nickname", by: anonymous, when: named, then: []domain.Event{ming, domain.NicknameClaimed{Key: "n-ming", Participant: 1}}},
		{
			name:  "joins a chat room in the same step",
			given: chatRoomCreated(chatRoom, "r-demo", 1),
			by:    anonymous,
			when:  with(func(c *domain.EnterChat) { c.ChatRoom = chatRoom }),
			then:  []domain.Event{entered, domain.ChatRoomJoined{Participant: 1, Connection: "c1", ChatRoom: chatRoom}},
		},
		{name: "is refused when the chat room does not exist", by: anonymous, when: with(func(c *domain.EnterChat) { c.ChatRoom = chatRoom }), refused: domain.CodeChatRoomNotFound},
		{name: "is refused when another participant has the nickname", given: participantEntered(7, 0, "n-ming"), by: anonymous, when: named, refused: domain.CodeNicknameTaken},
		{name: "is refused when a signed-in participant has the nickname", given: participantEntered(7, viewer, "n-ming"), by: anonymous, when: named, refused: domain.CodeNicknameTaken},
		{
			name:    "is refused when the nickname is a username",
			by:      anonymous,
			when:    with(func(c *domain.EnterChat) { c.Nickname, c.NameKey = "user12", nameKeyOf(viewer) }),
			refused: domain.CodeNicknameTaken,
		},
		{name: "gives a signed-in user the name of the profile even if it is in use", given: participantEntered(7, 0, "n-ming"), when: with(func(c *domain.EnterChat) { c.NameKey = "n-ming" }), then: []domain.Event{
			domain.ParticipantEntered{Participant: 8, Connection: "c1", Profile: domain.ProfilePlain, User: viewer, NameKey: "n-ming", Node: "p1"},
			domain.NicknameClaimed{Key: "n-ming", Participant: 8},
		}},
		{name: "is refused when a signed-in user gives a nickname", when: named, refused: domain.CodeBadRequest},
		{name: "is refused without a connection", by: anonymous, when: with(func(c *domain.EnterChat) { c.Connection = "" }), refused: domain.CodeBadRequest},
		{name: "is refused when the profile is unknown", by: anonymous, when: with(func(c *domain.EnterChat) { c.Profile = "telnet" }), refused: domain.CodeBadRequest},
		{name: "is refused when the nickname has no key", by: anonymous, when: with(func(c *domain.EnterChat) { c.Nickname = "小明" }), refused: domain.CodeBadRequest},
		{name: "is refused when the key has no nickname", by: anonymous, when: with(func(c *domain.EnterChat) { c.NameKey = "n-ming" }), refused: domain.CodeTextEmpty},
	})
	for _, name := range reservedNames {
		run(t, []spec{{
			name: fmt.Sprintf("is refused as %q", name), by: anonymous, refused: domain.CodeNicknameTaken,
			when: with(func(c *domain.EnterChat) { c.Nickname, c.NameKey = name, "n-system" }),
		}})
	}
}

// reservedNames are names that look like SystemName or ErasedText.
var reservedNames = []string{"系统", " 系统 ", "系\u200b统", "系 统", "系\ufe0e统", "系\u3164统", "erased", "Erased", " ERASED", "ｅrased", "еrаsеd", "e r a s e d", "er\u200based"}

func TestReservedNames(t *testing.T) {
	for _, name := range reservedNames {
		specs := []spec{
			{name: "registering is refused as", by: anonymous, when: domain.RegisterUser{Username: name, NameKey: "k"}, refused: domain.CodeNameTaken},
			{name: "registering is refused with the nickname", by: anonymous, when: domain.RegisterUser{Username: "bob", Nickname: name, NameKey: "k"}, refused: domain.CodeNicknameTaken},
			{name: "changing the nickname is refused to", when: domain.ChangeProfile{Nickname: new(name)}, refused: domain.CodeNicknameTaken},
		}
		if !strings.ContainsAny(strings.TrimSpace(name), " ") { // an e-mail address has no space
			specs = append(specs, spec{name: "registering an e-mail address is refused as", by: anonymous, when: domain.RegisterByEmail{Email: strings.TrimSpace(name) + "@a.bc", EmailKey: "e"}, refused: domain.CodeEmailInvalid})
		}
		for i := range specs {
			specs[i].name += fmt.Sprintf(" %q", name)
		}
		run(t, specs)
	}
}

func TestSetNickname(t *testing.T) {
	name := domain.SetNickname{Participant: 1, Nickname: "小红", NameKey: "n-hong", PreviousKey: "n-ming"}
	with := func(change func(*domain.SetNickname)) domain.SetNickname { c := name; change(&c); return c }
	ming := participantEntered(1, 0, "n-ming")
	called := domain.NicknameSet{Participant: 1, Connection: "c1", Nickname: "小红", NameKey: "n-hong"}
	run(t, []spec{
		{name: "releases the previous nickname", given: ming, by: anonymous, when: name, then: []domain.Event{
			called, domain.NicknameReleased{Key: "n-ming", Participant: 1}, domain.NicknameClaimed{Key: "n-hong", Participant: 1},
		}},
		{name: "sets the first nickname", given: participantEntered(1, 0, ""), by: anonymous, when: with(func(c *domain.SetNickname) { c.PreviousKey = "" }), then: []domain.Event{
			called, domain.NicknameClaimed{Key: "n-hong", Participant: 1},
		}},
		{name: "changes only the spelling", given: ming, by: anonymous, when: with(func(c *domain.SetNickname) { c.NameKey = "n-ming" }), then: []domain.Event{
			domain.NicknameSet{Participant: 1, Connection: "c1", Nickname: "小红", NameKey: "n-ming"},
		}},
		{name: "is refused when the nickname is in use", given: events(ming, participantEntered(2, 0, "n-hong")), by: anonymous, when: name, refused: domain.CodeNicknameTaken},
		{
			name:  "accepts a nickname that was released",
			given: events(ming, participantEntered(2, 0, "n-hong"), []domain.Event{domain.NicknameReleased{Key: "n-hong", Participant: 2}}),
			by:    anonymous,
			when:  name,
			then:  []domain.Event{called, domain.NicknameReleased{Key: "n-ming", Participant: 1}, domain.NicknameClaimed{Key: "n-hong", Participant: 1}},
		},
		{name: "is refused when the participant has left", by: anonymous, when: name, refused: domain.CodeParticipantNotFound},
		{name: "is refused for the participant of another user", given: participantEntered(1, otherUser, "n-ming"), when: name, refused: domain.CodeParticipantNotFound},
		{name: "is refused for a signed-in participant", given: participantEntered(1, viewer, "n-ming"), when: name, refused: domain.CodeBadRequest},
		{name: "is refused when the previous key is wrong", given: ming, by: anonymous, when: with(func(c *domain.SetNickname) { c.PreviousKey = "n-other" }), refused: domain.CodeBadRequest},
		{name: "is refused without a key", given: ming, by: anonymous, when: with(func(c *domain.SetNickname) { c.NameKey = "" }), refused: domain.CodeBadRequest},
	})
}

func TestLeaveChat(t *testing.T) {
	leave := domain.LeaveChat{Participant: 1, Cause: domain.LeaveConnectionLost, Node: "p1", NameKey: "n-ming"}
	with := func(change func(*domain.LeaveChat)) domain.LeaveChat { c := leave; change(&c); return c }
	present := events(chatRoomCreated(chatRoom, "r-demo", 1), chatRoomCreated(chatRoom2, "r-other", 2), participantEntered(1, 0, "n-ming"), chatRoomJoined(1, 0, chatRoom), chatRoomJoined(1, 0, chatRoom2))
	left := domain.ParticipantLeft{Participant: 1, Connection: "c1", Cause: domain.LeaveConnectionLost}
	run(t, []spec{
		{name: "leaves every chat room and releases the nickname", given: present, by: system, when: leave, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: chatRoom, Cause: domain.LeaveConnectionLost},
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: chatRoom2, Cause: domain.LeaveConnectionLost},
			left, domain.NicknameReleased{Key: "n-ming", Participant: 1},
		}},
		{name: "leaves a chat room that was removed", given: events(present[:7], []domain.Event{domain.ChatRoomRemoved{ChatRoom: chatRoom, Total: 1}}), by: system, when: leave, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: chatRoom, Cause: domain.LeaveConnectionLost}, left, domain.NicknameReleased{Key: "n-ming", Participant: 1},
		}},
		{name: "records the user", given: participantEntered(1, viewer, ""), by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "" }), then: []domain.Event{
			domain.ParticipantLeft{Participant: 1, Connection: "c1", User: viewer, Cause: domain.LeaveConnectionLost},
		}},
		{name: "changes nothing when the participant is not in the chat", by: system, when: leave},
		{name: "changes nothing when it is repeated", given: events(present[:5], []domain.Event{left}), by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "" })},
		{name: "changes nothing when another node holds the participant", given: present, by: system, when: with(func(c *domain.LeaveChat) { c.Node = "p2" })},
		{name: "is refused when the key is that of another name", given: present, by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "n-other" }), refused: domain.CodeBadRequest},
		{name: "is refused when the cause belongs to lives", given: present, by: system, when: with(func(c *domain.LeaveChat) { c.Cause = domain.LeaveLiveEnded }), refused: domain.CodeBadRequest},
	})
}

func TestForgetParticipant(t *testing.T) {
	forget := domain.ForgetParticipant{Participant: 1}
	left := events(participantEntered(1, 0, ""), []domain.Event{domain.ParticipantLeft{Participant: 1, Connection: "c1"}})
	run(t, []spec{
		{name: "erases a participant who has left", given: left, by: operator, when: forget, then: []domain.Event{domain.ParticipantForgotten{Participant: 1}}},
		{name: "changes nothing when it is repeated", given: events(left, []domain.Event{domain.ParticipantForgotten{Participant: 1}}), by: operator, when: forget},
		{name: "is refused while the participant is in the chat", given: participantEntered(1, 0, ""), by: operator, when: forget, refused: domain.CodeBadRequest},
		{name: "is refused for a signed-in participant", given: events(participantEntered(1, viewer, ""), []domain.Event{domain.ParticipantLeft{Participant: 1}}), by: operator, when: forget, refused: domain.CodeParticipantNotFound},
		{name: "is refused when the participant does not exist", by: operator, when: forget, refused: domain.CodeParticipantNotFound},
	})
}

func TestJoinAndLeaveChatRoom(t *testing.T) {
	join, leave := domain.JoinChatRoom{Participant: 1, ChatRoom: chatRoom}, domain.LeaveChatRoom{Participant: 1, ChatRoom: chatRoom}
	present := events(chatRoomCreated(chatRoom, "r-demo", 1), participantEntered(1, 0, ""))
	joined := domain.ChatRoomJoined{Participant: 1, Connection: "c1", ChatRoom: chatRoom}
	var many []domain.Event
	for i := range 16 {
		id := domain.ChatRoomID(fmt.Sprintf("%024x", i))
		many = append(many, chatRoomJoined(1, 0, id)...)
	}
	run(t, []spec{
		{name: "joining adds the participant to the chat room", given: present, by: anonymous, when: join, then: []domain.Event{joined}},
		{name: "joining changes nothing when it is repeated", given: events(present, chatRoomJoined(1, 0, chatRoom)), by: anonymous, when: join},
		{name: "joining is refused when the chat room does not exist", given: participantEntered(1, 0, ""), by: anonymous, when: join, refused: domain.CodeChatRoomNotFound},
		{name: "joining is refused when the chat room was removed", given: events(present, []domain.Event{domain.ChatRoomRemoved{ChatRoom: chatRoom}}), by: anonymous, when: join, refused: domain.CodeChatRoomNotFound},
		{name: "joining is refused when the participant is not in the chat", given: chatRoomCreated(chatRoom, "r-demo", 1), by: anonymous, when: join, refused: domain.CodeParticipantNotFound},
		{name: "joining is refused for the participant of another user", given: present, when: join, refused: domain.CodeParticipantNotFound},
		{name: "joining is refused when the participant is in 16 chat rooms", given: events(present, many), by: anonymous, when: join, refused: domain.CodeNumberOutOfRange},
		{name: "leaving removes the participant from the chat room", given: events(present, chatRoomJoined(1, 0, chatRoom)), by: anonymous, when: leave, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: chatRoom, Cause: domain.LeaveRequested},
		}},
		{name: "leaving changes nothing when the participant is not in the chat room", given: present, by: anonymous, when: leave},
		{name: "leaving is refused for the participant of another user", given: events(present, chatRoomJoined(1, 0, chatRoom)), when: leave, refused: domain.CodeParticipantNotFound},
		{name: "joining is accepted after leaving", given: events(present, chatRoomJoined(1, 0, chatRoom), []domain.Event{domain.ChatRoomLeft{Participant: 1, ChatRoom: chatRoom}}), by: anonymous, when: join, then: []domain.Event{joined}},
	})
}
