package domain_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"roomlog/domain"
)

// isChatEvent reports whether an event belongs to the chat.
func isChatEvent(eventType string) bool {
	noun, _, _ := strings.Cut(eventType, ".")
	return slices.Contains([]string{"chat_room", "participant", "nickname", "message", "email"}, noun) || eventType == "user.email_added.v1"
}

// chatAudit is the state of the chat, derived from the events alone.
type chatAudit struct {
	chatRooms     map[domain.ChatRoomID]bool // true: open; false: removed
	chatRoomNames map[string]domain.ChatRoomID
	participants  map[domain.ParticipantID]*auditedParticipant
	last          domain.ParticipantID
	holders       map[string][]domain.ParticipantID // the participants who have a name, by the key of the name
	emails        map[string]domain.UserID
}

type auditedParticipant struct {
	domain.ParticipantEntered
	present, forgotten bool
	chatRooms          []domain.ChatRoomID
}

func newChatAudit() chatAudit {
	return chatAudit{
		chatRooms: map[domain.ChatRoomID]bool{}, chatRoomNames: map[string]domain.ChatRoomID{}, participants: map[domain.ParticipantID]*auditedParticipant{},
		holders: map[string][]domain.ParticipantID{}, emails: map[string]domain.UserID{},
	}
}

func (s *story) auditChat(t *rapid.T, e domain.Event) {
	c := &s.chat
	switch e := e.(type) {
	case domain.UserEmailAdded:
		expect(t, e, e.User == s.last.user, "is not the newest user")
	case domain.EmailClaimed:
		expect(t, e, c.emails[e.Key] == 0, "is held by user %d", c.emails[e.Key])
		c.emails[e.Key] = e.User
	case domain.ChatRoomCreated:
		_, known := c.chatRooms[e.ChatRoom]
		expect(t, e, !known && !domain.IsChatRoomID(e.Name), "exists, or its name has the form of an id")
		c.chatRooms[e.ChatRoom] = true
		expect(t, e, e.Total == c.openChatRooms(), "there are %d", c.openChatRooms())
	case domain.ChatRoomNameClaimed:
		expect(t, e, c.chatRoomNames[e.Key] == "", "is the name of chat room %s", c.chatRoomNames[e.Key])
		c.chatRoomNames[e.Key] = e.ChatRoom
	case domain.ChatRoomRemoved:
		expect(t, e, c.chatRooms[e.ChatRoom], "does not exist")
		c.chatRooms[e.ChatRoom] = false
		expect(t, e, e.Total == c.openChatRooms(), "there are %d", c.openChatRooms())
	case domain.ChatRoomNameReleased:
		expect(t, e, c.chatRoomNames[e.Key] == e.ChatRoom && !c.chatRooms[e.ChatRoom], "is the name of chat room %s", c.chatRoomNames[e.Key])
		delete(c.chatRoomNames, e.Key)
	case domain.NicknameClaimed:
		for _, other := range c.holders[e.Key] {
			expect(t, e, c.participants[e.Participant].User != 0 || other == e.Participant, "participant %d has the name", other)
		}
		c.holders[e.Key] = append(c.holders[e.Key], e.Participant)
	case domain.NicknameReleased:
		at := slices.Index(c.holders[e.Key], e.Participant)
		expect(t, e, at >= 0, "does not have the name")
		c.holders[e.Key] = slices.Delete(c.holders[e.Key], at, at+1)
	case domain.MessagePosted:
		s.auditMessage(t, e)
	case domain.MessageExchanged:
		g := s.chat.participants[e.Participant]
		expect(t, e, g.present && g.User == e.User && g.Connection == e.Connection, "the participant is %+v", *g)
		expect(t, e, (e.Namespace == "") != (e.ToConnection == "") && e.Text != "", "has no recipient, two recipients, or no text")
	default:
		s.auditParticipant(t, e)
	}
}

