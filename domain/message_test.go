package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
)

const (
	uploads = "https://live.example/uploads/"
	voice   = uploads + "0123456789abcdef0123456789abcdef.ogg"
	photo   = uploads + "0123456789abcdef0123456789abcdef.png"
)

func TestPostMessage(t *testing.T) {
	here := events(chatRoomCreated(chatRoom, "r-demo", 1), chatRoomCreated(chatRoom2, "r-other", 2), participantEntered(1, 0, "n-ming"), participantEntered(2, 0, ""), participantEntered(3, viewer, ""))
	say := domain.PostMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: " hello <b> ", UploadURLPrefix: uploads}
	with := func(change func(*domain.PostMessage)) domain.PostMessage { c := say; change(&c); return c }
	message := domain.MessagePosted{Participant: 1, Connection: "c1", Nickname: "小明", Kind: domain.MessageText, Text: "hello <b>"}
	then := func(change func(*domain.MessagePosted)) []domain.Event {
		e := message
		change(&e)
		return []domain.Event{e}
	}
	rooms := []domain.ChatRoomID{chatRoom, chatRoom2}
	run(t, []spec{
		{name: "goes to everybody", given: here, by: anonymous, when: say, then: []domain.Event{message}},
		{name: "goes to chat rooms", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ChatRooms = rooms }), then: then(func(e *domain.MessagePosted) { e.ChatRooms = rooms })},
		{name: "goes to a user", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ToUser = viewer }), then: then(func(e *domain.MessagePosted) { e.ToUser = viewer })},
		{
			name: "goes to a participant", given: here, by: anonymous,
			when: with(func(c *domain.PostMessage) { c.ToParticipant = 2 }),
			then: then(func(e *domain.MessagePosted) { e.ToParticipant, e.ToConnection = 2, "c2" }),
		},
		{name: "may go to the author", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ToParticipant = 1 }), then: then(func(e *domain.MessagePosted) { e.ToParticipant, e.ToConnection = 1, "c1" })},
		{
			name: "ignores the nickname of a participant without one", given: here, by: anonymous,
			when: with(func(c *domain.PostMessage) { c.Participant = 2 }),
			then: then(func(e *domain.MessagePosted) { e.Participant, e.Connection, e.Nickname = 2, "c2", "" }),
		},
		{
			name: "has the author's account", given: here,
			when: with(func(c *domain.PostMessage) { c.Participant = 3 }),
			then: then(func(e *domain.MessagePosted) { e.Participant, e.Connection, e.User, e.Nickname = 3, "c3", viewer, "" }),
		},
		{
			name: "is accepted from a user who is not in the chat", given: here,
			when: with(func(c *domain.PostMessage) { c.Participant, c.ChatRooms = 0, rooms[:1] }),
			then: then(func(e *domain.MessagePosted) {
				e.Participant, e.Connection, e.User, e.Nickname, e.ChatRooms = 0, "", viewer, "", rooms[:1]
			}),
		},
		{name: "is refused without an author", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.Participant = 0 }), refused: domain.CodeTokenMissing},
		{name: "is refused when the author is not in the chat", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.Participant = 4 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when the author is the participant of another user", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.Participant = 3 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when the author is a signed-in user and the actor is not", given: here, by: asUser(otherUser), when: with(func(c *domain.PostMessage) { c.Participant = 3 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when the chat room does not exist", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ChatRooms = []domain.ChatRoomID{chatRoom, chatRoom3} }), refused: domain.CodeChatRoomNotFound},
		{name: "is refused when a chat room is listed twice", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ChatRooms = []domain.ChatRoomID{chatRoom, chatRoom} }), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when it goes to 17 chat rooms", given: here, by: anonymous, when: with(func(c *domain.PostMessage) {
			for i := range 17 {
				c.ChatRooms = append(c.ChatRooms, domain.ChatRoomID(fmt.Sprintf("%024x", i)))
			}
		}), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the user does not exist", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ToUser = 99 }), refused: domain.CodeUserUnavailable},
		{name: "is refused when the user is forgotten", given: events(here, []domain.Event{domain.UserForgotten{User: viewer}}), by: anonymous, when: with(func(c *domain.PostMessage) { c.ToUser = viewer }), refused: domain.CodeUserUnavailable},
		{name: "is refused when the participant has left", given: events(here, []domain.Event{domain.ParticipantLeft{Participant: 2}}), by: anonymous, when: with(func(c *domain.PostMessage) { c.ToParticipant = 2 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when it goes to a user and a participant", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ToUser, c.ToParticipant = viewer, 2 }), refused: domain.CodeBadRequest},
		{name: "is refused when it goes to a chat room and a participant", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.ChatRooms, c.ToParticipant = rooms, 2 }), refused: domain.CodeBadRequest},
		{name: "is refused when it is empty", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.Text = " " }), refused: domain.CodeMessageEmpty},
		{name: "is refused when a text has a duration", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.DurationMS = 1 }), refused: domain.CodeBadRequest},
		{name: "is refused when the kind is unknown", given: here, by: anonymous, when: with(func(c *domain.PostMessage) { c.Kind = "" }), refused: domain.CodeBadRequest},
	})
}

