package timeline_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roomlog/media/timeline"
)

var (
	video = timeline.Track{Kind: 9}
	audio = timeline.Track{Kind: 8}
)

const (
	videoStep = 40 // in ms
	audioStep = 23
	hour      = 3_600_000
)

// encoder is an encoder that sends video and audio in real time, with its own clock for each track.
type encoder struct {
	t          *testing.T
	line       timeline.Timeline
	now        time.Time
	real       int64  // time since the start in ms, which the encoder shows as its picture and its sound
	video      uint32 // number to add to real to get the timestamps of the pictures
	audio      uint32
	stopped    bool // whether the audio clock stands still
	start      time.Time
	placed     map[timeline.Track]int64 // newest time in the broadcast, by track
	before     map[timeline.Track]int64 // real time of the frame in placed, by track
	nextVideo  int64
	nextAudio  int64
	wantSkew   int64 // maximum distance between picture and sound
	wantStep   int64 // maximum step back within a track
	largestGap int64
}

func newEncoder(t *testing.T) *encoder {
	start := time.Unix(1_600_000_000, 0)
	return &encoder{t: t, now: start, start: start, placed: map[timeline.Track]int64{}, before: map[timeline.Track]int64{}, wantStep: 60, wantSkew: 40}
}

// run sends frames for ms milliseconds and checks their times in the broadcast.
func (e *encoder) run(ms int64) {
	e.t.Helper()
	for end := e.real + ms; e.real < end; e.real++ {
		e.now = e.now.Add(time.Millisecond)
		if e.real >= e.nextVideo {
			e.nextVideo = e.real + videoStep
			e.place(video, uint32(e.real)+e.video)
		}
		if e.real >= e.nextAudio {
			e.nextAudio = e.real + audioStep
			in := uint32(e.real) + e.audio
			if e.stopped {
				in = 0
			}
			e.place(audio, in)
		}
	}
}

func (e *encoder) place(track timeline.Track, in uint32) {
	e.t.Helper()
	at := int64(e.line.Place(track, in, true, e.now))
	if last, begun := e.placed[track]; begun {
		if at < last-e.wantStep {
			e.t.Fatalf("track %d at %d ms: time runs back from %d to %d", track.Kind, e.real, last, at)
		}
		e.largestGap = max(e.largestGap, at-last-(e.real-e.before[track]))
	}
	e.placed[track], e.before[track] = at, e.real
	if skew := (e.placed[video] - e.before[video]) - (e.placed[audio] - e.before[audio]); len(e.placed) == 2 && (skew > e.wantSkew || skew < -e.wantSkew) {
		e.t.Fatalf("track %d at %d ms: the picture is %d ms before the sound", track.Kind, e.real, skew)
	}
}

// drift returns by how much the broadcast is ahead of the wall clock.
func (e *encoder) drift() int64 {
	return e.placed[video] - e.before[video]
}

func TestAnHonestClockIsNotChanged(t *testing.T) {
	for name, from := range map[string]uint32{"from zero": 0, "past 4.66 hours": 17_000_000, "over the end of 32 bits": 1<<32 - 5000} {
		t.Run(name, func(t *testing.T) {
			e := newEncoder(t)
			e.video, e.audio = from, from
			for range 1000 {
				e.now = e.now.Add(videoStep * time.Millisecond)
				in := from + uint32(e.real)
				if at := e.line.Place(video, in, true, e.now); at != in {
					t.Fatalf("%d is placed at %d", in, at)
				}
				e.real += videoStep
			}
			if n := e.line.Jumps(); n != 0 {
				t.Fatalf("%d jumps", n)
			}
		})
	}
}

func TestJumpsAreRebased(t *testing.T) {
	for name, jump := range map[string]int64{"an hour forward": hour, "an hour back": -hour, "ten seconds back": -10_000, "four seconds forward": 4000,
		"just over the limit back": -timeline.MaxBack - 60, "just over the limit forward": timeline.MaxAhead + 60, "half of 32 bits": 1<<31 - 100} {
		t.Run(name, func(t *testing.T) {
			e := newEncoder(t)
			e.wantSkew = 0
			e.video, e.audio = 10*hour, 10*hour
			e.run(3000)
			for range 3 {
				e.video, e.audio = e.video+uint32(jump), e.audio+uint32(jump)
				e.place(audio, uint32(e.real)+e.audio-uint32(jump)) // a late frame with the old clock
				e.run(3000)
			}
			if e.drift() != 10*hour || e.largestGap > 60 {
				t.Fatalf("the broadcast is %d ms ahead, the largest gap is %d ms", e.drift()-10*hour, e.largestGap)
			}
		})
	}
}

