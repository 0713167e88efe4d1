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
		{name: "needs neither a person nor a name", by: nobody, when: enter, then: []domain.Event{entered}},
		{name: "hands out numbers", given: guestEntered(7, 0, ""), by: nobody, when: enter, then: []domain.Event{
			domain.ParticipantEntered{Participant: 8, Connection: "c1", Profile: domain.ProfilePlain, Node: "p1"},
		}},
		{name: "takes a name", by: nobody, when: named, then: []domain.Event{ming, domain.NicknameClaimed{Key: "n-ming", Participant: 1}}},
		{
			name:  "is in a room at once",
			given: roomAdded(room, "r-demo", 1),
			by:    nobody,
			when:  with(func(c *domain.EnterChat) { c.ChatRoom = room }),
			then:  []domain.Event{entered, domain.ChatRoomJoined{Participant: 1, Connection: "c1", ChatRoom: room}},
		},
		{name: "is not in the chat when there is no such room", by: nobody, when: with(func(c *domain.EnterChat) { c.ChatRoom = room }), refused: domain.CodeChatRoomNotFound},
		{name: "is refused when a guest has the name", given: guestEntered(7, 0, "n-ming"), by: nobody, when: named, refused: domain.CodeNicknameTaken},
		{name: "is refused when a person in the chat is called so", given: guestEntered(7, viewer, "n-ming"), by: nobody, when: named, refused: domain.CodeNicknameTaken},
		{
			name:    "is refused when it is somebody's username",
			by:      nobody,
			when:    with(func(c *domain.EnterChat) { c.Nickname, c.NameKey = "person 12", nameKey(viewer) }),
			refused: domain.CodeNicknameTaken,
		},
		{name: "is called as the profile says, whoever else is", given: guestEntered(7, 0, "n-ming"), when: with(func(c *domain.EnterChat) { c.NameKey = "n-ming" }), then: []domain.Event{
			domain.ParticipantEntered{Participant: 8, Connection: "c1", Profile: domain.ProfilePlain, User: viewer, NameKey: "n-ming", Node: "p1"},
			domain.NicknameClaimed{Key: "n-ming", Participant: 8},
		}},
		{name: "is not called otherwise when signed in", when: named, refused: domain.CodeBadRequest},
		{name: "is refused without a connection", by: nobody, when: with(func(c *domain.EnterChat) { c.Connection = "" }), refused: domain.CodeBadRequest},
		{name: "is refused in a profile that nobody speaks", by: nobody, when: with(func(c *domain.EnterChat) { c.Profile = "telnet" }), refused: domain.CodeBadRequest},
		{name: "is refused with a name and no key, which would let two have it", by: nobody, when: with(func(c *domain.EnterChat) { c.Nickname = "小明" }), refused: domain.CodeBadRequest},
		{name: "is refused with a key and no name", by: nobody, when: with(func(c *domain.EnterChat) { c.NameKey = "n-ming" }), refused: domain.CodeTextEmpty},
	})
	for _, name := range namesOfTheServer {
		run(t, []spec{{
			name: fmt.Sprintf("is refused as %q", name), by: nobody, refused: domain.CodeNicknameTaken,
			when: with(func(c *domain.EnterChat) { c.Nickname, c.NameKey = name, "n-system" }),
		}})
	}
}

// namesOfTheServer are names that nobody can tell from that in which the server speaks.
var namesOfTheServer = []string{"系统", " 系统 ", "系\u200b统", "系 统", "系\ufe0e统", "系\u3164统"}

func TestNobodySpeaksAsTheServer(t *testing.T) {
	for _, name := range namesOfTheServer {
		specs := []spec{
			{name: "registers as", by: nobody, when: domain.RegisterUser{Username: name, NameKey: "k"}, refused: domain.CodeNameTaken},
			{name: "registers with the nickname", by: nobody, when: domain.RegisterUser{Username: "bob", Nickname: name, NameKey: "k"}, refused: domain.CodeNicknameTaken},
			{name: "changes the nickname to", when: domain.ChangeProfile{Nickname: name}, refused: domain.CodeNicknameTaken},
		}
		if !strings.ContainsAny(strings.TrimSpace(name), " ") { // no address has a space
			specs = append(specs, spec{name: "signs in as", by: nobody, when: domain.RegisterByEmail{Email: strings.TrimSpace(name) + "@a.bc", EmailKey: "e"}, refused: domain.CodeEmailInvalid})
		}
		for i := range specs {
			specs[i].name += fmt.Sprintf(" %q", name)
		}
		run(t, specs)
	}
}

