package domain_test

import (
	"fmt"
	"testing"
	"time"

	"roomlog/domain"
)

func followed(u, s domain.UserID, since int64) domain.Event {
	return domain.UserFollowed{User: u, Streamer: s, Since: since}
}

func TestFollowUser(t *testing.T) {
	follow := domain.FollowUser{Streamer: streamer}
	var many []domain.Event
	for i := range 1000 {
		many = append(many, followed(viewer, domain.UserID(1000+i), 1))
	}
	run(t, []spec{
		{name: "is accepted", when: follow, then: []domain.Event{followed(viewer, streamer, now.Unix())}},
		{name: "changes nothing when it is repeated", given: []domain.Event{followed(viewer, streamer, 1)}, when: follow},
		{name: "is refused for oneself", by: asUser(streamer), when: follow, refused: domain.CodeBadRequest},
		{name: "is refused for a user who does not exist", when: domain.FollowUser{Streamer: 99}, refused: domain.CodeUserUnavailable},
		{name: "is refused for a forgotten user", given: []domain.Event{domain.UserForgotten{User: streamer}}, when: follow, refused: domain.CodeUserUnavailable},
		{name: "is refused for more than 1000 streamers", given: many, when: follow, refused: domain.CodeNumberOutOfRange},
		{name: "needs a sign-in", by: anonymous, when: follow, refused: domain.CodeTokenMissing},
		{name: "starts again after the end", given: []domain.Event{followed(viewer, streamer, 1), domain.UserUnfollowed{User: viewer, Streamer: streamer}}, when: follow, then: []domain.Event{followed(viewer, streamer, now.Unix())}},
	})
}

func TestUnfollowUser(t *testing.T) {
	unfollow := domain.UnfollowUser{Streamer: streamer}
	run(t, []spec{
		{name: "is accepted", given: []domain.Event{followed(viewer, streamer, 1)}, when: unfollow, then: []domain.Event{domain.UserUnfollowed{User: viewer, Streamer: streamer}}},
		{name: "changes nothing for a user who does not follow", when: unfollow},
	})
}

// TestFollowersMode posts comments under the mode followers.
func TestFollowersMode(t *testing.T) {
	post := domain.PostComment{Live: 6, Text: "hello"}
	posted := func(u domain.UserID) []domain.Event {
		return []domain.Event{domain.CommentPosted{Live: 6, User: u, Text: "hello"}}
	}
	on := func(value, until int64, more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), modeSet(domain.ModeFollowers, value, until)}, more)
	}
	run(t, []spec{
		{name: "refuses a user who does not follow", given: on(1, 0), when: post, refused: domain.CodeFollowersOnly},
		{name: "refuses a follower of somebody else", given: on(1, 0, followed(viewer, otherUser, 1)), when: post, refused: domain.CodeFollowersOnly},
		{name: "accepts a follower at once", given: on(1, 0, followed(viewer, streamer, now.Unix())), when: post, then: posted(viewer)},
		{name: "accepts a follower of long enough", given: on(10, 0, followed(viewer, streamer, now.Unix()-600)), when: post, then: posted(viewer)},
		{name: "refuses a follower of too short a time", given: on(10, 0, followed(viewer, streamer, now.Unix()-599)), when: post, refused: domain.CodeFollowersOnly},
		{name: "refuses a user who has unfollowed", given: on(1, 0, followed(viewer, streamer, 1), domain.UserUnfollowed{User: viewer, Streamer: streamer}), when: post, refused: domain.CodeFollowersOnly},
		{name: "ends by the time of the log", given: on(1, now.Unix()), when: post, then: posted(viewer)},
		{name: "does not apply to the owner", given: on(1, 0), by: asUser(streamer), when: post, then: posted(streamer)},
		{name: "does not apply to moderators", given: on(1, 0), by: asUser(otherUser), when: post, then: posted(otherUser)},
		{name: "does not apply to operators", given: on(1, 0), by: asUser(operatorUser), when: post, then: posted(operatorUser)},
	})
	for want, minutes := range map[time.Time]int64{now.Add(9 * time.Minute): 10, {}: 0} {
		history := on(max(minutes, 1), 0)
		if minutes > 0 {
			history = append(history, followed(viewer, streamer, now.Unix()-60))
		}
		_, err := after(t, events(testUsers(), history)).decide(t, domain.Request{Command: post, Actor: asUser(viewer)})
		if refusal := domain.AsRefusal(err); refusal == nil || !refusal.Until.Equal(want) {
			t.Errorf("%d minutes: got %v, want a refusal until %v", minutes, fmt.Sprint(err), want)
		}
	}
}
