package socketio

import (
	"context"
	"slices"

	"roomlog/realtime/socketio/protocol"
)

// access is the condition under which a socket may send an event.
type access int

const (
	accessNone      access = iota + 1 // any socket may send the event
	accessToken                       // the event contains the token of a user; the log checks the sign-in session
	accessPlainChat                   // a socket with the profile plain, if Config.GuestChat is set
	accessRoom                        // a socket in the chat room of its handshake
	accessSignedIn                    // a socket whose handshake has the token of a current sign-in session
)

// rateClass is the rate limit of an event, in addition to the frame rate of the connection.
type rateClass int

const (
	rateFrames  rateClass = iota + 1 // only the frame rate of the connection, because the event causes no query
	rateCommand                      // the rate of the user for the command, in package ratelimit or hub.Execute
	rateMessage                      // the rate of messages, in chat.Session.Post
	rateTyping                       // the rate of typing notes, in chat.Session.SendTyping
	rateSession                      // the query rate of the connection, in the methods of chat.Session
	rateQuery                        // the query rate of the connection, before the handler runs
)

// socketHandler handles an event on any socket.
type socketHandler func(*session, context.Context, *protocol.Event) error

// incoming describes an event that clients may send. The fields of the first group and one of the handlers are
// required. A new event needs a line in events and a line in docs/REALTIME.md; a test checks both.
type incoming struct {
	name     string
	profiles []profile
	access   access
	rate     rateClass
	doc      string // description in one sentence

	quiet bool // whether clients do not show refusals of this event
	plain bool // whether refusals are sent as messages of the profile plain

	socket      socketHandler
	chat        chatHandler // handler on sockets that are in the chat
	toNamespace bool        // whether exchanger handles the event
}

var (
	allProfiles = []profile{profilePlain, profileExchange, profileAccount, profileRooms}
	plainChat   = []profile{profilePlain}
	exchange    = []profile{profileExchange}
	withoutRoom = []profile{profilePlain, profileAccount}
	account     = []profile{profileAccount}
	withHistory = []profile{profileRooms}
)

