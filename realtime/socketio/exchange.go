package socketio

import (
	"context"
	"encoding/json"

	"roomlog/domain"
	"roomlog/realtime/chat"
	"roomlog/realtime/socketio/protocol"
)

const (
	everybody = "群聊"  // the target, and the event, of what is said to a whole room
	joinedTo  = "参加者" // the target of news of who comes and goes
	nowThere  = "加入"
	nowGone   = "离开"

	maxWho = 1000 // people that who names
)

// What is exchanged. The names are those that clients know.
type (
	exchange struct {
		Meta exchangeMeta `json:"meta"`
		Data exchangeData `json:"data"`
	}
	exchangeMeta struct {
		Timestamp int64  `json:"timestamp"` // milliseconds
		Client    string `json:"client,omitempty"`
		Target    string `json:"target,omitempty"`
	}
	exchangeData struct {
		Action  string `json:"action"`
		Payload any    `json:"payload"`
	}
	spoken struct {
		Msg     *string `json:"msg,omitempty"`
		Sticker string  `json:"sticker,omitempty"`
		Voice   *voice  `json:"voice,omitempty"`
	}
	voice struct {
		URL string `json:"url"`
		MS  int    `json:"ms"`
	}
	denial struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	attendance struct {
		Clients []string `json:"clients"` // ids of sockets, newest first
		Action  string   `json:"action"`
		Target  string   `json:"target"`
		Message string   `json:"message"`
	}
	typist struct {
		Client string `json:"client"`
	}
	attendant struct {
		ID       string `json:"id"`
		Nickname string `json:"nickname"`
	}
)

// hearExchange puts a socket into the room of its handshake, where sockets talk to each other.
func (v *visitor) hearExchange() {
	c := v.chat(profileExchange)
	c.on("exchange", c.onExchange)
	c.on("nickname", c.onNickname)
	c.on("typing", c.onTyping)
	c.on("who", c.onWho)
	v.socket.On("addMessage", func(*protocol.Event) { v.socket.Emit(needLogin) })
	ctx, cancel := within()
	defer cancel()
	err := c.enterRoom(ctx, chat.Entry{Profile: domain.ProfileExchange, Address: v.socket.Session().Address()})
	switch no := domain.AsRefusal(err); {
	case err == nil:
	case no != nil && no.Code == domain.CodeChatRoomNotFound:
		c.deny()
	default:
		c.fail(ctx, err)
	}
}

// enterRoom enters the chat in the room that the handshake names.
func (c *chatter) enterRoom(ctx context.Context, a chat.Entry) (err error) {
	c.member.BeginEntering()
	if err := c.member.AllowQuery(); err != nil { // clients may leave and come again
		return err
	}
	if c.room, err = c.v.door.cfg.Chat.Room(ctx, c.v.socket.Query().Get("room")); err != nil {
		return err
	}
	a.Room = c.room.ID
	c.member.Subscribe(a.Room)
	at, err := c.member.Enter(ctx, a)
	if err == nil {
		c.member.StartFrom(a.Room, at)
	}
	return err
}

// deny tells a socket that its room is no more, and puts it out.
func (c *chatter) deny() { c.v.door.deny(c.v.socket, denyRemoved, "删除，房间已删除.") }

// onExchange says something to the room, or to one socket alone. What has no target, or one that is nobody, is
// dropped without a word.
func (c *chatter) onExchange(ctx context.Context, e *protocol.Event) error {
	target, payload := aimed(e)
	if target == "" {
		return nil
	}
	post, err := messageOf(payload)
	if err != nil {
		return err
	}
	if target == everybody {
		post.ChatRooms = []domain.ChatRoomID{c.room.ID}
	} else if post.ToParticipant, err = c.find(ctx, target); err != nil || post.ToParticipant == 0 {
		return err
	}
	_, err = c.member.Post(ctx, post, "")
	if no := domain.AsRefusal(err); no != nil && no.Code == domain.CodeParticipantNotFound && post.ToParticipant != 0 {
		return nil
	}
	return err
}

// aimed answers whom an event is for, "" for nobody, and its payload.
func aimed(e *protocol.Event) (target string, payload json.RawMessage) {
	var said struct {
		Target  json.RawMessage `json:"target"`
		Payload json.RawMessage `json:"payload"`
	}
	if e.Argument(0, &said) != nil || json.Unmarshal(said.Target, &target) != nil {
		return "", nil
	}
	return target, said.Payload
}