func TestStickersAndVoiceMessages(t *testing.T) {
	w := after(t, events(testUsers(), participantEntered(1, 0, "")))
	for _, tt := range []struct {
		name    string
		kind    domain.MessageKind
		text    string
		ms      int
		uploads string
		refused domain.Code
	}{
		{"a sticker of the client", domain.MessageSticker, "happy_cat-2", 0, uploads, ""},
		{"a sticker with a name of 32 characters", domain.MessageSticker, strings.Repeat("a", 32), 0, uploads, ""},
		{"an uploaded sticker", domain.MessageSticker, photo, 0, uploads, ""},
		{"an empty sticker", domain.MessageSticker, "", 0, uploads, domain.CodeBadRequest},
		{"a sticker with a name of 33 characters", domain.MessageSticker, strings.Repeat("a", 33), 0, uploads, domain.CodeBadRequest},
		{"a sticker with markup", domain.MessageSticker, "<img>", 0, uploads, domain.CodeBadRequest},
		{"a sticker of another host", domain.MessageSticker, "https://evil.example/uploads/0123456789abcdef0123456789abcdef.png", 0, uploads, domain.CodeBadRequest},
		{"a sticker that is a sound", domain.MessageSticker, voice, 0, uploads, domain.CodeBadRequest},
		{"a voice message", domain.MessageVoice, voice, 1500, uploads, ""},
		{"the longest voice message", domain.MessageVoice, voice, 120_000, uploads, ""},
		{"a voice message that is too long", domain.MessageVoice, voice, 120_001, uploads, domain.CodeNumberOutOfRange},
		{"a voice message of zero length", domain.MessageVoice, voice, 0, uploads, domain.CodeNumberOutOfRange},
		{"a voice message of negative length", domain.MessageVoice, voice, -1, uploads, domain.CodeNumberOutOfRange},
		{"a voice message that is an image", domain.MessageVoice, photo, 1500, uploads, domain.CodeBadRequest},
		{"a voice message of another host", domain.MessageVoice, "https://evil.example/a.ogg", 1500, uploads, domain.CodeBadRequest},
		{"a voice message without a URL prefix", domain.MessageVoice, "0123456789abcdef0123456789abcdef.ogg", 1500, "", domain.CodeBadRequest},
		{"a voice message with a parent folder", domain.MessageVoice, uploads + "../0123456789abcdef0123456789ab.ogg", 1500, uploads, domain.CodeBadRequest},
		{"a voice message with a query", domain.MessageVoice, voice + "?x", 1500, uploads, domain.CodeBadRequest},
		{"a voice message with another extension", domain.MessageVoice, strings.TrimSuffix(voice, "ogg") + "exe", 1500, uploads, domain.CodeBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.decide(t, domain.Request{Command: domain.PostMessage{Participant: 1, Kind: tt.kind, Text: tt.text, DurationMS: tt.ms, UploadURLPrefix: tt.uploads}})
			if refusal := domain.AsRefusal(err); tt.refused != "" {
				if refusal == nil || refusal.Code != tt.refused {
					t.Errorf("got %+v, %v, want it refused with %s", got, err, tt.refused)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("got %+v, %v, want 1 element", got, err)
			}
			if e := got[0].(domain.MessagePosted); e.Text != tt.text || e.DurationMS != tt.ms {
				t.Errorf("got %+v, want Text %v, DurationMS %v", e, tt.text, tt.ms)
			}
		})
	}
}

func TestMessageStreams(t *testing.T) {
	for want, e := range map[domain.Stream]domain.MessagePosted{
		"message-public":                              {Participant: 1},
		"message-user-12":                             {Participant: 1, ToUser: 12},
		"message-participant-3":                       {Participant: 1, ToParticipant: 3},
		"message-chatroom-" + domain.Stream(chatRoom): {Participant: 1, ChatRooms: []domain.ChatRoomID{chatRoom, chatRoom2}},
	} {
		if e.Stream() != want || e.Public() != (want == "message-public") {
			t.Errorf("%+v: %s, public %v", e, e.Stream(), e.Public())
		}
	}
	if domain.DirectMessageStream(12) != "message-user-12" {
		t.Error(domain.DirectMessageStream(12))
	}
}

func TestExchangeMessage(t *testing.T) {
	say := domain.ExchangeMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: " hello ", Namespace: "/live"}
	with := func(change func(*domain.ExchangeMessage)) domain.ExchangeMessage { c := say; change(&c); return c }
	posted := domain.MessageExchanged{Participant: 1, Connection: "c1", Nickname: "小明", Kind: domain.MessageText, Text: "hello", Namespace: "/live"}
	here := events(participantEntered(1, 0, "n-ming"), participantEntered(3, viewer, ""))
	run(t, []spec{
		{name: "goes to a namespace", given: here, by: anonymous, when: say, then: []domain.Event{posted}},
		{
			name: "goes to one connection", given: here, by: anonymous,
			when: with(func(c *domain.ExchangeMessage) { c.Namespace, c.ToConnection = "", "c9" }),
			then: []domain.Event{func() domain.Event { e := posted; e.Namespace, e.ToConnection = "", "c9"; return e }()},
		},
		{name: "is refused without a recipient", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Namespace = "" }), refused: domain.CodeBadRequest},
		{name: "is refused with two recipients", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.ToConnection = "c9" }), refused: domain.CodeBadRequest},
		{name: "is refused with a long recipient", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Namespace = "/" + strings.Repeat("n", 64) }), refused: domain.CodeBadRequest},
		{name: "is refused without an author", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Participant = 0 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when the author is not in the chat", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Participant = 4 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when the author is the participant of another user", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Participant = 3 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused when it is empty", given: here, by: anonymous, when: with(func(c *domain.ExchangeMessage) { c.Text = " \n" }), refused: domain.CodeMessageEmpty},
	})
}
