package socketio

import (
	"strconv"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// What sockets are told. The names are those that clients know.
type (
	person struct {
		ID     domain.UserID `json:"id"`
		Name   string        `json:"name"`
		Avatar string        `json:"avatar"`
	}
	// online is who is in a room, and what changed it last.
	online struct {
		Clients []string `json:"clients"` // ids of sockets, newest first
		Action  string   `json:"action"`  // "join" or "leave"
		User    person   `json:"user"`    // whose doing it is
		Data    []person `json:"data"`    // newest first
		Total   int64    `json:"total"`   // people in the room
	}
	comment struct {
		User    person `json:"user"`
		ID      string `json:"id"`
		Content string `json:"content"`
	}
	gift struct {
		Avatar   string       `json:"avatar"`
		Username string       `json:"username"`
		Name     string       `json:"gift_name"`
		Image    string       `json:"gift_image"`
		Coin     domain.Coins `json:"gift_coin"` // for one
		Num      int          `json:"num"`
	}
	// notice is what is sent to one socket, as an event named by its id.
	notice struct {
		Meta noticeMeta `json:"meta"`
		Data noticeData `json:"data"`
	}
	noticeMeta struct {
		Timestamp int64 `json:"timestamp"` // milliseconds
		Quiet     bool  `json:"notoast,omitempty"`
	}
	noticeData struct {
		Action  string      `json:"action"`
		Payload string      `json:"payload"` // always Chinese: clients match it
		Code    domain.Code `json:"code"`
		English string      `json:"text_en"`
	}
)

func personOf(p projections.Profile) person { return person{p.ID, p.Name(), p.Avatar} }

// factFrame is a comment or gift as the sockets of its room get it, or nil for another fact. The text behind it is
// its position: where a client goes on that comes back.
func factFrame(d projections.Delta) *ws.Frame {
	offset := strconv.FormatInt(d.Position, 10)
	by := personOf(d.Profile)
	switch e := d.Event.(type) {
	case domain.CommentPosted:
		payload := protocol.Payload("/", "comment", comment{by, d.ID, e.Text}, offset)
		return ws.DroppableFrame(payload, ws.Span{Group: int64(d.Live)}).RecordedAt(d.RecordedAt)
	case domain.GiftSent:
		return ws.TextFrame(protocol.Payload("/", "gift", gift{by.Avatar, by.Name, e.Name, e.Image, e.Price, e.Num}, offset)).RecordedAt(d.RecordedAt)
	}
	return nil
}
