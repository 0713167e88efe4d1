package feed_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

func TestMessagesAreReleasedWithTheProfileOfTheirAuthor(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	f, _ := startFeed(w, feed.Config{})
	heard := subscribe(w, f)
	bob := w.Register("bob")
	participant := w.EnterChat("c1", domain.ProfilePlain, "小明", "aa")
	w.Post(participant, "小明", domain.PostMessage{Kind: domain.MessageText, Text: "hello"})
	bob.Send(domain.PostMessage{Kind: domain.MessageText, Text: "hello yourself", ToParticipant: participant})
	heard.until(w.Head())
	var got []string
	for _, d := range heard.deltas {
		if m, ok := d.Event.(domain.MessagePosted); ok {
			got = append(got, fmt.Sprintf("%s%s: %s", m.Nickname, d.Profile.Name(), m.Text))
		}
	}
	if want := []string{"小明: hello", "bob: hello yourself"}; !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUserDeltasHaveDirectMessagesWithoutForgottenTexts(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	s.Project()
	s.CatchUp()
	f, _ := startFeed(s.World, feed.Config{})
	deltas, err := f.UserDeltas(t.Context(), s.Eve.ID, 0, s.Head(), 10)
	deltas = slices.DeleteFunc(deltas, func(d projections.Delta) bool {
		return d.Kind == projections.KindDecision || d.Kind == projections.KindWarned
	})
	if err != nil || len(deltas) != 5 || deltas[1].Kind != projections.KindMessage || deltas[1].Event.(domain.MessagePosted).Text != eventstore.ErasedText {
		t.Errorf("got %+v, %v", deltas, err)
	}
}
