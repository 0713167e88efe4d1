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
	here := events(roomAdded(room, "r-demo", 1), roomAdded(otherRoom, "r-other", 2), guestEntered(1, 0, "n-ming"), guestEntered(2, 0, ""), guestEntered(3, viewer, ""))
	say := domain.PostMessage{Participant: 1, Nickname: "小明", Kind: domain.MessageText, Text: " hello <b> ", UploadURLPrefix: uploads}
	with := func(change func(*domain.PostMessage)) domain.PostMessage { c := say; change(&c); return c }
	said := domain.MessagePosted{Participant: 1, Connection: "c1", Nickname: "小明", Kind: domain.MessageText, Text: "hello <b>"}
	then := func(change func(*domain.MessagePosted)) []domain.Event {
		e := said
		change(&e)
		return []domain.Event{e}
	}
	rooms := []domain.ChatRoomID{room, otherRoom}
	run(t, []spec{
		{name: "is for everybody", given: here, by: nobody, when: say, then: []domain.Event{said}},
		{name: "is for rooms", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ChatRooms = rooms }), then: then(func(e *domain.MessagePosted) { e.ChatRooms = rooms })},
		{name: "is for a person", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ToUser = viewer }), then: then(func(e *domain.MessagePosted) { e.ToUser = viewer })},
		{
			name: "is for a guest", given: here, by: nobody,
			when: with(func(c *domain.PostMessage) { c.ToParticipant = 2 }),
			then: then(func(e *domain.MessagePosted) { e.ToParticipant, e.ToConnection = 2, "c2" }),
		},
		{name: "may be to oneself", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ToParticipant = 1 }), then: then(func(e *domain.MessagePosted) { e.ToParticipant, e.ToConnection = 1, "c1" })},
		{
			name: "of a guest without a name has none, whatever the door says", given: here, by: nobody,
			when: with(func(c *domain.PostMessage) { c.Participant = 2 }),
			then: then(func(e *domain.MessagePosted) { e.Participant, e.Connection, e.Nickname = 2, "c2", "" }),
		},
		{
			name: "of a person has the person's", given: here,
			when: with(func(c *domain.PostMessage) { c.Participant = 3 }),
			then: then(func(e *domain.MessagePosted) { e.Participant, e.Connection, e.User, e.Nickname = 3, "c3", viewer, "" }),
		},
		{
			name: "of a person needs no presence", given: here,
			when: with(func(c *domain.PostMessage) { c.Participant, c.ChatRooms = 0, rooms[:1] }),
			then: then(func(e *domain.MessagePosted) {
				e.Participant, e.Connection, e.User, e.Nickname, e.ChatRooms = 0, "", viewer, "", rooms[:1]
			}),
		},
		{name: "of nobody is refused", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.Participant = 0 }), refused: domain.CodeTokenMissing},
		{name: "is refused for a guest who is not here", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.Participant = 4 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused for another's guest", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.Participant = 3 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused in somebody's name by another", given: here, by: signedIn(stranger), when: with(func(c *domain.PostMessage) { c.Participant = 3 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused in a room that is not", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ChatRooms = []domain.ChatRoomID{room, otherRoom2} }), refused: domain.CodeChatRoomNotFound},
		{name: "is refused in the same room twice", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ChatRooms = []domain.ChatRoomID{room, room} }), refused: domain.CodeNumberOutOfRange},
		{name: "is refused in 17 rooms", given: here, by: nobody, when: with(func(c *domain.PostMessage) {
			for i := range 17 {
				c.ChatRooms = append(c.ChatRooms, domain.ChatRoomID(fmt.Sprintf("%024x", i)))
			}
		}), refused: domain.CodeNumberOutOfRange},
		{name: "is refused to nobody", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ToUser = 99 }), refused: domain.CodeUserUnavailable},
		{name: "is refused to somebody forgotten", given: events(here, []domain.Event{domain.UserForgotten{User: viewer}}), by: nobody, when: with(func(c *domain.PostMessage) { c.ToUser = viewer }), refused: domain.CodeUserUnavailable},
		{name: "is refused to a guest who has left", given: events(here, []domain.Event{domain.ParticipantLeft{Participant: 2}}), by: nobody, when: with(func(c *domain.PostMessage) { c.ToParticipant = 2 }), refused: domain.CodeParticipantNotFound},
		{name: "is refused to two", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ToUser, c.ToParticipant = viewer, 2 }), refused: domain.CodeBadRequest},
		{name: "is refused to a room and a guest", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.ChatRooms, c.ToParticipant = rooms, 2 }), refused: domain.CodeBadRequest},
		{name: "is refused when it says nothing", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.Text = " " }), refused: domain.CodeMessageEmpty},
		{name: "is refused when it has a length and is no voice", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.DurationMS = 1 }), refused: domain.CodeBadRequest},
		{name: "is refused when it is of no kind", given: here, by: nobody, when: with(func(c *domain.PostMessage) { c.Kind = "" }), refused: domain.CodeBadRequest},
	})
}

