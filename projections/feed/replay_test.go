package feed_test

import (
	"slices"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
)

func TestUserStreamsHaveAllEventsOfTheUserChannel(t *testing.T) {
	t.Parallel()
	for _, s := range projections.DeltaSpecs() {
		if s.Audience != projections.AudienceUser {
			continue
		}
		i := slices.IndexFunc(domain.Events, func(e domain.EventSpec) bool { return e.Type == s.Event })
		e, err := domain.Events[i].Decode([]byte(`{"user":12,"sender":12}`))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(feed.UserStreams(12), e.Stream()) {
			t.Errorf("UserDeltas misses %s: UserStreams lacks %s", s.Event, e.Stream())
		}
	}
}
