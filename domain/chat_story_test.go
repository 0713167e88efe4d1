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
	return slices.Contains([]string{"room", "guest", "nickname", "message", "email"}, noun) || eventType == "user.email_added.v1"
}

// chatAudit is what an auditor who reads only the events makes of the chat.
type chatAudit struct {
	rooms     map[domain.RoomID]bool // open
	roomNames map[string]domain.RoomID
	guests    map[domain.GuestID]*chatGuest
	last      domain.GuestID
	called    map[string][]domain.GuestID // by the key of the name
	emails    map[string]domain.UserID
}

type chatGuest struct {
	domain.GuestEntered
	here, forgotten bool
	rooms           []domain.RoomID
}

func newChatAudit() chatAudit {
	return chatAudit{
		rooms: map[domain.RoomID]bool{}, roomNames: map[string]domain.RoomID{}, guests: map[domain.GuestID]*chatGuest{},
		called: map[string][]domain.GuestID{}, emails: map[string]domain.UserID{},
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
	case domain.RoomCreated:
		_, known := c.rooms[e.Room]
		expect(t, e, !known && !domain.IsRoomID(e.Name), "was there, or is called like an id")
		c.rooms[e.Room] = true
		expect(t, e, e.Rooms == c.open() && e.Rooms <= mostRooms+1, "there are %d", c.open())
	case domain.RoomNameClaimed:
		expect(t, e, c.roomNames[e.Key] == "", "is that of %s", c.roomNames[e.Key])
		c.roomNames[e.Key] = e.Room
	case domain.RoomRemoved:
		expect(t, e, c.rooms[e.Room], "is not there")
		c.rooms[e.Room] = false
		expect(t, e, e.Rooms == c.open(), "there are %d", c.open())
	case domain.RoomNameFreed:
		expect(t, e, c.roomNames[e.Key] == e.Room && !c.rooms[e.Room], "is that of %s", c.roomNames[e.Key])
		delete(c.roomNames, e.Key)
	case domain.NicknameTaken:
		for _, other := range c.called[e.Key] {
			expect(t, e, c.guests[e.Guest].User != 0 || other == e.Guest, "%d is called so", other)
		}
		c.called[e.Key] = append(c.called[e.Key], e.Guest)
	case domain.NicknameFreed:
		at := slices.Index(c.called[e.Key], e.Guest)
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
	case domain.GuestEntered:
		c.last++
		expect(t, e, e.Guest == c.last && (e.User == 0 || e.Nickname == ""), "the next number is %d", c.last)
		c.guests[e.Guest] = &chatGuest{GuestEntered: e, here: true}
	case domain.GuestNamed:
		g := c.guests[e.Guest]
		expect(t, e, g.here && g.User == 0, "is %+v", *g)
		g.NameKey = e.NameKey
	case domain.GuestJoined:
		g := c.guests[e.Guest]
		expect(t, e, g.here && g.User == e.User && c.rooms[e.Room] && !slices.Contains(g.rooms, e.Room), "is %+v", *g)
		g.rooms = append(g.rooms, e.Room)
	case domain.GuestParted:
		g := c.guests[e.Guest]
		expect(t, e, g.here && g.User == e.User && slices.Contains(g.rooms, e.Room), "is %+v", *g)
		g.rooms = slices.DeleteFunc(g.rooms, func(r domain.RoomID) bool { return r == e.Room })
	case domain.GuestLeft:
		g := c.guests[e.Guest]
		expect(t, e, g.here && g.User == e.User && len(g.rooms) == 0, "is %+v", *g)
		g.here = false
	case domain.GuestForgotten:
		g := c.guests[e.Guest]
		expect(t, e, !g.here && g.User == 0 && !g.forgotten, "is %+v", *g)
		g.forgotten = true
	default:
		t.Fatalf("%+v: nobody audits it", e)
	}
}

