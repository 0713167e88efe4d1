package native

import (
	"strconv"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// factFrame encodes a public delta of a live. prev is the position of the previous fact.
func factFrame(d projections.Delta, prev int64) *ws.Frame {
	cursor := cursorOf(d)
	if d.Removed {
		return removedFrame(d.Live, d.Position, prev, cursor)
	}
	text := encode(livePush{d.Kind, d.Live, d.Position, prev, cursor, d.Payload()})
	if d.Droppable() {
		return ws.DroppableFrame(text, ws.Span{Group: int64(d.Live), Prev: prev, Pos: d.Position, Cursor: cursor}).RecordedAt(d.RecordedAt)
	}
	return ws.TextFrame(text).RecordedAt(d.RecordedAt)
}

// removedFrame encodes the push that replaces a comment that was removed.
func removedFrame(live domain.LiveID, pos, prev int64, cursor string) *ws.Frame {
	return ws.TextFrame(skippedFrame(ws.Span{Group: int64(live), Prev: prev, Pos: pos, Cursor: cursor}, 1))
}

// skippedFrame encodes the push that replaces consecutive dropped facts.
func skippedFrame(lost ws.Span, count int) []byte {
	return encode(livePush{"skipped", domain.LiveID(lost.Group), lost.Pos, lost.Prev, lost.Cursor, skippedInfo{count}})
}

// gaugesFrame encodes the newest gauges of a live.
func gaugesFrame(g projections.Gauges) *ws.Frame {
	text := encode(statePush{"gauges", g.Live, gaugesInfo{g.Online, g.LookCount, g.Coins}})
	return ws.LatestFrame(text, "gauges-"+strconv.FormatInt(int64(g.Live), 10))
}

// userFact is an encoded fact of a user channel.
type userFact struct {
	pos   int64
	frame *ws.Frame
}

// userFactOf encodes a delta of a user channel.
func userFactOf(d projections.Delta) userFact {
	cursor := cursorOf(d)
	kind, data := d.Kind, d.Payload()
	if e, ok := d.Event.(domain.MessagePosted); ok { // a private message to the user
		kind, data = pushPrivate, privateMessage(d, e)
	}
	return userFact{d.Position, ws.TextFrame(encode(userPush{kind, d.Position, cursor, data}))}
}
