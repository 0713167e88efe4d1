package reorder

import (
	"hash/maphash"
	"time"

	"roomlog/media/flv"
)

// MaxWait is the maximum time that a message waits for the one that should precede it.
const MaxWait = 200 * time.Millisecond

const (
	maxStep   = 1000 // in ms; a larger step is a jump of the clock or a pause
	steady    = 25   // number of equal steps after which a longer step shows that a message is missing
	suspicion = 250  // number of messages after a fault during which one longer step shows that a message is missing
	maxLate   = 2    // number of consecutive messages that are left out because they are late
)

var seed = maphash.MakeSeed()

// Message is coded media of one track.
type Message[T any] struct {
	At       uint32 // timestamp in milliseconds
	Payload  []byte // the caller must not modify it
	Ordered  bool   // whether timestamps increase in decoding order
	Numbered bool   // whether Number is set
	Number   flv.FrameNumber
	Value    T

	sum uint64 // hash of Payload
}

// Track repairs the order of one track. The zero value is ready for use. It is not safe for concurrent use.
type Track[T any] struct {
	begun  bool
	last   Message[T] // newest message that was passed on, without its payload and value
	step   int32      // usual step between two timestamps in ms
	equal  int        // number of consecutive steps of about the same length
	shares bool       // whether different messages had one timestamp

	waiting *Message[T]
	since   time.Time // time since which the message in waiting waits

	suspect int // number of messages until the encoder is no longer suspected
	late    int // number of consecutive messages that were left out because they were late
}

// Add passes m and the messages that are no longer waiting to pass, in decoding order. It reports whether m was accepted:
// false means that m was left out. now is the time of arrival.
func (t *Track[T]) Add(m Message[T], now time.Time, pass func(T)) (accepted bool) {
	m.sum = maphash.Bytes(seed, m.Payload)
	newest := &t.last
	if t.waiting != nil {
		newest = t.waiting
	}
	if t.begun && t.repeats(newest, m) {
		return false
	}
	if first := t.waiting; first != nil {
		t.waiting = nil
		if before(m.At, first.At) && t.precedes(m, *first) {
			t.suspect = suspicion
			t.pass(m, pass)
			t.pass(*first, pass)
			return true
		}
		t.pass(*first, pass)
	}
	switch {
	case !t.begun:
	case t.isLate(m):
		t.suspect = suspicion
		if m.Numbered && !follows(m, t.last) && t.late < maxLate {
			t.late++
			return false
		}
	case t.isEarly(m):
		t.waiting, t.since = &m, now
		return true
	}
	t.pass(m, pass)
	return true
}

// Expire passes on the message that waits if it has waited for MaxWait. now is the present.
func (t *Track[T]) Expire(now time.Time, pass func(T)) {
	if t.waiting != nil && now.Sub(t.since) >= MaxWait {
		t.Flush(pass)
	}
}

// Flush passes on the message that waits, if there is one.
func (t *Track[T]) Flush(pass func(T)) {
	if m := t.waiting; m != nil {
		t.waiting = nil
		t.pass(*m, pass)
	}
}

func (t *Track[T]) pass(m Message[T], pass func(T)) {
	if step := int32(m.At - t.last.At); t.begun && step > 0 && step <= maxStep {
		t.learn(step)
	}
	t.suspect = max(0, t.suspect-1)
	pass(m.Value)
	var none T
	m.Payload, m.Value = nil, none
	t.begun, t.last, t.late = true, m, 0
}

// learn updates the usual step. The usual step decreases at once, and increases slowly.
func (t *Track[T]) learn(step int32) {
	const slowly = 8
	switch {
	case t.step == 0 || step < t.step-t.step/4:
		t.step, t.equal = step, 0
	case longer(step, t.step):
		t.step, t.equal = t.step+(step-t.step)/slowly, 0
	default:
		t.step, t.equal = min(t.step, step), t.equal+1
	}
}

// longer reports whether a step is clearly longer than the usual one.
func longer(step, usual int32) bool { return step > usual+usual/4 }

// precedes reports whether m, which has the earlier timestamp, also belongs before the message that has waited for it.
// The numbers of pictures decide, and if they permit both orders, the timestamps.
func (t *Track[T]) precedes(m, waiting Message[T]) bool {
	kept := count(follows(waiting, t.last), follows(m, waiting))
	swapped := count(follows(m, t.last), follows(waiting, m))
	return swapped > kept || swapped == 2
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}

// repeats reports whether m repeats the message before it. Two pictures of H.264 in a row are never equal (ITU-T H.264,
// section 7.4.3), with one exception: some encoders of still images repeat an IDR picture, in the usual steps. Other
// messages may be equal.
func (t *Track[T]) repeats(newest *Message[T], m Message[T]) bool {
	same := newest.sum == m.sum
	t.shares = t.shares || !same && m.At == newest.At
	switch {
	case !same:
		return false
	case m.Numbered:
		return !m.Number.IDR || m.At == newest.At || int32(m.At-newest.At) < t.step-t.step/4
	}
	return m.At == newest.At && !t.shares
}

// isLate reports whether a message belongs before the newest one.
func (t *Track[T]) isLate(m Message[T]) bool {
	return before(m.At, t.last.At) && t.last.At-m.At <= maxStep
}

// isEarly reports whether a message seems to be missing before m.
func (t *Track[T]) isEarly(m Message[T]) bool {
	step := int32(m.At - t.last.At)
	if t.step == 0 || !longer(step, t.step) || step > maxStep {
		return false
	}
	return !follows(m, t.last) || (t.suspect > 0 || t.equal >= steady) && (m.Ordered || m.Numbered)
}

// follows reports whether, by its picture number, m may come after the message earlier in decoding order. Messages without
// numbers may.
func follows[T any](m, earlier Message[T]) bool {
	return !m.Numbered || !earlier.Numbered || m.Number.Follows(earlier.Number)
}

// before reports whether the timestamp a is before b.
func before(a, b uint32) bool { return int32(a-b) < 0 }
