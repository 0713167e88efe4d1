package ws

import (
	"context"
	"slices"
	"sync"
	"time"
)

// flusher is a worker that writes the waiting frames of its shards to their connections.
type flusher struct {
	schedule   schedule    // schedule that the worker gives to its shards
	compressor *compressor // nil if batches are not compressed

	wake   chan struct{}
	mu     sync.Mutex
	ready  []*shard // shards to flush
	opened []window // push windows that have been opened since run took them

	// Only run uses the fields from here on.
	windows []window // push windows that may be open, in the order in which they end
	joined  []byte
	spare   []*Frame
}

// window is the push window of a shard.
type window struct {
	shard *shard
	until time.Time
}

// keepJoined is the maximum size in bytes of a buffer for joined writes that a worker keeps for the next flush.
const keepJoined = 256 << 10

func newFlusher(now func() time.Time, length time.Duration, stats *Stats) *flusher {
	f := &flusher{wake: make(chan struct{}, 1)}
	f.schedule = schedule{now: now, window: length, flush: f.enqueue, flushAt: f.enqueueAt, stats: stats}
	return f
}

// enqueue requests a flush of s.
func (f *flusher) enqueue(s *shard) {
	f.mu.Lock()
	f.ready = append(f.ready, s)
	f.mu.Unlock()
	f.notify()
}

// enqueueAt requests a flush of s at the time until, unless s is flushed before. All windows have the same length, so
// they end in the order in which they are opened.
func (f *flusher) enqueueAt(s *shard, until time.Time) {
	f.mu.Lock()
	f.opened = append(f.opened, window{s, until})
	f.mu.Unlock()
	f.notify()
}

func (f *flusher) notify() {
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
		f.windows, f.opened = append(f.windows, f.opened...), f.opened[:0]
		f.mu.Unlock()
		for i, s := range ready {
			f.flush(s)
			ready[i] = nil
		}
		if f.endWindows(f.schedule.now()); len(f.windows) > 0 {
			timer.Reset(f.windows[0].until.Sub(f.schedule.now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// endWindows flushes the shards whose push windows are over, and forgets the windows of shards that were flushed before
// their end.
func (f *flusher) endWindows(now time.Time) {
	done := 0
	for ; done < len(f.windows); done++ {
		w := f.windows[done]
		if !w.shard.collects(w.until) {
			continue
		}
		if w.until.After(now) {
			break
		}
		f.flush(w.shard)
	}
	f.windows = slices.Delete(f.windows, 0, done)
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
	b := batch{compression: &s.compression, frames: frames, joined: joined, counters: countersOf(frames), compressor: f.compressor}
	for _, c := range list {
		c.offerBatch(&b)
	}
	if b.usedCompression() {
		s.compression.add(frames)
	}
	for _, l := range latecomers {
		if l.from < len(frames) {
			l.conn.offer(joined[size(frames[:l.from]):], frames[l.from:], countersOf(frames[l.from:]))
		}
	}
	f.count(frames, len(list)+len(latecomers))
	if cap(f.joined) > keepJoined {
		f.joined = nil
	}
	clear(frames)
	f.spare = frames
}

// count updates the statistics after frames were written to conns connections.
func (f *flusher) count(frames []*Frame, conns int) {
	if conns == 0 {
		return
	}
	f.schedule.stats.FramesOut.Add(int64(len(frames) * conns))
	f.schedule.stats.FlushFrames.Observe(float64(len(frames)))
	now := f.schedule.now()
	for _, frame := range frames {
		if !frame.recordedAt.IsZero() {
			f.schedule.stats.PushSeconds.Observe(now.Sub(frame.recordedAt).Seconds())
		}
	}
}