func (s *story) auditParticipant(t *rapid.T, e domain.Event) {
	c := &s.chat
	switch e := e.(type) {
	case domain.ParticipantEntered:
		c.last++
		expect(t, e, e.Participant == c.last && (e.User == 0 || e.Nickname == ""), "the next id is %d", c.last)
		c.participants[e.Participant] = &auditedParticipant{ParticipantEntered: e, present: true}
	case domain.NicknameSet:
		g := c.participants[e.Participant]
		expect(t, e, g.present && g.User == 0, "the participant is %+v", *g)
		g.NameKey = e.NameKey
	case domain.ChatRoomJoined:
		g := c.participants[e.Participant]
		expect(t, e, g.present && g.User == e.User && c.chatRooms[e.ChatRoom] && !slices.Contains(g.chatRooms, e.ChatRoom), "the participant is %+v", *g)
		g.chatRooms = append(g.chatRooms, e.ChatRoom)
	case domain.ChatRoomLeft:
		g := c.participants[e.Participant]
		expect(t, e, g.present && g.User == e.User && slices.Contains(g.chatRooms, e.ChatRoom), "the participant is %+v", *g)
		g.chatRooms = slices.DeleteFunc(g.chatRooms, func(r domain.ChatRoomID) bool { return r == e.ChatRoom })
	case domain.ParticipantLeft:
		g := c.participants[e.Participant]
		expect(t, e, g.present && g.User == e.User && len(g.chatRooms) == 0, "the participant is %+v", *g)
		g.present = false
	case domain.ParticipantForgotten:
		g := c.participants[e.Participant]
		expect(t, e, !g.present && g.User == 0 && !g.forgotten, "the participant is %+v", *g)
		g.forgotten = true
	default:
		t.Fatalf("%+v is not audited", e)
	}
}

func (s *story) auditMessage(t *rapid.T, e domain.MessagePosted) {
	c := &s.chat
	expect(t, e, e.Participant != 0 || e.User != 0, "has no author")
	if e.Participant != 0 {
		g := c.participants[e.Participant]
		expect(t, e, g.present && g.User == e.User && g.Connection == e.Connection, "the participant is %+v", *g)
		expect(t, e, (e.Nickname != "") == (g.User == 0 && g.NameKey != ""), "the participant is %+v", *g)
	}
	for _, r := range e.ChatRooms {
		expect(t, e, c.chatRooms[r], "there is no chat room %s", r)
	}
	if e.ToParticipant != 0 {
		expect(t, e, c.participants[e.ToParticipant].present && c.participants[e.ToParticipant].Connection == e.ToConnection, "the recipient is not present")
	}
	expect(t, e, e.ToUser == 0 || !s.disabled[e.ToUser] && !s.forgotten[e.ToUser] && e.ToUser <= s.last.user, "the recipient is disabled, forgotten or missing")
	expect(t, e, (e.Kind == domain.MessageVoice) == (e.DurationMS > 0) && e.Text != "", "has a wrong duration or no text")
}

func (c *chatAudit) openChatRooms() (n int) {
	for _, open := range c.chatRooms {
		if open {
			n++
		}
	}
	return n
}

// maxChatRooms is the limit of chat rooms in a story. It is low, so that stories reach it.
const maxChatRooms = 3

// chatOpeningRequests returns requests that create two users, a chat room and two participants.
func chatOpeningRequests() []domain.Request {
	two := domain.AuthenticatedActor(2, "s1")
	return append(openingRequests()[:4],
		domain.Request{Command: domain.CreateChatRoom{Name: "demo", ChatRoom: storyChatRoom(1), NameKey: "demo"}, Actor: system},
		domain.Request{Command: domain.EnterChat{Connection: "c1", Profile: domain.ProfilePlain, Nickname: "ming", NameKey: "k5", ChatRoom: storyChatRoom(1), Node: "p1"}},
		domain.Request{Command: domain.EnterChat{Connection: "c2", Profile: domain.ProfileRooms, NameKey: "k2", Node: "p1"}, Actor: two},
	)
}

func storyChatRoom(n int) domain.ChatRoomID { return domain.ChatRoomID(fmt.Sprintf("%024x", n)) }

