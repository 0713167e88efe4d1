package native

import (
	"strconv"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// push is the envelope of a fact that everybody in a room is told, with its place in the room's history.
type push struct {
	Type string        `json:"type"`
	Live domain.LiveID `json:"live"`
	Pos  int64         `json:"pos" jsonschema_description:"its position in the log"`
	Prev int64         `json:"prev" jsonschema_description:"nothing happened in this room between prev and pos"`
	Data any           `json:"data"`
}

// gaugesPush is the envelope of the newest figures of a room, which have no place in its history.
type gaugesPush struct {
	Type string        `json:"type"`
	Live domain.LiveID `json:"live"`
	Data gaugesInfo    `json:"data"`
}

// The data of facts that no snapshot shows.
type (
	joinedInfo struct {
		User  personInfo `json:"user"`
		First bool       `json:"first" jsonschema_description:"the first visit ever"`
	}
	leftInfo struct {
		User  personInfo        `json:"user"`
		Cause domain.LeaveCause `json:"cause"`
	}
	statusInfo struct {
		Status domain.Status `json:"status" jsonschema:"enum=0,enum=1,enum=2,enum=3" jsonschema_description:"0 not started, 1 on air, 2 paused, 3 ended"`
		From   domain.Status `json:"from" jsonschema:"enum=0,enum=1,enum=2,enum=3"`
	}
	pictureChange struct {
		Picture *pictureInfo     `json:"picture" jsonschema_description:"null: there is none any more"`
		Reason  domain.StopCause `json:"reason,omitempty" jsonschema_description:"why it has ended"`
	}
	joinBatchInfo struct {
		Joined int          `json:"joined"`
		Left   int          `json:"left"`
		Newest []personInfo `json:"newest" jsonschema_description:"of those who came and are there, newest first, 10 at most"`
	}
	skippedInfo struct {
		Count int `json:"n" jsonschema_description:"facts that were dropped because this client reads slowly"`
	}
)

// factFrame encodes a public delta; prev is the position of the fact before it in its room. Who is slow may
// lose what people said and who came and went, never gifts and states.
func factFrame(d projections.Delta, prev int64) *ws.Frame {
	text := encode(push{d.Kind, d.Live, d.Position, prev, factData(d)})
	switch d.Kind {
	case projections.KindComment, projections.KindJoin, projections.KindLeave:
		return ws.DroppableFrame(text, ws.Span{Group: int64(d.Live), Prev: prev, Pos: d.Position}).RecordedAt(d.RecordedAt)
	}
	return ws.TextFrame(text).RecordedAt(d.RecordedAt)
}

func factData(d projections.Delta) any {
	by := personOf(d.Profile)
	switch e := d.Event.(type) {
	case domain.CommentPosted:
		return commentInfo{ID: d.ID, User: by, Text: e.Text, At: d.RecordedAt.UTC()}
	case domain.GiftSent:
		return giftInfo{ID: d.ID, User: by, Gift: shelfInfo{e.Gift, e.Name, e.Image, e.Price}, Num: e.Num, Coins: e.Coins, At: d.RecordedAt.UTC()}
	case domain.ViewerJoined:
		return joinedInfo{by, e.FirstVisit}
	case domain.ViewerLeft:
		return leftInfo{by, e.Cause}
	case domain.LiveStatusChanged:
		return statusInfo{e.To, e.From}
	case domain.BroadcastStarted:
		return pictureChange{Picture: pictureOf(e.Media, d.RecordedAt)}
	case domain.BroadcastStopped:
		return pictureChange{Reason: e.Cause}
	}
	return noData{}
}

// skippedFrame stands for droppable facts that were dropped in a row.
func skippedFrame(lost ws.Span, count int) []byte {
	return encode(push{"skipped", domain.LiveID(lost.Group), lost.Pos, lost.Prev, skippedInfo{count}})
}

// gaugesFrame encodes the newest figures of a room.
func gaugesFrame(g projections.Gauges) *ws.Frame {
	text := encode(gaugesPush{"gauges", g.Live, gaugesInfo{g.Online, g.LookCount, g.Coins}})
	return ws.LatestFrame(text, "gauges-"+strconv.FormatInt(int64(g.Live), 10))
}