// find answers whose socket a target is; 0 for nobody's.
func (c *chatter) find(ctx context.Context, target string) (domain.ParticipantID, error) {
	if err := c.member.AllowQuery(); err != nil {
		return 0, err
	}
	return c.v.door.cfg.Chat.FindByConnection(ctx, c.v.door.aliases.known(target))
}

// messageOf reads what is said.
func messageOf(raw json.RawMessage) (domain.PostMessage, error) {
	var said spoken
	if json.Unmarshal(raw, &said) != nil {
		return domain.PostMessage{}, &domain.Refusal{Code: domain.CodeBadRequest, Text: "payload is an object with msg, sticker or voice"}
	}
	switch {
	case said.Msg != nil:
		return domain.PostMessage{Kind: domain.MessageText, Text: *said.Msg}, nil
	case said.Voice != nil:
		return domain.PostMessage{Kind: domain.MessageVoice, Text: said.Voice.URL, DurationMS: said.Voice.MS}, nil
	}
	return domain.PostMessage{Kind: domain.MessageSticker, Text: said.Sticker}, nil
}

// spokenOf is what was said, as it is exchanged.
func spokenOf(e domain.MessagePosted) spoken {
	switch e.Kind {
	case domain.MessageSticker:
		return spoken{Sticker: e.Text}
	case domain.MessageVoice:
		return spoken{Voice: &voice{e.Text, e.DurationMS}}
	}
	return spoken{Msg: &e.Text}
}

func (c *chatter) onNickname(ctx context.Context, e *protocol.Event) error {
	name, ok := text(e, 0)
	if !ok {
		return &domain.Refusal{Code: domain.CodeBadRequest, Text: "a nickname is a text"}
	}
	return c.member.SetNickname(ctx, name)
}

// onTyping tells the room, or one socket, that this one is writing.
func (c *chatter) onTyping(_ context.Context, e *protocol.Event) error {
	switch target, _ := aimed(e); target {
	case "":
	case everybody:
		c.member.SendTyping(c.room.ID, "")
	default:
		c.member.SendTyping("", c.v.door.aliases.known(target))
	}
	return nil
}

// onWho answers who is in the room.
func (c *chatter) onWho(ctx context.Context, e *protocol.Event) error {
	if !e.Expects() {
		return nil
	}
	people, err := c.member.Participants(ctx, c.room.ID, maxWho)
	if err != nil {
		return err
	}
	list := make([]attendant, 0, len(people))
	for _, p := range people {
		list = append(list, attendant{c.v.door.aliases.shown(p.Connection), p.Name()})
	}
	e.Acknowledge(list)
	return nil
}

// overhearExchange tells the socket what happens in its room.
func (c *chatter) overhearExchange(f *chat.Update) {
	switch e := f.Event.(type) {
	case domain.ChatRoomJoined:
		c.push(f, "came", func() []byte { return c.attendance(f, nowThere, "已加入.") })
	case domain.ChatRoomLeft:
		c.push(f, "went", func() []byte { return c.attendance(f, nowGone, "已离开.") })
	case domain.ChatRoomRemoved:
		c.deny()
	case domain.MessagePosted:
		switch {
		case e.ToParticipant != 0: // under its own name
			c.v.socket.Emit(c.v.socket.ID(), c.exchanged(f, e, c.v.socket.ID()))
		case !c.own(f):
			c.push(f, "exchange", func() []byte { return protocol.Payload("/", everybody, c.exchanged(f, e, everybody)) })
		}
	}
}

func (c *chatter) attendance(f *chat.Update, action, verb string) []byte {
	clients := make([]string, 0, len(f.Connections))
	for _, id := range f.Connections {
		clients = append(clients, c.v.door.aliases.shown(id))
	}
	by := c.v.door.aliases.shown(f.By.Connection)
	return protocol.Payload("/", "online", attendance{clients, action, joinedTo, "用户(" + by + ")" + verb})
}

func (c *chatter) exchanged(f *chat.Update, e domain.MessagePosted, target string) exchange {
	return exchange{
		exchangeMeta{f.RecordedAt.UnixMilli(), c.v.door.aliases.shown(f.By.Connection), target},
		exchangeData{"exchange", spokenOf(e)},
	}
}
