package domain_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"roomlog/domain"
)

// ofChat says whether a type of event is of the chat.
func ofChat(eventType string) bool {
	noun, _, _ := strings.Cut(eventType, ".")
	return slices.Contains([]string{"chat_room", "participant", "nickname", "message", "email"}, noun) || eventType == "user.email_added.v1"
}

// chatAudit is what an auditor who reads only the events makes of the chat.
type chatAudit struct {
	rooms     map[domain.ChatRoomID]bool // open
	roomNames map[string]domain.ChatRoomID
	guests    map[domain.ParticipantID]*chatGuest
	last      domain.ParticipantID
	called    map[string][]domain.ParticipantID // by the key of the name
	emails    map[string]domain.UserID
}

type chatGuest struct {
	domain.ParticipantEntered
	here, forgotten bool
	rooms           []domain.ChatRoomID
}

func newChatAudit() chatAudit {
	return chatAudit{
		rooms: map[domain.ChatRoomID]bool{}, roomNames: map[string]domain.ChatRoomID{}, guests: map[domain.ParticipantID]*chatGuest{},
		called: map[string][]domain.ParticipantID{}, emails: map[string]domain.UserID{},
	}
}

func (s *story) auditChat(t *rapid.T, e domain.Event) {
	c := &s.chat
	switch e := e.(type) {
	case domain.UserEmailAdded:
		expect(t, e, e.User == s.last.user, "is somebody else's")
	case domain.EmailClaimed:
		expect(t, e, c.emails[e.Key] == 0, "is %d's", c.emails[e.Key])
		c.emails[e.Key] = e.User
	case domain.ChatRoomCreated:
		_, known := c.rooms[e.ChatRoom]
		expect(t, e, !known && !domain.IsChatRoomID(e.Name), "was there, or is called like an id")
		c.rooms[e.ChatRoom] = true
		expect(t, e, e.Total == c.open() && e.Total <= mostRooms+1, "there are %d", c.open())
	case domain.ChatRoomNameClaimed:
		expect(t, e, c.roomNames[e.Key] == "", "is that of %s", c.roomNames[e.Key])
		c.roomNames[e.Key] = e.ChatRoom
	case domain.ChatRoomRemoved:
		expect(t, e, c.rooms[e.ChatRoom], "is not there")
		c.rooms[e.ChatRoom] = false
		expect(t, e, e.Total == c.open(), "there are %d", c.open())
	case domain.ChatRoomNameReleased:
		expect(t, e, c.roomNames[e.Key] == e.ChatRoom && !c.rooms[e.ChatRoom], "is that of %s", c.roomNames[e.Key])
		delete(c.roomNames, e.Key)
	case domain.NicknameClaimed:
		for _, other := range c.called[e.Key] {
			expect(t, e, c.guests[e.Participant].User != 0 || other == e.Participant, "%d is called so", other)
		}
		c.called[e.Key] = append(c.called[e.Key], e.Participant)
	case domain.NicknameReleased:
		at := slices.Index(c.called[e.Key], e.Participant)
		expect(t, e, at >= 0, "is not called so")
		c.called[e.Key] = slices.Delete(c.called[e.Key], at, at+1)
	case domain.MessagePosted:
		s.auditMessage(t, e)
	default:
		s.auditGuest(t, e)
	}
}

func (s *story) auditGuest(t *rapid.T, e domain.Event) {
	c := &s.chat
	switch e := e.(type) {
	case domain.ParticipantEntered:
		c.last++
		expect(t, e, e.Participant == c.last && (e.User == 0 || e.Nickname == ""), "the next number is %d", c.last)
		c.guests[e.Participant] = &chatGuest{ParticipantEntered: e, here: true}
	case domain.NicknameSet:
		g := c.guests[e.Participant]
		expect(t, e, g.here && g.User == 0, "is %+v", *g)
		g.NameKey = e.NameKey
	case domain.ChatRoomJoined:
		g := c.guests[e.Participant]
		expect(t, e, g.here && g.User == e.User && c.rooms[e.ChatRoom] && !slices.Contains(g.rooms, e.ChatRoom), "is %+v", *g)
		g.rooms = append(g.rooms, e.ChatRoom)
	case domain.ChatRoomLeft:
		g := c.guests[e.Participant]
		expect(t, e, g.here && g.User == e.User && slices.Contains(g.rooms, e.ChatRoom), "is %+v", *g)
		g.rooms = slices.DeleteFunc(g.rooms, func(r domain.ChatRoomID) bool { return r == e.ChatRoom })
	case domain.ParticipantLeft:
		g := c.guests[e.Participant]
		expect(t, e, g.here && g.User == e.User && len(g.rooms) == 0, "is %+v", *g)
		g.here = false
	case domain.ParticipantForgotten:
		g := c.guests[e.Participant]
		expect(t, e, !g.here && g.User == 0 && !g.forgotten, "is %+v", *g)
		g.forgotten = true
	default:
		t.Fatalf("%+v: nobody audits it", e)
	}
}