func TestNameGuest(t *testing.T) {
	name := domain.SetNickname{Participant: 1, Nickname: "小红", NameKey: "n-hong", PreviousKey: "n-ming"}
	with := func(change func(*domain.SetNickname)) domain.SetNickname { c := name; change(&c); return c }
	ming := guestEntered(1, 0, "n-ming")
	called := domain.NicknameSet{Participant: 1, Connection: "c1", Nickname: "小红", NameKey: "n-hong"}
	run(t, []spec{
		{name: "frees the name before", given: ming, by: nobody, when: name, then: []domain.Event{
			called, domain.NicknameReleased{Key: "n-ming", Participant: 1}, domain.NicknameClaimed{Key: "n-hong", Participant: 1},
		}},
		{name: "is the first name", given: guestEntered(1, 0, ""), by: nobody, when: with(func(c *domain.SetNickname) { c.PreviousKey = "" }), then: []domain.Event{
			called, domain.NicknameClaimed{Key: "n-hong", Participant: 1},
		}},
		{name: "only spells it otherwise", given: ming, by: nobody, when: with(func(c *domain.SetNickname) { c.NameKey = "n-ming" }), then: []domain.Event{
			domain.NicknameSet{Participant: 1, Connection: "c1", Nickname: "小红", NameKey: "n-ming"},
		}},
		{name: "is refused when it is in use", given: events(ming, guestEntered(2, 0, "n-hong")), by: nobody, when: name, refused: domain.CodeNicknameTaken},
		{
			name:  "is free when whoever had it has left",
			given: events(ming, guestEntered(2, 0, "n-hong"), []domain.Event{domain.NicknameReleased{Key: "n-hong", Participant: 2}}),
			by:    nobody,
			when:  name,
			then:  []domain.Event{called, domain.NicknameReleased{Key: "n-ming", Participant: 1}, domain.NicknameClaimed{Key: "n-hong", Participant: 1}},
		},
		{name: "is refused for a guest who is not here", by: nobody, when: name, refused: domain.CodeParticipantNotFound},
		{name: "is refused for another's guest", given: guestEntered(1, stranger, "n-ming"), when: name, refused: domain.CodeParticipantNotFound},
		{name: "is refused for a guest who is signed in", given: guestEntered(1, viewer, "n-ming"), when: name, refused: domain.CodeBadRequest},
		{name: "is refused when the guest is called otherwise", given: ming, by: nobody, when: with(func(c *domain.SetNickname) { c.PreviousKey = "n-other" }), refused: domain.CodeBadRequest},
		{name: "is refused without a key", given: ming, by: nobody, when: with(func(c *domain.SetNickname) { c.NameKey = "" }), refused: domain.CodeBadRequest},
	})
}

func TestLeaveChat(t *testing.T) {
	leave := domain.LeaveChat{Participant: 1, Cause: domain.LeaveConnectionLost, Node: "p1", NameKey: "n-ming"}
	with := func(change func(*domain.LeaveChat)) domain.LeaveChat { c := leave; change(&c); return c }
	here := events(roomAdded(room, "r-demo", 1), roomAdded(otherRoom, "r-other", 2), guestEntered(1, 0, "n-ming"), guestJoined(1, 0, room), guestJoined(1, 0, otherRoom))
	left := domain.ParticipantLeft{Participant: 1, Connection: "c1", Cause: domain.LeaveConnectionLost}
	run(t, []spec{
		{name: "leaves every room and the name", given: here, by: system, when: leave, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: room, Cause: domain.LeaveConnectionLost},
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: otherRoom, Cause: domain.LeaveConnectionLost},
			left, domain.NicknameReleased{Key: "n-ming", Participant: 1},
		}},
		{name: "leaves also a room that was removed", given: events(here[:7], []domain.Event{domain.ChatRoomRemoved{ChatRoom: room, Total: 1}}), by: system, when: leave, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: room, Cause: domain.LeaveConnectionLost}, left, domain.NicknameReleased{Key: "n-ming", Participant: 1},
		}},
		{name: "says who it was", given: guestEntered(1, viewer, ""), by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "" }), then: []domain.Event{
			domain.ParticipantLeft{Participant: 1, Connection: "c1", User: viewer, Cause: domain.LeaveConnectionLost},
		}},
		{name: "is silent for somebody who is not here", by: system, when: leave},
		{name: "is silent the second time", given: events(here[:5], []domain.Event{left}), by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "" })},
		{name: "is silent from another process", given: here, by: system, when: with(func(c *domain.LeaveChat) { c.Node = "p2" })},
		{name: "is refused with the key of another name, which would free that", given: here, by: system, when: with(func(c *domain.LeaveChat) { c.NameKey = "n-other" }), refused: domain.CodeBadRequest},
		{name: "is refused for a cause that is a live's", given: here, by: system, when: with(func(c *domain.LeaveChat) { c.Cause = domain.LeaveLiveEnded }), refused: domain.CodeBadRequest},
	})
}