func TestStickersAndVoices(t *testing.T) {
	w := after(t, events(people(), guestEntered(1, 0, "")))
	for _, tt := range []struct {
		name    string
		kind    domain.MessageKind
		text    string
		ms      int
		uploads string
		refused domain.Code
	}{
		{"a sticker of the client's", domain.MessageSticker, "happy_cat-2", 0, uploads, ""},
		{"a sticker of the longest name", domain.MessageSticker, strings.Repeat("a", 32), 0, uploads, ""},
		{"a sticker that was uploaded", domain.MessageSticker, photo, 0, uploads, ""},
		{"no sticker", domain.MessageSticker, "", 0, uploads, domain.CodeBadRequest},
		{"a sticker of a longer name", domain.MessageSticker, strings.Repeat("a", 33), 0, uploads, domain.CodeBadRequest},
		{"a sticker with markup", domain.MessageSticker, "<img>", 0, uploads, domain.CodeBadRequest},
		{"a sticker from elsewhere", domain.MessageSticker, "https://evil.example/uploads/0123456789abcdef0123456789abcdef.png", 0, uploads, domain.CodeBadRequest},
		{"a sticker that is a sound", domain.MessageSticker, voice, 0, uploads, domain.CodeBadRequest},
		{"a voice", domain.MessageVoice, voice, 1500, uploads, ""},
		{"the longest voice", domain.MessageVoice, voice, 120_000, uploads, ""},
		{"a longer voice", domain.MessageVoice, voice, 120_001, uploads, domain.CodeNumberOutOfRange},
		{"a voice of no length", domain.MessageVoice, voice, 0, uploads, domain.CodeNumberOutOfRange},
		{"a voice of less than no length", domain.MessageVoice, voice, -1, uploads, domain.CodeNumberOutOfRange},
		{"a voice that is a picture", domain.MessageVoice, photo, 1500, uploads, domain.CodeBadRequest},
		{"a voice from elsewhere", domain.MessageVoice, "https://evil.example/a.ogg", 1500, uploads, domain.CodeBadRequest},
		{"a voice from nowhere, when the door says nothing", domain.MessageVoice, "0123456789abcdef0123456789abcdef.ogg", 1500, "", domain.CodeBadRequest},
		{"a voice with a way up", domain.MessageVoice, uploads + "../0123456789abcdef0123456789ab.ogg", 1500, uploads, domain.CodeBadRequest},
		{"a voice with a query", domain.MessageVoice, voice + "?x", 1500, uploads, domain.CodeBadRequest},
		{"a voice of a kind that is not kept", domain.MessageVoice, strings.TrimSuffix(voice, "ogg") + "exe", 1500, uploads, domain.CodeBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.ask(t, domain.Request{Command: domain.PostMessage{Participant: 1, Kind: tt.kind, Text: tt.text, DurationMS: tt.ms, UploadURLPrefix: tt.uploads}})
			if no := domain.AsRefusal(err); tt.refused != "" {
				if no == nil || no.Code != tt.refused {
					t.Errorf("got %+v, %v, want it refused with %s", got, err, tt.refused)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if e := got[0].(domain.MessagePosted); e.Text != tt.text || e.DurationMS != tt.ms {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestMessageStreams(t *testing.T) {
	for want, e := range map[domain.Stream]domain.MessagePosted{
		"message-public":                          {Participant: 1},
		"message-user-12":                         {Participant: 1, ToUser: 12},
		"message-participant-3":                   {Participant: 1, ToParticipant: 3},
		"message-chatroom-" + domain.Stream(room): {Participant: 1, ChatRooms: []domain.ChatRoomID{room, otherRoom}},
	} {
		if e.Stream() != want || e.Public() != (want == "message-public") {
			t.Errorf("%+v: %s, public %v", e, e.Stream(), e.Public())
		}
	}
	if domain.DirectMessageStream(12) != "message-user-12" {
		t.Error(domain.DirectMessageStream(12))
	}
}
