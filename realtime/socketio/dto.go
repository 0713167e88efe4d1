package socketio

import (
	"strings"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// The arguments of the events that the server sends about lives. Clients depend on the field names.
type (
	userDTO struct {
		ID     domain.UserID `json:"id"`
		Name   string        `json:"name"`
		Avatar string        `json:"avatar"`
	}
	// viewerListDTO is the list of viewers of a live, with its newest change.
	viewerListDTO struct {
		Clients []string  `json:"clients"` // ids of sockets, newest first
		Action  string    `json:"action"`  // "join" or "leave"
		User    userDTO   `json:"user"`    // the user who joined or left
		Data    []userDTO `json:"data"`    // members of the live, newest first
		Total   int64     `json:"total"`   // number of viewers of the live
	}
	commentDTO struct {
		User    userDTO `json:"user"`
		ID      string  `json:"id"`
		Content string  `json:"content"`
	}
	giftDTO struct {
		Avatar   string       `json:"avatar"`
		Username string       `json:"username"`
		Name     string       `json:"gift_name"`
		Image    string       `json:"gift_image"`
		Coin     domain.Coins `json:"gift_coin"` // price of one gift
		Num      int          `json:"num"`
	}
	// noticeDTO is sent to one socket, as an event named by the id of the socket.
	noticeDTO struct {
		Meta noticeMetaDTO `json:"meta"`
		Data noticeDataDTO `json:"data"`
	}
	noticeMetaDTO struct {
		Timestamp int64 `json:"timestamp"` // time in milliseconds
		Quiet     bool  `json:"notoast,omitempty"`
	}
	noticeDataDTO struct {
		Action  string      `json:"action"`
		Payload string      `json:"payload"` // Chinese text of the refusal, which clients compare
		Code    domain.Code `json:"code"`
		English string      `json:"text_en"`
	}
)

// accountDTO is the data of a user that only this user receives, including the coins.
type accountDTO struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username"`
	Nickname string        `json:"nickname"`
	Avatar   string        `json:"avatar"`
	Coin     domain.Coins  `json:"coin"`
}

// The arguments of the events of the profile exchange. Clients also send messageDTO.
type (
	exchangeDTO struct {
		Meta exchangeMetaDTO `json:"meta"`
		Data exchangeDataDTO `json:"data"`
	}
	exchangeMetaDTO struct {
		Timestamp int64  `json:"timestamp"` // time in milliseconds
		Client    string `json:"client,omitempty"`
		Target    string `json:"target,omitempty"`
	}
	exchangeDataDTO struct {
		Action  string `json:"action"`
		Payload any    `json:"payload"`
	}
	messageDTO struct {
		Msg     *string   `json:"msg,omitempty"`
		Sticker string    `json:"sticker,omitempty"`
		Voice   *voiceDTO `json:"voice,omitempty"`
	}
	voiceDTO struct {
		URL string `json:"url"`
		MS  int    `json:"ms"`
	}
	denialDTO struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	// participantsDTO is the list of participants of a chat room, with its newest change.
	participantsDTO struct {
		Clients []string `json:"clients"` // ids of sockets, newest first
		Action  string   `json:"action"`
		Target  string   `json:"target"`
		Message string   `json:"message"`
	}
	typingDTO struct {
		Client string `json:"client"`
	}
	participantDTO struct {
		ID       string `json:"id"`
		Nickname string `json:"nickname"`
	}
)

// The arguments of the events of the profile rooms.
type (
	authorDTO struct {
		ID        string             `json:"_id"`
		Name      string             `json:"name"`
		Avatar    string             `json:"avatar"`
		Online    bool               `json:"online"`
		Room      *domain.ChatRoomID `json:"room"` // null if the user is in no chat room
		CreatedAt string             `json:"createAt"`
	}
	recordDTO struct {
		ID        string            `json:"_id"`
		Content   string            `json:"content"`
		Room      domain.ChatRoomID `json:"room"`
		CreatedAt string            `json:"createAt"`
		User      authorDTO         `json:"user"`
	}
	systemUserDTO struct {
		Name   string `json:"name"`
		Email  string `json:"email"`
		Avatar string `json:"avatar"`
	}
	movementDTO struct {
		User    systemUserDTO `json:"user"`
		Content string        `json:"content"`
	}
)

// The arguments of the events of the profile plain. Pages insert them into their HTML, so every text is escaped.
type (
	plainMessageDTO struct {
		User      string `json:"user"`
		Username  string `json:"username"` // same value as User, for pages that read this field
		Content   string `json:"content"`
		CreatedAt string `json:"createAt"`
	}
)

func userOf(p projections.Profile) userDTO { return userDTO{p.ID, p.Name(), p.Avatar} }

// singleLine replaces line breaks and tabs by spaces: clients show a comment in one line.
var singleLine = strings.NewReplacer("\n", " ", "\t", " ")

// liveFrame returns the frame of a comment, a gift or a changed profile for the sockets of a namespace in the live. It
// returns nil for other deltas and for removed comments. If offset is true, the last argument is the cursor of the
// delta. With it, a client continues after it has reconnected.
func liveFrame(d projections.Delta, namespace string, offset bool) *ws.Frame {
	var cursor []any
	if offset {
		cursor = []any{eventstore.CursorOf(eventstore.Record{Position: d.Position, ID: d.EventID})}
	}
	payload := func(event string, argument any) []byte {
		return protocol.Payload(namespace, event, append([]any{argument}, cursor...)...)
	}
	by := userOf(d.Profile)
	switch e := d.Event.(type) {
	case domain.CommentPosted:
		if d.Removed {
			return nil
		}
		frame := ws.DroppableFrame(payload("comment", commentDTO{by, d.ID, singleLine.Replace(e.Text)}), ws.Span{Group: int64(d.Live)})
		return frame.RecordedAt(d.RecordedAt)
	case domain.UserProfileChanged:
		return ws.DroppableFrame(payload("profile", by), ws.Span{Group: int64(d.Live)}).RecordedAt(d.RecordedAt)
	case domain.GiftSent:
		return ws.TextFrame(payload("gift", giftDTO{by.Avatar, by.Name, e.Name, e.Image, e.Price, e.Num})).RecordedAt(d.RecordedAt)
	}
	return nil
}
