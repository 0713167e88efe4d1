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

// traffic is a load of users who send gifts and comments while faults happen. A user repeats a gift with the same key
// until there is a result, and sends a comment once.
type traffic struct {
	t    testing.TB
	logs []*testLog
	fixture
	stop  chan struct{}
	group sync.WaitGroup

	mu       sync.Mutex
	gifts    map[string]int64 // key of each acknowledged gift → position of the gift
	comments map[string]bool  // text of each comment → whether it was acknowledged
	errs     map[string]int
	seen     int
}

// startTraffic starts all users. They use the given logs in turn.
func startTraffic(t testing.TB, p fixture, logs ...*testLog) *traffic {
	t.Helper()
	tr := &traffic{t: t, logs: logs, fixture: p, stop: make(chan struct{}),
		gifts: make(map[string]int64), comments: make(map[string]bool), errs: make(map[string]int)}
	for i := range p.users {
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
	_, err := l.sequencer.Execute(context.Background(), tr.users[i].request(tr.say(text)))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.comments[text] = err == nil
	tr.note(err)
}

// gift sends a gift through any process until there is a result, as a client would.
func (tr *traffic) gift(i int, key string, n int) {
	for deadline := time.Now().Add(2 * time.Minute); ; n++ {
		r, err := tr.logs[(i+n)%len(tr.logs)].sequencer.Execute(context.Background(), tr.users[i].keyedRequest(key, tr.give(1)))
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

// answered returns how many requests were acknowledged.
func (tr *traffic) answered() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.gifts) + len(tr.comments)
}

// saw reports whether a request has failed with this error since the last call.
func (tr *traffic) saw(err error) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.errs[err.Error()] == tr.seen {
		return false
	}
	tr.seen = tr.errs[err.Error()]
	return true
}

// flows waits until this many more requests are acknowledged.
func (tr *traffic) flows(more int) {
	tr.t.Helper()
	before := tr.answered()
	eventually(tr.t, "requests get responses", func() bool { return tr.answered() >= before+more })
}

// end stops the users and compares the log with the results that they got.
func (tr *traffic) end() {
	tr.t.Helper()
	close(tr.stop)
	tr.group.Wait()
	tr.t.Logf("%d gifts, %d comments, errors %v", len(tr.gifts), len(tr.comments), tr.errs)
	given, comments := make(map[string][]int64), make(map[string]int)
	tr.logs[0].recovered()
	for _, r := range tr.logs[0].verified() {
		switch e := r.Event.(type) {
		case domain.GiftSent:
			given[r.Metadata.Key] = append(given[r.Metadata.Key], r.Position)
		case domain.CommentPosted:
			comments[e.Text]++
		}
	}
	for key, position := range tr.gifts {
		if at := given[key]; len(at) != 1 || at[0] != position {
			tr.t.Errorf("%s was acknowledged at %d and is in the log at %v, want 1 element, at[0] %v", key, position, at, position)
		}
	}
	if len(given) != len(tr.gifts) {
		tr.t.Errorf("%d gifts are in the log, %d were acknowledged", len(given), len(tr.gifts))
	}
	for text, acknowledged := range tr.comments {
		if n := comments[text]; n > 1 || acknowledged && n != 1 {
			tr.t.Errorf("%q is in the log %d times; acknowledged: %v", text, n, acknowledged)
		}
	}
}
