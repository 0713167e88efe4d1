package realtime

import (
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// The defaults of Config for rooms with many people, in all dialects.
const (
	DefaultCrowd         = 50          // people up to which every coming and going is told by itself
	DefaultCrowdInterval = time.Second // between two sums of them, if nothing else happens
)

// maxNewest is how many of those who came a sum names.
const maxNewest = 10

// bustle is the coming and going in a crowd that has not been told yet: facts of a room that nothing else came
// between. One frame stands for all of them.
type bustle struct {
	one  projections.Delta // the only one, as long as count is 1
	sum  crowdInfo
	pos  int64 // of the newest
	stop func() bool
}

func (b *bustle) count() int { return b.sum.Joined + b.sum.Left }

// add takes one more in.
func (b *bustle) add(d projections.Delta) {
	b.one, b.pos = d, d.Position
	who := personOf(d.Profile)
	b.sum.Newest = slices.DeleteFunc(b.sum.Newest, func(p personInfo) bool { return p.ID == who.ID })
	if d.Kind == projections.KindLeave {
		b.sum.Left++
		return
	}
	b.sum.Joined++
	b.sum.Newest = slices.Insert(b.sum.Newest, 0, who)
	b.sum.Newest = b.sum.Newest[:min(len(b.sum.Newest), maxNewest)]
}

// frame stands for everything since the fact before.
func (b *bustle) frame(live domain.LiveID, prev int64) *ws.Frame {
	if b.count() == 1 {
		return factFrame(b.one, prev)
	}
	if b.sum.Newest == nil {
		b.sum.Newest = []personInfo{}
	}
	text := encode(push{"crowd", live, b.pos, prev, b.sum})
	return ws.DroppableFrame(text, ws.Span{Group: int64(live), Prev: prev, Pos: b.pos}).RecordedAt(b.one.RecordedAt)
}

// crowded says that there are so many people that their coming and going is summed up.
func (r *room) crowded() bool {
	return r.crowd >= 0 && max(r.online, int64(r.fan.Len())) > int64(r.crowd)
}

// gather has somebody's coming or going told with those that follow.
func (r *room) gather(d projections.Delta) {
	if r.bustle == nil {
		b := &bustle{}
		b.stop = time.AfterFunc(r.interval, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.bustle == b {
				r.sumUp()
			}
		}).Stop
		r.bustle = b
	}
	r.bustle.add(d)
}

// sumUp tells what was gathered.
func (r *room) sumUp() {
	b := r.bustle
	if b == nil {
		return
	}
	b.stop()
	r.bustle = nil
	r.push(b.pos, b.frame(r.live, r.last))
}

// gauge pushes the newest figures.
func (r *room) gauge(g projections.Gauges) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online = g.Online
	r.fan.Push(gaugesFrame(g))
}
