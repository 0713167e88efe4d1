package mp4track_test

import (
	"testing"

	"roomlog/media/mp4track"
)

// TestSampleClock checks that frames follow each other without a gap if their timestamps are only rounded. The clock
// must soon be right again after frames were missing or arrived twice.
func TestSampleClock(t *testing.T) {
	const (
		rate, length = 44_100, 1024
		seconds      = 10
		frames       = seconds * rate / length
		odd          = 100 // number of the first odd frame
	)
	for name, tt := range map[string]struct {
		stamp   func(frame int64) (ms int64, times int) // the timestamp of a frame, and how often it arrives
		smooth  bool                                    // whether every frame begins where the one before ends
		settled int                                     // number of odd frames, after which half a second passes
	}{
		"timestamps in milliseconds":        {func(n int64) (int64, int) { return n * length * 1000 / rate, 1 }, true, 0},
		"several frames with one timestamp": {func(n int64) (int64, int) { return (n - n%4) * length * 1000 / rate, 1 }, true, 0},
		"four missing frames": {func(n int64) (int64, int) {
			if n >= odd && n < odd+4 {
				return 0, 0
			}
			return n * length * 1000 / rate, 1
		}, false, 4},
		"four frames that arrive twice": {func(n int64) (int64, int) {
			if n >= odd && n < odd+4 {
				return n * length * 1000 / rate, 2
			}
			return n * length * 1000 / rate, 1
		}, false, 4},
		"a first timestamp that is too early": {func(n int64) (int64, int) { return max(0, n*length*1000/rate+min(n, 1)*90), 1 }, false, odd},
		"a second that is missing": {func(n int64) (int64, int) {
			if n >= odd && n < odd+43 {
				return 0, 0
			}
			return n * length * 1000 / rate, 1
		}, false, 43},
	} {
		t.Run(name, func(t *testing.T) {
			clock := mp4track.NewSampleClock(rate)
			next, last := int64(0), int64(-1)
			for n := range int64(frames) {
				ms, times := tt.stamp(n)
				for range times {
					at := clock.Time(ms, length)
					if tt.smooth && at != next {
						t.Fatalf("frame %d is at %d, want %d", n, at, next)
					}
					if at <= last {
						t.Fatalf("frame %d is at %d, after a frame at %d", n, at, last)
					}
					next, last = at+length, at
					settled := n < odd-1 && tt.settled != odd || n > int64(odd+tt.settled)+rate/2/length+2
					if off := at*1000/rate - ms; settled && (off < -40 && !tt.smooth || off > 40 && !tt.smooth || off > 80) {
						t.Fatalf("frame %d is %d ms away from its timestamp", n, off)
					}
				}
			}
		})
	}
}