// TestTracksThatJumpOneAfterTheOtherStayInSync checks that picture and sound stay in sync when an encoder resets their
// clocks at different moments: the audio after the video, or the other way round.
func TestTracksThatJumpOneAfterTheOtherStayInSync(t *testing.T) {
	e := newEncoder(t)
	e.wantSkew = 0
	e.video, e.audio = hour, hour
	e.run(2000)
	for _, jump := range []int64{hour, -hour, 5 * hour, -5000} {
		e.video += uint32(jump)
		e.run(200)
		e.audio += uint32(jump)
		e.run(2000)
		e.audio -= uint32(jump)
		e.run(150)
		e.video -= uint32(jump)
		e.run(2000)
	}
}

func TestTracksWithClocksOfTheirOwnPlayTogether(t *testing.T) {
	for name, away := range map[string]int64{"3 s behind": -3000, "3 s ahead": 3000, "days away": 3 * 24 * hour} {
		t.Run(name, func(t *testing.T) {
			e := newEncoder(t)
			e.video, e.audio = 20*hour, uint32(20*hour+away)
			e.run(20_000)
			e.video, e.audio = e.video+hour, e.audio+hour
			e.run(20_000)
			if n := e.line.Jumps(); n > 4 || e.largestGap > 60 {
				t.Fatalf("%d jumps, the largest gap is %d ms", n, e.largestGap)
			}
		})
	}
}

func TestAClockThatStandsStillGetsTheTimeOfArrival(t *testing.T) {
	e := newEncoder(t)
	e.stopped, e.wantSkew = true, 600 // The distance grows until it is clear that the clock stands still.
	e.run(2000)
	e.wantSkew = 40
	e.run(60_000)
	e.stopped = false // Then the clock is right again.
	e.run(5000)
}

func TestFirstSoundsWithoutATimestampDoNotMatter(t *testing.T) {
	e := newEncoder(t)
	e.video, e.stopped, e.wantSkew = hour, true, 200
	e.run(150)
	e.stopped, e.audio = false, hour
	e.run(1000)
	e.wantSkew = 0
	e.run(1000)
}

func TestTheBroadcastKeepsWallClockTime(t *testing.T) {
	for name, away := range map[string]func(*encoder){
		"after a reconnect": func(e *encoder) {
			e.now, e.real = e.now.Add(6*time.Second), e.real+6000
			e.line.Reconnect()
			e.video, e.audio = uint32(-e.real), uint32(-e.real)
			if at := int64(e.line.Place(video, 0, false, e.now)); at > e.placed[audio] && at > e.placed[video] {
				e.t.Fatalf("a header is placed at %d, after the newest frame", at)
			}
		},
		"after a pause of the encoder": func(e *encoder) { e.now, e.real = e.now.Add(20*time.Second), e.real+20_000 },
		"after a stall of the network, with what the encoder has dropped": func(e *encoder) {
			e.now = e.now.Add(8 * time.Second)
			for range 25 { // The delayed frames arrive at once.
				e.place(video, uint32(e.real)+e.video)
				e.real += videoStep
			}
			e.real += 7000
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEncoder(t)
			e.wantSkew = 40
			e.run(5000)
			away(e)
			e.nextAudio, e.nextVideo = e.real, e.real
			delete(e.placed, audio)
			delete(e.placed, video)
			e.run(5000)
			if off := e.drift(); off < -100 || off > 100 {
				t.Fatalf("the broadcast is %d ms ahead of the wall clock", off)
			}
		})
	}
}

func TestHeadersSetNoClock(t *testing.T) {
	e := newEncoder(t)
	e.video, e.audio = hour, hour
	e.run(1000)
	for _, in := range []uint32{0, 1 << 31, 5 * hour} {
		if at := int64(e.line.Place(video, in, false, e.now)); at < e.placed[video] || at > e.placed[video]+500 {
			t.Fatalf("a header is placed at %d, the newest picture is at %d", at, e.placed[video])
		}
	}
	e.run(1000)
	if n := e.line.Jumps(); n != 0 {
		t.Fatalf("%d jumps", n)
	}
}