// events returns every event that clients may send. The server ignores an event that is not listed here.
func events() []incoming {
	return []incoming{
		{name: "joinLive", profiles: allProfiles, access: accessToken, rate: rateCommand, socket: (*session).handleJoinLive,
			doc: "Enters the user of the token into the live and sends the viewer list."},
		{name: "leaveLive", profiles: allProfiles, access: accessToken, rate: rateFrames, socket: (*session).handleLeaveLive, quiet: true,
			doc: "Takes the user of the token out of the live."},
		{name: "comment", profiles: allProfiles, access: accessToken, rate: rateCommand, socket: (*session).handleComment,
			doc: "Posts a comment to the live."},
		{name: "gift", profiles: allProfiles, access: accessToken, rate: rateCommand, socket: (*session).handleGift,
			doc: "Sends one gift to the streamer of the live."},
		{name: "test", profiles: allProfiles, access: accessNone, rate: rateFrames, socket: (*session).handleTest,
			doc: "Responds with a fixed text."},
		{name: "test1", profiles: allProfiles, access: accessNone, rate: rateFrames, socket: (*session).handleTest,
			doc: "Responds with a fixed text."},

		{name: "message", profiles: plainChat, access: accessPlainChat, rate: rateMessage, plain: true, chat: (*chatClient).handlePlainMessage,
			doc: "The first message of a socket is its name; every later one is posted to the plain chat."},
		{name: "join", profiles: plainChat, access: accessPlainChat, rate: rateQuery, plain: true, chat: (*chatClient).handleJoinRoom,
			doc: "Joins a room of the plain chat, and creates it if necessary."},
		{name: "leave", profiles: plainChat, access: accessPlainChat, rate: rateSession, plain: true, chat: (*chatClient).handleLeaveRoom,
			doc: "Leaves a room of the plain chat."},
		{name: "getAllMessages", profiles: plainChat, access: accessPlainChat, rate: rateQuery, plain: true, chat: (*chatClient).handlePlainHistory,
			doc: "Sends the newest messages of the plain chat, or of one room."},
		{name: "addMessage", profiles: slices.Concat(plainChat, exchange), access: accessNone, rate: rateFrames, socket: (*session).needLogin,
			doc: "Responds with needLogin."},

		{name: "exchange", profiles: exchange, access: accessRoom, rate: rateMessage, chat: (*chatClient).handleExchange,
			doc: "Posts a message to the room, or to one socket in private."},
		{name: "exchange", profiles: withoutRoom, access: accessNone, rate: rateMessage, toNamespace: true,
			doc: "Posts a message to the namespace, or to one socket in private."},
		{name: "nickname", profiles: exchange, access: accessRoom, rate: rateSession, chat: (*chatClient).handleNickname,
			doc: "Changes the nickname of the socket."},
		{name: "typing", profiles: exchange, access: accessRoom, rate: rateTyping, chat: (*chatClient).handleTyping,
			doc: "Sends the room, or one socket, that this participant is typing."},
		{name: "who", profiles: exchange, access: accessRoom, rate: rateSession, chat: (*chatClient).handleWho,
			doc: "Acknowledges with the participants of the room."},

		{name: "message", profiles: account, access: accessNone, rate: rateFrames, socket: (*session).handleEcho,
			doc: "Responds with the message."},

		{name: "addMessage", profiles: withHistory, access: accessSignedIn, rate: rateMessage, chat: (*chatClient).handleAddMessage,
			doc: "Posts a message to a chat room."},
		{name: "getAllMessages", profiles: withHistory, access: accessSignedIn, rate: rateSession, chat: (*chatClient).handleHistory,
			doc: "Sends a page of the messages of a chat room."},
		{name: "message", profiles: withHistory, access: accessSignedIn, rate: rateMessage, plain: true, chat: (*chatClient).handlePlainMessage,
			doc: "Posts a message to the plain chat."},
		{name: "join", profiles: withHistory, access: accessSignedIn, rate: rateQuery, plain: true, chat: (*chatClient).handleJoinRoom,
			doc: "Joins a chat room, and creates it if necessary."},
		{name: "leave", profiles: withHistory, access: accessSignedIn, rate: rateSession, plain: true, chat: (*chatClient).handleLeaveRoom,
			doc: "Leaves a chat room."},
	}
}

// register registers the events of a chat profile on a socket. c is nil if the socket is not in the chat.
func (s *session) register(p profile, c *chatClient) {
	for _, e := range events() {
		if slices.Contains(e.profiles, p) {
			s.socket.On(e.name, s.handler(e.quiet, e.bind(s, c)))
		}
	}
}

// bind returns the handler of the event on one socket. It first checks the access rule and the rate.
func (e incoming) bind(s *session, c *chatClient) func(context.Context, *protocol.Event) error {
	switch {
	case e.toNamespace:
		return (&exchanger{session: s, client: c}).handle
	case e.socket != nil:
		return func(ctx context.Context, event *protocol.Event) error { return e.socket(s, ctx, event) }
	case c == nil: // Config.GuestChat is not set
		return func(ctx context.Context, event *protocol.Event) error { return s.needLogin(ctx, event) }
	}
	handle := e.chat
	if e.rate == rateQuery {
		handle = limitQueries(handle)
	}
	if e.plain {
		handle = plainRefusals(handle)
	}
	if e.access == accessSignedIn {
		handle = signedIn(handle)
	}
	return func(ctx context.Context, event *protocol.Event) error { return handle(c, ctx, event) }
}

// limitQueries checks the query rate of the connection before the handler runs.
func limitQueries(handle chatHandler) chatHandler {
	return func(c *chatClient, ctx context.Context, e *protocol.Event) error {
		if err := c.chat.AllowQuery(); err != nil {
			return err
		}
		return handle(c, ctx, e)
	}
}