func (s *story) auditMessage(t *rapid.T, e domain.MessagePosted) {
	c := &s.chat
	expect(t, e, e.Participant != 0 || e.User != 0, "nobody said it")
	if e.Participant != 0 {
		g := c.guests[e.Participant]
		expect(t, e, g.here && g.User == e.User && g.Connection == e.Connection, "is %+v", *g)
		expect(t, e, (e.Nickname != "") == (g.User == 0 && g.NameKey != ""), "is %+v", *g)
	}
	for _, r := range e.ChatRooms {
		expect(t, e, c.rooms[r], "there is no room %s", r)
	}
	if e.ToParticipant != 0 {
		expect(t, e, c.guests[e.ToParticipant].here && c.guests[e.ToParticipant].Connection == e.ToConnection, "is not there")
	}
	expect(t, e, e.ToUser == 0 || !s.out[e.ToUser] && !s.gone[e.ToUser] && e.ToUser <= s.last.user, "is locked out, or nobody")
	expect(t, e, (e.Kind == domain.MessageVoice) == (e.DurationMS > 0) && e.Text != "", "says nothing")
}

func (c *chatAudit) open() (n int) {
	for _, open := range c.rooms {
		if open {
			n++
		}
	}
	return n
}

// mostRooms is how many rooms people may have in a story: so few that they come to it.
const mostRooms = 3

// chatOpening lets a story begin with two people, two rooms, and somebody in each.
func chatOpening() []domain.Request {
	two := domain.AuthenticatedActor(2, "s1")
	return append(opening()[:4],
		domain.Request{Command: domain.CreateChatRoom{Name: "demo", ChatRoom: storyRoom(1), NameKey: "demo"}, Actor: system},
		domain.Request{Command: domain.EnterChat{Connection: "c1", Profile: domain.ProfilePlain, Nickname: "ming", NameKey: "k5", ChatRoom: storyRoom(1), Node: "p1"}},
		domain.Request{Command: domain.EnterChat{Connection: "c2", Profile: domain.ProfileRooms, NameKey: "k2", Node: "p1"}, Actor: two},
	)
}

func storyRoom(n int) domain.ChatRoomID { return domain.ChatRoomID(fmt.Sprintf("%024x", n)) }

// anyChat draws a request of the chat, or one that changes who may do anything.
func (s *story) anyChat(t *rapid.T) domain.Request {
	if roll(t, 3) == 0 {
		return s.anything(t)
	}
	guest := oneOf(t, "guest", s.chat.last, func(g domain.ParticipantID) bool { return s.chat.guests[g].here })
	g := s.chat.guests[guest]
	if g == nil {
		g = &chatGuest{}
	}
	by := domain.Actor{}
	if g.User != 0 && roll(t, 3) > 0 {
		by = domain.AuthenticatedActor(g.User, s.session[g.User])
	}
	c := s.chatCommand(t, guest, g, &by)
	if roll(t, 4) == 0 { // with whatever right
		by = domain.Actor{Kind: []domain.ActorKind{domain.Operator, domain.System, domain.PaymentProvider, domain.Anonymous}[roll(t, 2)]}
	}
	return domain.Request{Command: c, Actor: by}
}

func (s *story) chatCommand(t *rapid.T, guest domain.ParticipantID, g *chatGuest, by *domain.Actor) domain.Command {
	key := fmt.Sprintf("k%d", roll(t, 3))
	room := storyRoom(roll(t, 3))
	nameKey := fmt.Sprintf("r%d", roll(t, 2))
	switch roll(t, 4) {
	case 0, 1:
		nickname := ""
		if u := s.person(t); u > 0 && roll(t, 1) > 0 {
			*by = domain.AuthenticatedActor(u, s.session[u])
		} else if *by = (domain.Actor{}); true {
			nickname = words(t)
		}
		if roll(t, 1) > 0 {
			room = ""
		}
		return domain.EnterChat{Connection: fmt.Sprintf("c%d", s.chat.last+1), Profile: domain.ProfilePlain, Nickname: nickname, NameKey: key, ChatRoom: room, Node: "p1"}
	case 2:
		return domain.SetNickname{Participant: guest, Nickname: words(t), NameKey: key, PreviousKey: g.NameKey}
	case 3, 4:
		return domain.JoinChatRoom{Participant: guest, ChatRoom: room}
	case 5:
		return domain.LeaveChatRoom{Participant: guest, ChatRoom: room}
	case 6:
		*by = system
		return domain.LeaveChat{Participant: guest, Cause: domain.LeaveConnectionLost, Node: "p1", NameKey: g.NameKey}
	case 7:
		*by = operator
		return domain.ForgetParticipant{Participant: domain.ParticipantID(roll(t, 4))}
	case 8, 9:
		return domain.CreateChatRoom{Name: words(t), ChatRoom: room, NameKey: nameKey, MaxChatRooms: mostRooms}
	case 10:
		*by = operator
		for used, of := range s.chat.roomNames {
			if of == room {
				nameKey = used
			}
		}
		return domain.RemoveChatRoom{ChatRoom: room, NameKey: nameKey}
	case 11:
		return domain.RegisterByEmail{Email: words(t) + "@" + words(t), EmailKey: fmt.Sprintf("e%d", roll(t, 3))}
	}
	said := domain.PostMessage{Participant: guest, Nickname: words(t), Kind: domain.MessageText, Text: words(t)}
	switch roll(t, 2) {
	case 0:
		said.ChatRooms = []domain.ChatRoomID{room, storyRoom(roll(t, 3))}
	case 1:
		said.ChatRooms = []domain.ChatRoomID{room}
	case 2:
		said.ToUser, said.ToParticipant = domain.UserID(roll(t, 2)), domain.ParticipantID(roll(t, 2))
	}
	return said
}
