package domain_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/domain"
)

func appointed(u domain.UserID) domain.Event { return domain.ModeratorAppointed{Live: 6, User: u} }

func muted(u domain.UserID, until int64) domain.Event {
	return domain.ViewerMuted{Live: 6, User: u, From: now.Unix() - 60, Until: until}
}

func TestAppointModerator(t *testing.T) {
	appoint := domain.AppointModerator{Live: 6, User: viewer, Reason: "knows everybody"}
	then := []domain.Event{domain.ModeratorAppointed{Live: 6, User: viewer, Reason: "knows everybody"}}
	many := liveCreated(6)
	for u := range domain.UserID(50) {
		many = append(many, appointed(100+u))
	}
	run(t, []spec{
		{name: "is accepted from the owner", given: liveCreated(6), by: asUser(streamer), when: appoint, then: then},
		{name: "is accepted from an operator", given: liveCreated(6), by: asUser(operatorUser), when: appoint, then: then},
		{name: "is refused for a moderator", given: append(liveCreated(6), appointed(otherUser)), by: asUser(otherUser), when: appoint, refused: domain.CodeLiveNotFound},
		{name: "is refused when the user does not exist", given: liveCreated(6), by: operator, when: domain.AppointModerator{Live: 6, User: 99}, refused: domain.CodeUserUnavailable},
		{name: "is refused for the owner", given: liveCreated(6), by: operator, when: domain.AppointModerator{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "is refused when the user is banned", given: append(liveCreated(6), viewerBanned(viewer, 0)), by: operator, when: appoint, refused: domain.CodeBadRequest},
		{name: "is refused when the live has 50 moderators", given: many, by: operator, when: appoint, refused: domain.CodeNumberOutOfRange},
		{name: "changes nothing when it is repeated", given: append(liveCreated(6), appointed(viewer)), by: operator, when: appoint},
	})
}

func TestRemoveModerator(t *testing.T) {
	remove := domain.RemoveModerator{Live: 6, User: viewer}
	then := []domain.Event{domain.ModeratorRemoved{Live: 6, User: viewer}}
	given := append(liveCreated(6), appointed(viewer), appointed(otherUser))
	run(t, []spec{
		{name: "is accepted from the owner", given: given, by: asUser(streamer), when: remove, then: then},
		{name: "is refused for another moderator", given: given, by: asUser(otherUser), when: remove, refused: domain.CodeLiveNotFound},
		{name: "changes nothing for other users", given: liveCreated(6), by: asUser(streamer), when: remove},
	})
}

func TestModerator(t *testing.T) {
	given := slices.Clip(append(liveOnAir(6), appointed(otherUser)))
	ban := domain.BanViewer{Live: 6, User: viewer}
	run(t, []spec{
		{name: "may ban", given: given, by: asUser(otherUser), when: ban, then: []domain.Event{domain.ViewerBanned{Live: 6, User: viewer, From: now.Unix()}}},
		{name: "may unban", given: append(given, viewerBanned(viewer, 0)), by: asUser(otherUser), when: domain.UnbanViewer{Live: 6, User: viewer}, then: []domain.Event{domain.ViewerUnbanned{Live: 6, User: viewer}}},
		{name: "may not act in another live", given: append(given, liveCreated(8)...), by: asUser(otherUser), when: domain.BanViewer{Live: 8, User: viewer}, refused: domain.CodeLiveNotFound},
		{name: "may not act on the owner", given: given, by: asUser(otherUser), when: domain.BanViewer{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "may not act on another moderator", given: append(given, appointed(viewer)), by: asUser(otherUser), when: ban, refused: domain.CodeForbidden},
		{name: "may not end an own mute", given: append(given, muted(otherUser, 0)), by: asUser(otherUser), when: domain.UnmuteViewer{Live: 6, User: otherUser}, refused: domain.CodeForbidden},
		{name: "may not act after the removal", given: append(given, domain.ModeratorRemoved{Live: 6, User: otherUser}), by: asUser(otherUser), when: ban, refused: domain.CodeLiveNotFound},
		{name: "may not act while banned", given: append(given, viewerBanned(otherUser, 0)), by: asUser(otherUser), when: ban, refused: domain.CodeLiveNotFound},
		{
			name: "is removed by a ban", given: given, by: asUser(streamer), when: domain.BanViewer{Live: 6, User: otherUser},
			then: []domain.Event{domain.ViewerBanned{Live: 6, User: otherUser, From: now.Unix()}, domain.ModeratorRemoved{Live: 6, User: otherUser}},
		},
	})
}

func TestMuteViewer(t *testing.T) {
	mute := domain.MuteViewer{Live: 6, User: viewer, Seconds: 60, Reason: "be kind"}
	then := []domain.Event{domain.ViewerMuted{Live: 6, User: viewer, From: now.Unix(), Until: now.Unix() + 60, Reason: "be kind"}}
	many := liveOnAir(6)
	for u := range domain.UserID(500) {
		many = append(many, muted(100+u, 0))
	}
	post, posted := domain.PostComment{Live: 6, Text: "hello"}, []domain.Event{domain.CommentPosted{Live: 6, User: viewer, Text: "hello"}}
	run(t, []spec{
		{name: "is accepted from the owner", given: liveOnAir(6), by: asUser(streamer), when: mute, then: then},
		{name: "is accepted from a moderator", given: append(liveOnAir(6), appointed(otherUser)), by: asUser(otherUser), when: mute, then: then},
		{name: "is refused for other users", given: liveOnAir(6), by: asUser(otherUser), when: mute, refused: domain.CodeLiveNotFound},
		{name: "is refused for the owner", given: liveOnAir(6), by: operator, when: domain.MuteViewer{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "is refused when the live has 500 mutes", given: many, by: operator, when: mute, refused: domain.CodeNumberOutOfRange},
		{name: "changes nothing when a mute for good is repeated", given: append(liveOnAir(6), muted(viewer, 0)), by: operator, when: domain.MuteViewer{Live: 6, User: viewer}},
		{name: "prevents comments", given: append(liveOnAir(6), muted(viewer, 0)), when: post, refused: domain.CodeMuted},
		{name: "does not prevent comments of others", given: append(liveOnAir(6), muted(otherUser, 0)), when: post, then: posted},
		{name: "does not prevent joining", given: append(liveOnAir(6), muted(viewer, 0)), when: domain.JoinLive{Live: 6, Node: "p1"}, then: []domain.Event{joined(viewer, true, "p1")}},
		{name: "ends", given: append(liveOnAir(6), muted(viewer, now.Unix())), when: post, then: posted},
		{name: "is ended by an unmute", given: append(liveOnAir(6), muted(viewer, 0), domain.ViewerUnmuted{Live: 6, User: viewer}), when: post, then: posted},
	})
	_, err := after(t, events(testUsers(), liveOnAir(6), []domain.Event{muted(viewer, now.Unix()+9)})).decide(t, domain.Request{Command: post, Actor: asUser(viewer)})
	if r := domain.AsRefusal(err); r == nil || !r.Until.Equal(time.Unix(now.Unix()+9, 0)) {
		t.Errorf("got %v, want a refusal with the end of the mute", err)
	}
}

func TestRemoveComment(t *testing.T) {
	remove := domain.RemoveComment{Live: 6, Comment: 41, Author: viewer, PostedAt: now.Add(-time.Minute), Reason: "spam"}
	late := remove
	late.PostedAt = now.Add(-time.Minute - 1)
	then := []domain.Event{domain.CommentRemoved{Live: 6, Comment: 41, User: viewer, Reason: "spam"}}
	ofOwner := domain.RemoveComment{Live: 6, Comment: 41, Author: streamer}
	given := slices.Clip(append(liveOnAir(6), appointed(otherUser)))
	run(t, []spec{
		{name: "is accepted from the author within a minute", given: given, when: remove, then: then},
		{name: "is refused for the author after a minute", given: given, when: late, refused: domain.CodeForbidden},
		{name: "is accepted from a moderator at any time", given: given, by: asUser(otherUser), when: late, then: then},
		{name: "is accepted from an operator at any time", given: given, by: operator, when: late, then: then},
		{name: "is refused for others", given: liveOnAir(6), by: asUser(otherUser), when: remove, refused: domain.CodeLiveNotFound},
		{name: "is refused when there is no comment", given: given, by: operator, when: domain.RemoveComment{Live: 6, Comment: 41}, refused: domain.CodeCommentNotFound},
		{name: "is refused for a moderator when the author is the owner", given: given, by: asUser(otherUser), when: ofOwner, refused: domain.CodeBadRequest},
		{name: "is accepted from the owner for an own comment", given: given, by: asUser(streamer), when: ofOwner, then: []domain.Event{domain.CommentRemoved{Live: 6, Comment: 41, User: streamer}}},
		{name: "changes nothing when it is repeated", given: append(given, domain.CommentRemoved{Live: 6, Comment: 41, User: viewer}), by: operator, when: remove},
	})
}

func TestClearComments(t *testing.T) {
	clearing := domain.ClearComments{Live: 6, User: viewer, Reason: "spam"}
	then := []domain.Event{domain.CommentsCleared{Live: 6, User: viewer, Reason: "spam"}}
	run(t, []spec{
		{name: "is accepted from a moderator", given: append(liveOnAir(6), appointed(otherUser)), by: asUser(otherUser), when: clearing, then: then},
		{name: "is refused for the author", given: liveOnAir(6), when: clearing, refused: domain.CodeLiveNotFound},
		{name: "is refused for the owner's comments", given: append(liveOnAir(6), appointed(otherUser)), by: asUser(otherUser), when: domain.ClearComments{Live: 6, User: streamer}, refused: domain.CodeBadRequest},
		{name: "is refused without a user", given: liveOnAir(6), by: operator, when: domain.ClearComments{Live: 6}, refused: domain.CodeBadRequest},
	})
}
