package ws

import (
	"context"
	"slices"
	"sync"
	"time"
)

// flusher is a worker that writes what waits in shards to their connections.
type flusher struct {
	now    func() time.Time
	window time.Duration
	stats  *Stats
	packer *packer // nil: nothing is compressed

	wake  chan struct{}
	mu    sync.Mutex
	ready []*shard

	// Used by the worker only.
	cooling []cooling // in the order they are due
	joined  []byte
	spare   []*Frame
}

// cooling is a shard whose window ends at due.
type cooling struct {
	shard *shard
	due   time.Time
}

// keepJoined is how much of the buffer for joined writes a worker keeps for the next one.
const keepJoined = 256 << 10

func newFlusher(now func() time.Time, window time.Duration, stats *Stats) *flusher {
	return &flusher{now: now, window: window, stats: stats, wake: make(chan struct{}, 1)}
}

// enqueue asks for a flush of s.
func (f *flusher) enqueue(s *shard) {
	f.mu.Lock()
	f.ready = append(f.ready, s)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run flushes until ctx ends.
func (f *flusher) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var batch []*shard
	for {
		f.mu.Lock()
		batch, f.ready = f.ready, batch[:0]
		f.mu.Unlock()
		for i, s := range batch {
			f.flush(s)
			batch[i] = nil
		}
		if f.restCooled(f.now()); len(f.cooling) > 0 {
			timer.Reset(f.cooling[0].due.Sub(f.now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// restCooled flushes the shards whose window is over and that have frames again; the others become idle.
func (f *flusher) restCooled(now time.Time) {
	done := 0
	for ; done < len(f.cooling) && !f.cooling[done].due.After(now); done++ {
		s := f.cooling[done].shard
		if s.rest() {
			f.flush(s)
		}
	}
	f.cooling = slices.Delete(f.cooling, 0, done)
}

// flush writes what waits in s to each of its connections, in one write each.
func (f *flusher) flush(s *shard) {
	s.writes.Lock()
	defer s.writes.Unlock()
	frames, list, latecomers := s.begin(f.spare[:0])
	joined := f.joined[:0]
	if len(frames) == 1 {
		joined = frames[0].wire
	} else {
		joined = join(joined, frames)
		f.joined = joined
	}
	b := batch{shard: s, frames: frames, joined: joined, packer: f.packer}
	for _, c := range list {
		c.offerBatch(&b)
	}
	if b.packed[0] != nil || b.packed[1] != nil {
		s.memory.learn(frames)
	}
	for _, l := range latecomers {
		if l.from < len(frames) {
			l.conn.offer(joined[size(frames[:l.from]):], frames[l.from:])
		}
	}
	window := f.window
	if !slices.ContainsFunc(frames, func(frame *Frame) bool { return frame.lane != laneNewest }) {
		window = 0 // what happens next need not wait because figures were told
	}
	f.count(frames, len(list)+len(latecomers))
	if cap(f.joined) > keepJoined {
		f.joined = nil
	}
	clear(frames)
	f.spare = frames
	f.cooling = append(f.cooling, cooling{s, f.now().Add(max(0, window))})
}

// count notes that frames have been written to some connections.
func (f *flusher) count(frames []*Frame, conns int) {
	if conns == 0 {
		return
	}
	f.stats.FramesOut.Add(int64(len(frames) * conns))
	f.stats.FlushFrames.Observe(float64(len(frames)))
	now := f.now()
	for _, frame := range frames {
		if !frame.at.IsZero() {
			f.stats.PushSeconds.Observe(now.Sub(frame.at).Seconds())
		}
	}
}

// size is the number of bytes of frames.
func size(frames []*Frame) (n int) {
	for _, f := range frames {
		n += len(f.wire)
	}
	return n
}
