package native

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// told is one type of frame that the server sends of its own accord.
type told struct {
	name string
	says string
	data any // a zero one, for documentation
	form any // the envelope: push, bannedPush, gaugesPush, userPush or outbound
}

// announcements is everything the server says without being asked, in the order it is documented.
func announcements() []told {
	return []told{
		{projections.KindComment, "somebody said something", commentInfo{}, push{}},
		{projections.KindGift, "somebody gave something", giftInfo{}, push{}},
		{projections.KindJoin, "somebody came", joinedInfo{}, push{}},
		{projections.KindLeave, "somebody went", leftInfo{}, push{}},
		{projections.KindStatus, "the room went on air, was paused or has ended", statusInfo{}, push{}},
		{projections.KindMedia, "the room's stream has begun, or ended: there is a picture, or none any more", pictureChange{}, push{}},
		{"join_batch", "some came and went: stands for the facts of a large room between prev and pos, which are nothing else", joinBatchInfo{}, push{}},
		{"skipped", "stands for facts that were dropped because this client reads slowly: prev to pos is their whole range", skippedInfo{}, push{}},
		{"banned", "you are not in the room any more: the streamer or an operator keeps you out", bannedInfo{}, bannedPush{}},
		{"gauges", "the newest figures of a room", gaugesInfo{}, gaugesPush{}},
		{projections.KindBalance, "your coins", balanceInfo{}, userPush{}},
		{projections.KindProfile, "your profile", personInfo{}, userPush{}},
		{projections.KindAge, "your age", ageInfo{}, userPush{}},
		{projections.KindNotice, "something happened to your account or session", noticeInfo{}, userPush{}},
		{"chat.message", "somebody said something where you are in the chat", chatInfo{}, chatPush{}},
		{chatPrivate, "somebody said something to you alone; with a cursor, on the private lane, if it was to all your connections", chatInfo{}, chatPush{}},
		{"chat.joined", "somebody came into a chat room", chatComingInfo{}, chatPush{}},
		{"chat.left", "somebody went out of a chat room", chatLeavingInfo{}, chatPush{}},
		{"chat.named", "somebody in one of your chat rooms is called otherwise", chatNamedInfo{}, chatPush{}},
		{"chat.typing", "somebody is writing: worth showing for a few seconds", chatNamedInfo{}, chatPush{}},
		{"chat.removed", "a chat room is no more", noData{}, chatPush{}},
		{"error", "something is wrong that no frame of yours was the cause of, or one whose id could not be read", errorInfo{}, outbound{}},
	}
}

// Codes of errors and closes, with what they say.
type coded struct {
	Code any    `json:"code"`
	Says string `json:"says"`
}

func errorCodes() []coded {
	return []coded{
		{codeBadJSON, "the message is not one JSON value"},
		{codeUnknownType, "no frame has this type"},
		{domain.CodeBadRequest, "a field is missing or of the wrong type; the text names it"},
		{codeHelloFirst, "say hello first"},
		{domain.CodeTokenMissing, "hello without a token; the connection is closed"},
		{domain.CodeTokenInvalid, "not a token of this server; the connection is closed"},
		{domain.CodeTokenExpired, "sign in again; said by hello, and when the token of an open connection expires, the connection is closed"},
		{domain.CodeSessionEnded, "signed out, or signed in elsewhere; the connection is closed"},
		{domain.CodeUserUnavailable, "no such person, disabled or forgotten; the connection is closed"},
		{domain.CodeKicked, "put out by an operator; the text is the reason, if there is one; the connection is closed"},
		{domain.CodeBanned, "kept out: of a room, or of everything, which is said by hello and closes the connection"},
		{codeOtherUser, "a second hello has to be of the same person"},
		{hub.CodeTooManyConnections, "this person has too many connections; this one is closed"},
		{hub.CodeTooManyLives, "this connection is in too many rooms"},
		{hub.CodeCursorInvalid, "since of hello is no cursor"},
		{domain.CodeLiveNotFound, "no such room"},
		{domain.CodeLiveNotStarted, "the room was not on air yet"},
		{domain.CodeLiveEnded, "the room has ended for good"},
		{domain.CodeCommentEmpty, "nothing is left without the space around it"},
		{domain.CodeCommentTooLong, "more than 200 characters"},
		{domain.CodeTextInvalid, "a character that cannot be shown"},
		{domain.CodeGiftNotFound, "not on the shelf"},
		{domain.CodeNumberOutOfRange, "give between 1 and 9999"},
		{domain.CodeCoinsTooFew, "the wallet is too light"},
		{domain.CodeChatRoomNotFound, "no such chat room"},
		{domain.CodeTooManyChatRooms, "there are as many chat rooms as there may be"},
		{domain.CodeMessageEmpty, "nothing is left without the space around it"},
		{domain.CodeMessageTooLong, "more than 1000 characters"},
		{domain.CodeParticipantNotFound, "not in the chat, or not any more"},
		{domain.CodeNicknameTaken, "somebody has this name"},
		{domain.CodeTextTooLong, "longer than the field may be"},
		{domain.CodeBadKey, "key is 1–64 printable ASCII bytes"},
		{domain.CodeKeyReused, "the same key came with other data before"},
		{domain.CodeRateLimited, "more comments or gifts a second than allowed; retry_after says when"},
		{domain.CodeBusy, "nothing was done; try again after retry_after"},
		{hub.CodeOutcomeUnknown, "it may have been done: ask again with the same key"},
		{domain.CodeInternal, "a fault of ours"},
	}
}

