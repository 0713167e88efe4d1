package ws

import (
	"context"
	"slices"
	"sync"
	"time"
)

// flusher is a worker that writes the waiting frames of its shards to their connections.
type flusher struct {
	now        func() time.Time
	window     time.Duration // push window; if 0 or less, every push is written immediately
	stats      *Stats
	compressor *compressor // nil if batches are not compressed

	wake  chan struct{}
	mu    sync.Mutex
	ready []*shard

	// Only run uses the fields from here on.
	cooling []cooling // shards, in the order in which their push windows end
	joined  []byte
	spare   []*Frame
}

// cooling is a shard and the time at which its push window ends.
type cooling struct {
	shard *shard
	until time.Time
}

// keepJoined is the maximum size in bytes of a buffer for joined writes that a worker keeps for the next flush.
const keepJoined = 256 << 10

func newFlusher(now func() time.Time, window time.Duration, stats *Stats) *flusher {
	return &flusher{now: now, window: window, stats: stats, wake: make(chan struct{}, 1)}
}

// enqueue requests a flush of s.
func (f *flusher) enqueue(s *shard) {
	f.mu.Lock()
	f.ready = append(f.ready, s)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // run is already awake
	}
}

// run flushes shards until ctx ends.
func (f *flusher) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var ready []*shard
	for {
		f.mu.Lock()
		ready, f.ready = f.ready, ready[:0]
		f.mu.Unlock()
		for i, s := range ready {
			f.flush(s)
			ready[i] = nil
		}
		if f.endWindows(f.now()); len(f.cooling) > 0 {
			timer.Reset(f.cooling[0].until.Sub(f.now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// endWindows ends the push windows that are over. It flushes shards into which frames were pushed meanwhile; the other
// shards become idle.
func (f *flusher) endWindows(now time.Time) {
	done := 0
	for ; done < len(f.cooling) && !f.cooling[done].until.After(now); done++ {
		s := f.cooling[done].shard
		if s.endWindow() {
			f.flush(s)
		}
	}
	f.cooling = slices.Delete(f.cooling, 0, done)
}

// flush writes the waiting frames of s to its connections, with one write for each connection.
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
	b := batch{history: &s.history, frames: frames, joined: joined, compressor: f.compressor}
	for _, c := range list {
		c.offerBatch(&b)
	}
	if b.usedCompression() {
		s.history.add(frames)
	}
	for _, l := range latecomers {
		if l.from < len(frames) {
			l.conn.offer(joined[size(frames[:l.from]):], frames[l.from:])
		}
	}
	window := f.window
	if !slices.ContainsFunc(frames, func(frame *Frame) bool { return frame.priority != latest }) {
		window = 0 // gauges do not delay the next event
	}
	f.count(frames, len(list)+len(latecomers))
	if cap(f.joined) > keepJoined {
		f.joined = nil
	}
	clear(frames)
	f.spare = frames
	f.cooling = append(f.cooling, cooling{s, f.now().Add(max(0, window))})
}

// count updates the statistics after frames were written to conns connections.
func (f *flusher) count(frames []*Frame, conns int) {
	if conns == 0 {
		return
	}
	f.stats.FramesOut.Add(int64(len(frames) * conns))
	f.stats.FlushFrames.Observe(float64(len(frames)))
	now := f.now()
	for _, frame := range frames {
		if !frame.recordedAt.IsZero() {
			f.stats.PushSeconds.Observe(now.Sub(frame.recordedAt).Seconds())
		}
	}
}
