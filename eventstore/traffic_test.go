package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// traffic is people who give and talk while something goes wrong. A gift is repeated by its key until
// it is answered; a comment is said once, whatever the answer.
type traffic struct {
	t    testing.TB
	logs []*testLog
	party
	stop  chan struct{}
	group sync.WaitGroup

	mu       sync.Mutex
	gifts    map[string]int64 // acknowledged: position by key
	comments map[string]bool  // text → acknowledged
	errs     map[string]int
	seen     int
}

// startTraffic lets everybody of the party act, through the logs in turn.
func startTraffic(t testing.TB, p party, logs ...*testLog) *traffic {
	t.Helper()
	tr := &traffic{t: t, logs: logs, party: p, stop: make(chan struct{}),
		gifts: make(map[string]int64), comments: make(map[string]bool), errs: make(map[string]int)}
	for i := range p.people {
		tr.group.Go(func() { tr.act(i) })
	}
	return tr
}

func (tr *traffic) act(i int) {
	for n := 0; ; n++ {
		select {
		case <-tr.stop:
			return
		default:
		}
		l := tr.logs[(i+n)%len(tr.logs)]
		if n%3 == 2 {
			tr.comment(l, i, fmt.Sprintf("comment %d of %d", n, i))
		} else {
			tr.gift(i, fmt.Sprintf("gift %d of %d", n, i), n)
		}
	}
}

func (tr *traffic) comment(l *testLog, i int, text string) {
	_, err := l.sequencer.Execute(context.Background(), tr.people[i].asks(tr.say(text)))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.comments[text] = err == nil
	tr.note(err)
}

// gift gives until there is an answer, as a client does: through whatever process it reaches.
func (tr *traffic) gift(i int, key string, n int) {
	for deadline := time.Now().Add(30 * time.Second); ; n++ {
		r, err := tr.logs[(i+n)%len(tr.logs)].sequencer.Execute(context.Background(), tr.people[i].keyed(key, tr.give(1)))
		tr.mu.Lock()
		tr.note(err)
		if err == nil {
			tr.gifts[key] = r.Position
		}
		tr.mu.Unlock()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tr.t.Errorf("%s is not answered: %v", key, err)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (tr *traffic) note(err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, eventstore.ErrUnavailable):
		err = eventstore.ErrUnavailable
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		err = eventstore.ErrOutcomeUnknown
	}
	tr.errs[err.Error()]++
}

// answered is how many requests have been acknowledged.
func (tr *traffic) answered() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.gifts) + len(tr.comments)
}

// saw says whether a request has been answered with an error, and forgets that.
func (tr *traffic) saw(err error) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.errs[err.Error()] == tr.seen {
		return false
	}
	tr.seen = tr.errs[err.Error()]
	return true
}

// flows waits until so many more requests are answered.
func (tr *traffic) flows(more int) {
	tr.t.Helper()
	before := tr.answered()
	eventually(tr.t, "requests are answered", func() bool { return tr.answered() >= before+more })
}

// end lets everybody finish and holds the log against what they were told.
func (tr *traffic) end() {
	tr.t.Helper()
	close(tr.stop)
	tr.group.Wait()
	tr.t.Logf("%d gifts, %d comments, errors %v", len(tr.gifts), len(tr.comments), tr.errs)
	given, said := make(map[string][]int64), make(map[string]int)
	tr.logs[0].recovered()
	for _, r := range tr.logs[0].sound() {
		switch e := r.Event.(type) {
		case domain.GiftSent:
			given[r.Metadata.Key] = append(given[r.Metadata.Key], r.Position)
		case domain.CommentPosted:
			said[e.Text]++
		}
	}
	for key, position := range tr.gifts {
		if at := given[key]; len(at) != 1 || at[0] != position {
			tr.t.Errorf("%s was acknowledged at %d and is in the log at %v", key, position, at)
		}
	}
	if len(given) != len(tr.gifts) {
		tr.t.Errorf("%d gifts are in the log, %d were acknowledged", len(given), len(tr.gifts))
	}
	for text, acknowledged := range tr.comments {
		if n := said[text]; n > 1 || acknowledged && n != 1 {
			tr.t.Errorf("%q is in the log %d times; acknowledged: %v", text, n, acknowledged)
		}
	}
}