// randomChatRequest draws a request of the chat or, less often, another one.
func (s *story) randomChatRequest(t *rapid.T) domain.Request {
	if randomBits(t, 3) == 0 {
		return s.randomRequest(t)
	}
	participant := randomID(t, "participant", s.chat.last, func(g domain.ParticipantID) bool { return s.chat.participants[g].present })
	g := s.chat.participants[participant]
	if g == nil {
		g = &auditedParticipant{}
	}
	by := domain.Actor{}
	if g.User != 0 && randomBits(t, 3) > 0 {
		by = domain.AuthenticatedActor(g.User, s.session[g.User])
	}
	c := s.randomChatCommand(t, participant, g, &by)
	if randomBits(t, 4) == 0 { // issue the request as another actor
		by = domain.Actor{Kind: []domain.ActorKind{domain.Operator, domain.System, domain.PaymentProvider, domain.Anonymous}[randomBits(t, 2)]}
	}
	return domain.Request{Command: c, Actor: by}
}

func (s *story) randomChatCommand(t *rapid.T, participant domain.ParticipantID, g *auditedParticipant, by *domain.Actor) domain.Command {
	key := fmt.Sprintf("k%d", randomBits(t, 3))
	room := storyChatRoom(randomBits(t, 3))
	nameKey := fmt.Sprintf("r%d", randomBits(t, 2))
	switch randomBits(t, 4) {
	case 0, 1:
		nickname := ""
		if u := s.randomUser(t); u > 0 && randomBits(t, 1) > 0 {
			*by = domain.AuthenticatedActor(u, s.session[u])
		} else if *by = (domain.Actor{}); true {
			nickname = randomText(t)
		}
		if randomBits(t, 1) > 0 {
			room = ""
		}
		return domain.EnterChat{Connection: fmt.Sprintf("c%d", s.chat.last+1), Profile: domain.ProfilePlain, Nickname: nickname, NameKey: key, ChatRoom: room, Node: "p1"}
	case 2:
		return domain.SetNickname{Participant: participant, Nickname: randomText(t), NameKey: key, PreviousKey: g.NameKey}
	case 3, 4:
		return domain.JoinChatRoom{Participant: participant, ChatRoom: room}
	case 5:
		return domain.LeaveChatRoom{Participant: participant, ChatRoom: room}
	case 6:
		*by = system
		return domain.LeaveChat{Participant: participant, Cause: domain.LeaveConnectionLost, Node: "p1", NameKey: g.NameKey}
	case 7:
		*by = operator
		return domain.ForgetParticipant{Participant: domain.ParticipantID(randomBits(t, 4))}
	case 8, 9:
		return domain.CreateChatRoom{Name: randomText(t), ChatRoom: room, NameKey: nameKey, MaxChatRooms: maxChatRooms}
	case 10:
		*by = operator
		for used, of := range s.chat.chatRoomNames {
			if of == room {
				nameKey = used
			}
		}
		return domain.RemoveChatRoom{ChatRoom: room, NameKey: nameKey}
	case 11:
		return domain.RegisterByEmail{Email: randomText(t) + "@" + randomText(t), EmailKey: fmt.Sprintf("e%d", randomBits(t, 3))}
	}
	if randomBits(t, 2) == 0 {
		return domain.ExchangeMessage{Participant: participant, Nickname: randomText(t), Kind: domain.MessageText, Text: randomText(t), Namespace: "/"}
	}
	message := domain.PostMessage{Participant: participant, Nickname: randomText(t), Kind: domain.MessageText, Text: randomText(t)}
	switch randomBits(t, 2) {
	case 0:
		message.ChatRooms = []domain.ChatRoomID{room, storyChatRoom(randomBits(t, 3))}
	case 1:
		message.ChatRooms = []domain.ChatRoomID{room}
	case 2:
		message.ToUser, message.ToParticipant = domain.UserID(randomBits(t, 2)), domain.ParticipantID(randomBits(t, 2))
	}
	return message
}
