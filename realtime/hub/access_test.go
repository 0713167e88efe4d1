package hub

import (
	"testing"

	"roomlog/domain"
	"roomlog/projections"
)

// TestRemovalConcernsOnlyEarlierJoins takes rights back while a viewer joins.
func TestRemovalConcernsOnlyEarlierJoins(t *testing.T) {
	t.Parallel()
	const live, user = 6, 12
	p := &presence{visits: make(map[domain.LiveID]map[domain.UserID]*visit)}
	w := newAccessWatcher(Config{}, p)
	c := &receiver{}
	v, _ := p.hold(c, live, user)
	set := func(position int64) {
		w.observe(projections.Delta{Position: position, Event: domain.LiveAccessSet{Live: live}})
	}
	for _, x := range []struct {
		name         string
		since        int64
		checked      bool
		removed      []string
		joined       int64 // position of the newest join when the client handles the removal
		stays, reset bool
	}{
		{name: "an earlier join", since: 19, checked: true, removed: []string{"removed from 6"}, joined: 19},
		{name: "an earlier join, and another one since", since: 19, checked: true, removed: []string{"removed from 6"}, joined: 21, stays: true},
		{name: "a join that the log decides later", since: 0, checked: true, removed: []string{"removed from 6"}, joined: 21, stays: true},
		{name: "a join that the log has decided before", since: 0, checked: true, removed: []string{"removed from 6"}, joined: 19},
		{name: "a later join", since: 21, joined: 21, stays: true},
		{name: "another history of the log", since: 19, reset: true, joined: 19, stays: true},
	} {
		v.since = x.since
		set(20)
		if x.reset {
			w.historyChanged()
		}
		viewers, position := w.take()
		if (len(viewers) == 1) != x.checked {
			t.Errorf("%s: %v is checked", x.name, viewers)
		}
		if !x.reset {
			p.expel(projections.ViewerKey{Live: live, User: user}, position, nil)
		}
		c.expect(t, x.removed...)
		v.since = x.joined
		if got := p.joinedAfter(Membership{User: user, Live: live}, position); got != x.stays {
			t.Errorf("%s: stays %v, want %v", x.name, got, x.stays)
		}
	}
}