func closeCodes() []coded {
	return []coded{
		{ws.CloseNormal, "answers your goodbye"},
		{ws.CloseProtocol, "a frame that no correct client sends"},
		{ws.CloseUnsupported, "binary frames are not spoken here"},
		{ws.CloseEncoding, "text that is not UTF-8"},
		{ws.CloseTooLarge, "a message above the limit"},
		{ws.CloseInternal, "a fault of ours: come back"},
		{ws.CloseRestart, `this server stops: come back after the milliseconds that the reason says, {"retry_after":2417}`},
		{ws.CloseSlow, "you read too slowly: come back and resume"},
		{ws.CloseBehind, "you cannot be brought up to date here, or never acknowledge: come back and resume"},
		{ws.CloseHelloTimeout, "no hello in time: come back and say it first"},
		{ws.CloseIdle, "nothing was heard of you, not even pongs: come back and resume"},
		{ws.CloseTooMany, "too many frames a second, or too many connections: come back later, with less"},
		{ws.CloseReplaced, "signed out, or signed in elsewhere: stay away until you sign in"},
		{ws.CloseTokenInvalid, "the token or the account is not good: stay away until you sign in"},
		{ws.CloseKicked, "put or kept out by an operator; what was given as the reason is the reason: stay away"},
	}
}

// object is a JSON object in documentation; its keys come out sorted.
type object map[string]any

// AsyncAPI describes the native dialect for programs: an AsyncAPI 3.0 document made from the types that
// frames are read into and written from.
func AsyncAPI() []byte {
	messages, operations, names := object{}, object{}, object{}
	add := func(name, says string, payload any) object {
		messages[name] = object{"name": name, "summary": says, "contentType": "application/json", "payload": payload}
		names[name] = ref("components/messages/" + name)
		return ref("channels/ws/messages/" + name)
	}
	refused := add("refused", "the answer to a frame that was not carried out", envelope(outbound{}, "error", errorInfo{}))
	for _, v := range vocabulary() {
		asked := add(v.name, v.says, envelope(inbound{}, v.name, v.data))
		answered := add(v.name+".ok", "the answer to "+v.name, envelope(outbound{}, "ok", v.answer))
		operations[v.name] = object{
			"action": "receive", "channel": ref("channels/ws"), "summary": v.says, "messages": []object{asked},
			"reply": object{"channel": ref("channels/ws"), "messages": []object{answered, refused}},
		}
	}
	for _, a := range announcements() {
		name := "push." + a.name
		sent := add(name, a.says, envelope(a.form, a.name, a.data))
		operations[name] = object{"action": "send", "channel": ref("channels/ws"), "summary": a.says, "messages": []object{sent}}
	}
	doc, err := json.MarshalIndent(object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "roomlog, native dialect", "version": "1",
			"description": "Rooms over WebSocket, JSON text frames. REALTIME.md is the page for people.",
		},
		"servers":       object{"local": object{"host": "localhost:7001", "protocol": "ws"}},
		"channels":      object{"ws": object{"address": "/ws", "messages": names}},
		"operations":    operations,
		"components":    object{"messages": messages},
		"x-error-codes": errorCodes(),
		"x-close-codes": closeCodes(),
	}, "", "\t")
	if err != nil {
		panic("realtime: describe the dialect: " + err.Error()) // of strings and maps
	}
	return append(doc, '\n')
}

func ref(to string) object { return object{"$ref": "#/" + to} }

// envelope is the schema of a frame: the fields of form, with this type and data.
func envelope(form any, name string, data any) *jsonschema.Schema {
	s := schemaOf(form)
	s.Properties.Set("type", &jsonschema.Schema{Const: name})
	if reflect.TypeOf(data).NumField() == 0 {
		s.Properties.Set("data", &jsonschema.Schema{Type: "object"})
	} else {
		s.Properties.Set("data", schemaOf(data))
		if !slices.Contains(s.Required, "data") {
			s.Required = append(s.Required, "data")
		}
	}
	return s
}

func schemaOf(v any) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true, AllowAdditionalProperties: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == reflect.TypeFor[time.Time]() {
				return &jsonschema.Schema{Type: "string", Format: "date-time"}
			}
			return nil
		},
	}
	s := r.Reflect(v)
	s.Version = ""
	return s
}

// Tables renders what REALTIME.md says in tables, from the same lists: it is written into the page between
// marks.
func Tables() map[string]string {
	tables := map[string]string{}
	var b strings.Builder
	row := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	finish := func(name string) { tables[name] = b.String(); b.Reset() }

	row("you send", "data", "says")
	row("---", "---", "---")
	for _, v := range vocabulary() {
		row("`"+v.name+"`", fieldsOf(v.data), v.says)
	}
	finish("verbs")
	row("you are told", "data", "says")
	row("---", "---", "---")
	for _, a := range announcements() {
		row("`"+a.name+"`", fieldsOf(a.data), a.says)
	}
	finish("pushes")
	row("code", "says")
	row("---", "---")
	for _, c := range errorCodes() {
		row(fmt.Sprintf("`%s`", c.Code), c.Says)
	}
	finish("errors")
	row("code", "come back?", "says")
	row("---", "---", "---")
	for _, c := range closeCodes() {
		back := "no"
		if code, _ := c.Code.(uint16); ws.ReconnectAdvised(code) {
			back = "yes"
		}
		row(strconv.Itoa(int(c.Code.(uint16))), back, c.Says)
	}
	finish("closes")
	return tables
}

// fieldsOf names the JSON fields of a struct.
func fieldsOf(v any) string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if field.Anonymous { // its fields are seen by themselves
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			name += "?"
		}
		names = append(names, "`"+name+"`")
	}
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, " ")
}