func (s *story) auditMessage(t *rapid.T, e domain.MessagePosted) {
	c := &s.chat
	expect(t, e, e.Guest != 0 || e.User != 0, "nobody said it")
	if e.Guest != 0 {
		g := c.guests[e.Guest]
		expect(t, e, g.here && g.User == e.User && g.Connection == e.Connection, "is %+v", *g)
		expect(t, e, (e.Nickname != "") == (g.User == 0 && g.NameKey != ""), "is %+v", *g)
	}
	for _, r := range e.Rooms {
		expect(t, e, c.rooms[r], "there is no room %s", r)
	}
	if e.ToGuest != 0 {
		expect(t, e, c.guests[e.ToGuest].here && c.guests[e.ToGuest].Connection == e.ToConnection, "is not there")
	}
	expect(t, e, e.To == 0 || !s.out[e.To] && !s.gone[e.To] && e.To <= s.last.user, "is locked out, or nobody")
	expect(t, e, (e.Kind == domain.MessageVoice) == (e.MS > 0) && e.Text != "", "says nothing")
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
	two := domain.PersonActor(2, "s1")
	return append(opening()[:4],
		domain.Request{Command: domain.AddRoom{Name: "demo", Room: storyRoom(1), NameKey: "demo"}, By: system},
		domain.Request{Command: domain.EnterChat{Connection: "c1", Profile: domain.ChatPlain, Nickname: "ming", NameKey: "k5", Room: storyRoom(1), Process: "p1"}},
		domain.Request{Command: domain.EnterChat{Connection: "c2", Profile: domain.ChatRooms, NameKey: "k2", Process: "p1"}, By: two},
	)
}

func storyRoom(n int) domain.RoomID { return domain.RoomID(fmt.Sprintf("%024x", n)) }

// anyChat draws a request of the chat, or one that changes who may do anything.
func (s *story) anyChat(t *rapid.T) domain.Request {
	if roll(t, 3) == 0 {
		return s.anything(t)
	}
	guest := oneOf(t, "guest", s.chat.last, func(g domain.GuestID) bool { return s.chat.guests[g].here })
	g := s.chat.guests[guest]
	if g == nil {
		g = &chatGuest{}
	}
	by := domain.Actor{}
	if g.User != 0 && roll(t, 3) > 0 {
		by = domain.PersonActor(g.User, s.session[g.User])
	}
	c := s.chatCommand(t, guest, g, &by)
	if roll(t, 4) == 0 { // with whatever right
		by = domain.Actor{Kind: []domain.ActorKind{domain.Operator, domain.System, domain.Provider, domain.Anyone}[roll(t, 2)]}
	}
	return domain.Request{Command: c, By: by}
}

func (s *story) chatCommand(t *rapid.T, guest domain.GuestID, g *chatGuest, by *domain.Actor) domain.Command {
	key := fmt.Sprintf("k%d", roll(t, 3))
	room := storyRoom(roll(t, 3))
	nameKey := fmt.Sprintf("r%d", roll(t, 2))
	switch roll(t, 4) {
	case 0, 1:
		nickname := ""
		if u := s.person(t); u > 0 && roll(t, 1) > 0 {
			*by = domain.PersonActor(u, s.session[u])
		} else if *by = (domain.Actor{}); true {
			nickname = words(t)
		}
		if roll(t, 1) > 0 {
			room = ""
		}
		return domain.EnterChat{Connection: fmt.Sprintf("c%d", s.chat.last+1), Profile: domain.ChatPlain, Nickname: nickname, NameKey: key, Room: room, Process: "p1"}
	case 2:
		return domain.NameGuest{Guest: guest, Nickname: words(t), NameKey: key, Before: g.NameKey}
	case 3, 4:
		return domain.JoinRoom{Guest: guest, Room: room}
	case 5:
		return domain.PartRoom{Guest: guest, Room: room}
	case 6:
		*by = system
		return domain.LeaveChat{Guest: guest, Cause: domain.LeftConnectionLost, Process: "p1", NameKey: g.NameKey}
	case 7:
		*by = operator
		return domain.ForgetGuest{Guest: domain.GuestID(roll(t, 4))}
	case 8, 9:
		return domain.AddRoom{Name: words(t), Room: room, NameKey: nameKey, Most: mostRooms}
	case 10:
		*by = operator
		for used, of := range s.chat.roomNames {
			if of == room {
				nameKey = used
			}
		}
		return domain.RemoveRoom{Room: room, NameKey: nameKey}
	case 11:
		return domain.RegisterByEmail{Email: words(t) + "@" + words(t), EmailKey: fmt.Sprintf("e%d", roll(t, 3))}
	}
	said := domain.PostMessage{Guest: guest, Nickname: words(t), Kind: domain.MessageText, Text: words(t)}
	switch roll(t, 2) {
	case 0:
		said.Rooms = []domain.RoomID{room, storyRoom(roll(t, 3))}
	case 1:
		said.Rooms = []domain.RoomID{room}
	case 2:
		said.To, said.ToGuest = domain.UserID(roll(t, 2)), domain.GuestID(roll(t, 2))
	}
	return said
}