// TestAnythingIsPlacedWithoutJumps checks that time does not jump and does not stop, whatever an encoder sends.
func TestAnythingIsPlacedWithoutJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line timeline.Timeline
		now := time.Unix(1_600_000_000, 0)
		begun := now
		newest := map[timeline.Track]int64{}
		head, zero := int64(0), int64(-1)
		early := int64(0) // most milliseconds by which a frame was ahead of the time that had passed since the first frame
		for range rapid.IntRange(1, 200).Draw(t, "frames") {
			wait := time.Duration(rapid.IntRange(0, 100).Draw(t, "wait")) * time.Millisecond
			now = now.Add(wait)
			track := rapid.SampledFrom([]timeline.Track{video, audio, {Kind: 9, Number: 1}}).Draw(t, "track")
			if rapid.IntRange(0, 50).Draw(t, "reconnects") == 0 {
				line.Reconnect()
				newest = map[timeline.Track]int64{}
			}
			stamp := rapid.OneOf(rapid.Uint32Range(0, 10_000), rapid.Uint32()).Draw(t, "stamp")
			placed := line.Place(track, stamp, true, now)
			passed := now.Sub(begun).Milliseconds()
			if zero < 0 {
				zero = int64(placed)
				head, early = zero, zero-passed
			}
			at := head + int64(int32(placed-uint32(head)))
			if last, known := newest[track]; known && at < last-timeline.MaxBack-1 {
				t.Fatalf("track %v runs back from %d to %d", track, last, at)
			}
			// A frame is placed at most MaxAhead after the end of the newest frame, which lasts at most 500 ms, and after the
			// present, even if the frames before were delayed.
			present := max(head+500, early+passed)
			if at > present+timeline.MaxAhead+1 {
				t.Fatalf("track %v jumps from %d to %d, %d ms after the first frame", track, head, at, passed)
			}
			newest[track], head, early = at, max(head, at), max(early, at-passed)
			if behind := now.Sub(begun).Milliseconds() - (head - zero); behind > 10*1000 {
				t.Fatalf("the broadcast is %d ms behind", behind)
			}
		}
	})
}

// TestTheSameMessagesGetTheSameTimes places the messages of an encoder with several tracks 200 times. The clocks of its tracks
// jump, by distances that make it a question which other track a track follows.
func TestTheSameMessagesGetTheSameTimes(t *testing.T) {
	const times = 200
	type message struct {
		track timeline.Track
		in    uint32
		wait  time.Duration
	}
	rapid.Check(t, func(t *rapid.T) {
		tracks := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) timeline.Track {
			return timeline.Track{Kind: rapid.SampledFrom([]byte{8, 9}).Draw(t, "kind"), Number: rapid.Byte().Draw(t, "number")}
		}), 3, 6, rapid.ID).Draw(t, "tracks")
		clocks := make([]uint32, len(tracks))
		var all []message
		for round := range rapid.IntRange(2, 8).Draw(t, "rounds") {
			wait := time.Duration(rapid.IntRange(0, 2000).Draw(t, "wait")) * time.Millisecond
			for i, track := range tracks {
				clocks[i] += uint32(wait.Milliseconds())
				if round > 0 && rapid.Bool().Draw(t, "jumps") {
					clocks[i] += uint32(rapid.SampledFrom([]int{-5300, -5000, -600, 3300, 3600, 4000, hour}).Draw(t, "jump"))
				}
				all = append(all, message{track, clocks[i], wait})
				wait = 0
			}
		}
		place := func() (placed []uint32) {
			var line timeline.Timeline
			now := time.Unix(1_600_000_000, 0)
			for _, m := range all {
				now = now.Add(m.wait)
				placed = append(placed, line.Place(m.track, m.in, true, now))
			}
			return placed
		}
		first := place()
		for range times - 1 {
			if again := place(); !slices.Equal(first, again) {
				t.Fatalf("placed at %v, then at %v", first, again)
			}
		}
	})
}