func TestForgetGuest(t *testing.T) {
	forget := domain.ForgetParticipant{Participant: 1}
	gone := events(guestEntered(1, 0, ""), []domain.Event{domain.ParticipantLeft{Participant: 1, Connection: "c1"}})
	run(t, []spec{
		{name: "is for guests who have left", given: gone, by: operator, when: forget, then: []domain.Event{domain.ParticipantForgotten{Participant: 1}}},
		{name: "is silent the second time", given: events(gone, []domain.Event{domain.ParticipantForgotten{Participant: 1}}), by: operator, when: forget},
		{name: "is refused while the guest is here, who would go on speaking", given: guestEntered(1, 0, ""), by: operator, when: forget, refused: domain.CodeBadRequest},
		{name: "is refused for somebody signed in", given: events(guestEntered(1, viewer, ""), []domain.Event{domain.ParticipantLeft{Participant: 1}}), by: operator, when: forget, refused: domain.CodeParticipantNotFound},
		{name: "is refused for nobody", by: operator, when: forget, refused: domain.CodeParticipantNotFound},
	})
}

func TestSeats(t *testing.T) {
	join, part := domain.JoinChatRoom{Participant: 1, ChatRoom: room}, domain.LeaveChatRoom{Participant: 1, ChatRoom: room}
	there := events(roomAdded(room, "r-demo", 1), guestEntered(1, 0, ""))
	joined := domain.ChatRoomJoined{Participant: 1, Connection: "c1", ChatRoom: room}
	var many []domain.Event
	for i := range 16 {
		id := domain.ChatRoomID(fmt.Sprintf("%024x", i))
		many = append(many, guestJoined(1, 0, id)...)
	}
	run(t, []spec{
		{name: "joining puts a guest into a room", given: there, by: nobody, when: join, then: []domain.Event{joined}},
		{name: "joining again changes nothing", given: events(there, guestJoined(1, 0, room)), by: nobody, when: join},
		{name: "joining is refused when there is no room", given: guestEntered(1, 0, ""), by: nobody, when: join, refused: domain.CodeChatRoomNotFound},
		{name: "joining is refused when the room was removed", given: events(there, []domain.Event{domain.ChatRoomRemoved{ChatRoom: room}}), by: nobody, when: join, refused: domain.CodeChatRoomNotFound},
		{name: "joining is refused for a guest who is not here", given: roomAdded(room, "r-demo", 1), by: nobody, when: join, refused: domain.CodeParticipantNotFound},
		{name: "joining is refused for another's guest", given: there, when: join, refused: domain.CodeParticipantNotFound},
		{name: "joining is refused in the 17th room", given: events(there, many), by: nobody, when: join, refused: domain.CodeNumberOutOfRange},
		{name: "parting takes the guest out", given: events(there, guestJoined(1, 0, room)), by: nobody, when: part, then: []domain.Event{
			domain.ChatRoomLeft{Participant: 1, Connection: "c1", ChatRoom: room, Cause: domain.LeaveRequested},
		}},
		{name: "parting changes nothing for a guest who is not in it", given: there, by: nobody, when: part},
		{name: "parting is refused for another's guest", given: events(there, guestJoined(1, 0, room)), when: part, refused: domain.CodeParticipantNotFound},
		{name: "one may come back", given: events(there, guestJoined(1, 0, room), []domain.Event{domain.ChatRoomLeft{Participant: 1, ChatRoom: room}}), by: nobody, when: join, then: []domain.Event{joined}},
	})
}
