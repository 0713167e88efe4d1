package domain_test

import (
	"testing"
	"time"

	"roomlog/domain"
)

func modeSet(mode domain.ModeName, value, until int64) domain.Event {
	return domain.LiveModeSet{Live: 6, Mode: mode, Value: value, Until: until}
}

func TestSetMode(t *testing.T) {
	slow := domain.SetMode{Live: 6, Mode: domain.ModeSlow, Value: 30, Seconds: 60, Reason: "a raid"}
	then := []domain.Event{domain.LiveModeSet{Live: 6, Mode: domain.ModeSlow, Value: 30, Until: now.Unix() + 60, Reason: "a raid"}}
	set := func(mode domain.ModeName, value, seconds int64) domain.SetMode {
		return domain.SetMode{Live: 6, Mode: mode, Value: value, Seconds: seconds}
	}
	run(t, []spec{
		{name: "is accepted from the owner", given: liveCreated(6), by: asUser(streamer), when: slow, then: then},
		{name: "is accepted from a moderator", given: append(liveCreated(6), appointed(otherUser)), by: asUser(otherUser), when: slow, then: then},
		{name: "is refused for others", given: liveCreated(6), by: asUser(otherUser), when: slow, refused: domain.CodeLiveNotFound},
		{name: "is refused for an unknown mode", given: liveCreated(6), by: operator, when: set("loud", 1, 0), refused: domain.CodeBadRequest},
		{name: "is refused for more than an hour of slow mode", given: liveCreated(6), by: operator, when: set(domain.ModeSlow, 3601, 0), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for a negative value", given: liveCreated(6), by: operator, when: set(domain.ModeMembers, -1, 0), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for an end of a mode that is off", given: liveCreated(6), by: operator, when: set(domain.ModeMuteAll, 0, 60), refused: domain.CodeNumberOutOfRange},
		{name: "changes nothing when the mode is off already", given: liveCreated(6), by: operator, when: set(domain.ModeMuteAll, 0, 0)},
		{name: "changes nothing when it is repeated", given: append(liveCreated(6), modeSet(domain.ModeMuteAll, 1, 0)), by: operator, when: set(domain.ModeMuteAll, 1, 0)},
		{name: "switches a mode off", given: append(liveCreated(6), modeSet(domain.ModeMuteAll, 1, 0)), by: operator, when: set(domain.ModeMuteAll, 0, 0), then: []domain.Event{modeSet(domain.ModeMuteAll, 0, 0)}},
	})
}

func TestCommentsUnderModes(t *testing.T) {
	post := func(text string) domain.PostComment { return domain.PostComment{Live: 6, Text: text} }
	posted := func(u domain.UserID, text string) domain.Event {
		return domain.CommentPosted{Live: 6, User: u, Text: text}
	}
	commented := func(u domain.UserID, at time.Time) domain.Event {
		return domain.ViewerCommented{Live: 6, User: u, At: at.UnixMilli()}
	}
	on := func(mode domain.ModeName, value, until int64, more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), modeSet(mode, value, until)}, more)
	}
	hello := post("hello")
	run(t, []spec{
		{name: "mute_all refuses comments", given: on(domain.ModeMuteAll, 1, 0), when: hello, refused: domain.CodeCommentsOff},
		{name: "mute_all does not apply to the owner", given: on(domain.ModeMuteAll, 1, 0), by: asUser(streamer), when: hello, then: []domain.Event{posted(streamer, "hello")}},
		{name: "mute_all does not apply to moderators", given: on(domain.ModeMuteAll, 1, 0), by: asUser(otherUser), when: hello, then: []domain.Event{posted(otherUser, "hello")}},
		{name: "mute_all does not apply to operators", given: on(domain.ModeMuteAll, 1, 0), by: asUser(operatorUser), when: hello, then: []domain.Event{posted(operatorUser, "hello")}},
		{name: "mute_all ends by the time of the log", given: on(domain.ModeMuteAll, 1, now.Unix()), when: hello, then: []domain.Event{posted(viewer, "hello")}},
		{name: "mute_all lasts until its end", given: on(domain.ModeMuteAll, 1, now.Unix()+1), when: hello, refused: domain.CodeCommentsOff},
		{name: "links_off refuses links", given: on(domain.ModeLinksOff, 1, 0), when: post("see example.org"), refused: domain.CodeLinksOff},
		{name: "links_off accepts other comments", given: on(domain.ModeLinksOff, 1, 0), when: hello, then: []domain.Event{posted(viewer, "hello")}},
		{name: "slow records the first comment", given: on(domain.ModeSlow, 30, 0), when: hello, then: []domain.Event{posted(viewer, "hello"), commented(viewer, now)}},
		{name: "slow refuses the next comment", given: on(domain.ModeSlow, 30, 0, commented(viewer, now.Add(time.Millisecond-30*time.Second))), when: hello, refused: domain.CodeSlowMode},
		{
			name: "slow remembers comments when the viewer leaves and returns", given: on(domain.ModeSlow, 30, 0, joined(viewer, true, "p1"), commented(viewer, now), left(viewer), joined(viewer, false, "p2")),
			when: hello, refused: domain.CodeSlowMode,
		},
		{name: "slow accepts a comment after the time", given: on(domain.ModeSlow, 30, 0, commented(viewer, now.Add(-30*time.Second))), when: hello, then: []domain.Event{posted(viewer, "hello"), commented(viewer, now)}},
		{name: "slow does not apply to moderators", given: on(domain.ModeSlow, 30, 0), by: asUser(otherUser), when: hello, then: []domain.Event{posted(otherUser, "hello")}},
	})
}

// TestMembersMode registers a user at a time, because the events of specs have none.
func TestMembersMode(t *testing.T) {
	for _, tt := range []struct {
		age     time.Duration
		until   int64
		refused time.Time
	}{
		{age: 10 * time.Minute},
		{age: 10*time.Minute - time.Second, refused: now.Add(time.Second)},
		{age: time.Minute, until: now.Unix() + 5, refused: now.Add(5 * time.Second)},
	} {
		w := after(t, events(testUsers(), liveOnAir(6), []domain.Event{modeSet(domain.ModeMembers, 10, tt.until)}))
		user, err := domain.FoldAt("user-12", nil, registered(viewer)[0], now.Add(-tt.age))
		if err != nil {
			t.Fatal(err)
		}
		w["user-12"] = user
		_, err = w.decide(t, domain.Request{Command: domain.PostComment{Live: 6, Text: "hello"}, Actor: asUser(viewer)})
		refusal := domain.AsRefusal(err)
		switch {
		case tt.refused.IsZero() && err != nil:
			t.Errorf("an account of %s: %v", tt.age, err)
		case !tt.refused.IsZero() && (refusal == nil || refusal.Code != domain.CodeMembersOnly || !refusal.Until.Equal(tt.refused)):
			t.Errorf("an account of %s: got %v, want it refused until %s", tt.age, err, tt.refused)
		}
	}
}
