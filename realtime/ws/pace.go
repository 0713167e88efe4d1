package ws

import (
	"math"
	"time"
)

// paceMemory is the time over which the rate of pushes is averaged.
const paceMemory = 500 * time.Millisecond

// pace measures the rate of the pushes into a shard. The zero value is ready to use.
type pace struct {
	last  time.Time // time of the newest push
	count float64   // number of pushes; a push counts less the older it is, and 1/e after paceMemory
}

// add counts a push. It returns the time since the push before.
func (p *pace) add(now time.Time) (silence time.Duration) {
	silence = now.Sub(p.last)
	p.last = now
	p.count = p.count*math.Exp(-float64(silence)/float64(paceMemory)) + 1
	return silence
}

// in returns the number of pushes that can be expected in a time.
func (p *pace) in(d time.Duration) int {
	return int(math.Round(p.count * float64(d) / float64(paceMemory)))
}
