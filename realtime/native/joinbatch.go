package native

import (
	"slices"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// maxNewest is the maximum number of users in the frame of a batch.
const maxNewest = 10

// joinBatch collects consecutive joins and leaves of a large live, which are sent as one frame.
type joinBatch struct {
	one   projections.Delta // the newest delta
	first int64             // position of the oldest delta
	info  joinBatchInfo
	pos   int64 // position of the newest delta
	stop  func() bool
}

func (b *joinBatch) count() int { return b.info.Joined + b.info.Left }

// cursor returns the cursor of the newest delta.
func (b *joinBatch) cursor() string { return cursorOf(b.one) }

func (b *joinBatch) add(d projections.Delta) {
	if b.first == 0 {
		b.first = d.Position
	}
	b.one, b.pos = d, d.Position
	user := projections.UserPayloadOf(d.Profile)
	b.info.Newest = slices.DeleteFunc(b.info.Newest, func(p projections.UserPayload) bool { return p.ID == user.ID })
	if d.Kind == projections.KindLeave {
		b.info.Left++
		return
	}
	b.info.Joined++
	b.info.Newest = slices.Insert(b.info.Newest, 0, user)
	b.info.Newest = b.info.Newest[:min(len(b.info.Newest), maxNewest)]
}

// frame encodes the batch. prev is the position of the last fact before the batch.
func (b *joinBatch) frame(live domain.LiveID, prev int64) *ws.Frame {
	if b.count() == 1 {
		return factFrame(b.one, prev)
	}
	if b.info.Newest == nil {
		b.info.Newest = []projections.UserPayload{}
	}
	text := encode(livePush{"join_batch", live, b.pos, prev, b.cursor(), b.info})
	return ws.DroppableFrame(text, ws.Span{Group: int64(live), Prev: prev, Pos: b.pos, Cursor: b.cursor()}).RecordedAt(b.one.RecordedAt)
}
