package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func heldComment(number int64, u domain.UserID, waiting int64) domain.Event {
	return domain.CommentHeld{Live: 6, Held: number, User: u, Text: "a giveaway", Cause: domain.HeldForWord, Waiting: waiting}
}

func TestHeldComments(t *testing.T) {
	on := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{
			appointed(otherUser), domain.HoldWordsAdded{Live: 6, Words: []string{"giveaway"}}, domain.WordsAdded{Live: 6, Words: []string{"mild"}, Mask: true},
			domain.WordsAdded{Live: 6, Words: []string{"hate"}},
		}, more)
	}
	review := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), modeSet(domain.ModeReview, 1, 0)}, more)
	}
	post := func(text string) domain.PostComment { return domain.PostComment{Live: 6, Text: text} }
	hold := func(number int64, text string, cause domain.HoldCause, waiting int64) []domain.Event {
		return []domain.Event{domain.CommentHeld{Live: 6, Held: number, User: viewer, Text: text, Cause: cause, Waiting: waiting}}
	}
	posted := func(u domain.UserID, text string) []domain.Event {
		return []domain.Event{domain.CommentPosted{Live: 6, User: u, Text: text}}
	}
	full := func(by func(held int64) domain.UserID, more ...domain.Event) []domain.Event {
		given := on()
		for n := int64(1); n <= 500; n++ {
			given = append(given, heldComment(n, by(n), n))
		}
		return append(given, more...)
	}
	oneEach := func(n int64) domain.UserID { return domain.UserID(1000 + n) }
	displaced := func(n int64, u domain.UserID) []domain.Event {
		return append([]domain.Event{domain.CommentDisplaced{Live: 6, Held: n, User: u, Waiting: 499}}, hold(501, "giveaway", domain.HeldForWord, 500)...)
	}
	marks := "g" + strings.Repeat("\u0301", 190) + "iveaway"
	run(t, []spec{
		{name: "a word holds a comment", given: on(), when: post("free GIVE-AWAY giveaway"), then: hold(1, "free GIVE-AWAY giveaway", domain.HeldForWord, 1)},
		{name: "a word with 190 combining marks holds a comment", given: on(), when: post(marks), then: hold(1, marks, domain.HeldForWord, 1)},
		{name: "a held comment is masked as well", given: on(), when: post("mild giveaway"), then: hold(1, "**** giveaway", domain.HeldForWord, 1)},
		{name: "a word that is refused prevails", given: on(), when: post("giveaway of hate"), refused: domain.CodeWordRefused},
		{name: "comments of moderators are not held", given: on(), by: asUser(otherUser), when: post("giveaway"), then: posted(otherUser, "giveaway")},
		{name: "comments of operators are not held", given: on(), by: asUser(operatorUser), when: post("giveaway"), then: posted(operatorUser, "giveaway")},
		{name: "a mute prevails", given: on(domain.ViewerMuted{Live: 6, User: viewer}), when: post("giveaway"), refused: domain.CodeMuted},
		{name: "a word that changed its act refuses", given: on(domain.WordsAdded{Live: 6, Words: []string{"giveaway"}}), when: post("giveaway"), refused: domain.CodeWordRefused},
		{name: "the numbers go on", given: on(heldComment(1, viewer, 1), domain.CommentDropped{Live: 6, Held: 1, User: viewer}), when: post("giveaway"), then: hold(2, "giveaway", domain.HeldForWord, 1)},
		{name: "a user has at most three", given: on(heldComment(1, viewer, 1), heldComment(2, viewer, 2), heldComment(3, viewer, 3)), when: post("giveaway"), refused: domain.CodeReviewFull},
		{name: "a live has at most 500: the oldest gives its place if everybody has one", given: full(oneEach), when: post("giveaway"), then: displaced(1, 1001)},
		{name: "the oldest of the user who has most gives its place", given: full(func(n int64) domain.UserID {
			if n < 3 {
				return domain.UserID(3000 + n)
			}
			return domain.UserID(1000 + n/3)
		}), when: post("giveaway"), then: displaced(3, 1001)},
		{name: "a comment of a muted user gives its place first", given: full(oneEach, domain.ViewerMuted{Live: 6, User: 1090}), when: post("giveaway"), then: displaced(90, 1090)},
		{name: "a second one is refused if nobody has more", given: full(func(n int64) domain.UserID {
			if n == 7 {
				return viewer
			}
			return oneEach(n)
		}), when: post("giveaway"), refused: domain.CodeReviewFull},
		{name: "a displaced comment cannot be released", given: full(oneEach, displaced(1, 1001)...), by: asUser(streamer), when: domain.ReleaseComment{Live: 6, Held: 1, Author: 1001, Text: "a giveaway"}, refused: domain.CodeCommentNotFound},
		{name: "the mode review holds the first comment", given: review(), when: post("hello"), then: hold(1, "hello", domain.HeldForFirst, 1)},
		{name: "the mode review does not hold comments of a user of whom one was released", given: review(joined(viewer, true, "p1"), domain.ViewerReviewed{Live: 6, User: viewer}, left(viewer), joined(viewer, false, "p1")), when: post("hello"), then: posted(viewer, "hello")},
		{name: "the mode review does not apply to moderators", given: review(), by: asUser(otherUser), when: post("hello"), then: posted(otherUser, "hello")},
		{name: "the mode review does not apply to operators", given: review(), by: asUser(operatorUser), when: post("hello"), then: posted(operatorUser, "hello")},
		{name: "a held comment counts in slow mode", given: on(modeSet(domain.ModeSlow, 30, 0)), when: post("giveaway"), then: append(hold(1, "giveaway", domain.HeldForWord, 1), domain.ViewerCommented{Live: 6, User: viewer, At: now.UnixMilli()})},
		{name: "slow mode applies to comments that would be held", given: on(modeSet(domain.ModeSlow, 30, 0), domain.ViewerCommented{Live: 6, User: viewer, At: now.UnixMilli()}), when: post("giveaway"), refused: domain.CodeSlowMode},
		{name: "the mode stickers refuses letters", given: append(liveOnAir(6), modeSet(domain.ModeStickers, 1, 0)), when: post("hello 😀"), refused: domain.CodeStickersOnly},
		{name: "the mode stickers accepts emoji and names of stickers", given: append(liveOnAir(6), modeSet(domain.ModeStickers, 1, 0)), when: post("😀 :rose:"), then: posted(viewer, "😀 :rose:")},
	})
}

func TestReleaseComment(t *testing.T) {
	release := domain.ReleaseComment{Live: 6, Held: 1, Author: viewer, Text: "a giveaway"}
	given := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), heldComment(1, viewer, 1)}, more)
	}
	released := []domain.Event{domain.CommentReleased{Live: 6, Held: 1, User: viewer}, domain.CommentPosted{Live: 6, User: viewer, Text: "a giveaway"}}
	first := append(released, domain.ViewerReviewed{Live: 6, User: viewer})
	run(t, []spec{
		{name: "posts the comment", given: given(), by: asUser(otherUser), when: release, then: first},
		{name: "marks the author once", given: given(domain.ViewerReviewed{Live: 6, User: viewer}), by: asUser(streamer), when: release, then: released},
		{name: "is refused for the author", given: given(), when: release, refused: domain.CodeLiveNotFound},
		{name: "is refused after another moderator has released it", given: given(first...), by: asUser(streamer), when: release, refused: domain.CodeCommentNotFound},
		{name: "is refused after another moderator has dropped it", given: given(domain.CommentDropped{Live: 6, Held: 1, User: viewer}), by: asUser(streamer), when: release, refused: domain.CodeCommentNotFound},
		{name: "is refused without a text", given: given(), by: asUser(streamer), when: domain.ReleaseComment{Live: 6, Held: 1}, refused: domain.CodeCommentNotFound},
		{name: "is refused for another author", given: given(), by: asUser(streamer), when: domain.ReleaseComment{Live: 6, Held: 1, Author: otherUser, Text: "x"}, refused: domain.CodeCommentNotFound},
		{name: "is refused after the live has ended", given: given(statusChanged(6, domain.StatusOnAir, domain.StatusEnded)), by: asUser(streamer), when: release, refused: domain.CodeLiveEnded},
		{name: "is refused while the author is muted", given: given(domain.ViewerMuted{Live: 6, User: viewer}), by: asUser(streamer), when: release, refused: domain.CodeMuted},
		{name: "is accepted after the mute", given: given(domain.ViewerMuted{Live: 6, User: viewer, Until: now.Unix()}), by: asUser(streamer), when: release, then: first},
		{name: "is refused while the author is banned from the live", given: given(domain.ViewerBanned{Live: 6, User: viewer}), by: asUser(streamer), when: release, refused: domain.CodeBanned},
		{name: "is refused while the author is banned from the service", given: given(domain.UserBanned{User: viewer}), by: asUser(streamer), when: release, refused: domain.CodeUserUnavailable},
		{name: "is refused after the author was forgotten", given: given(domain.UserForgotten{User: viewer}), by: asUser(streamer), when: release, refused: domain.CodeUserUnavailable},
		{name: "is refused for a moderator who was removed", given: given(domain.ModeratorRemoved{Live: 6, User: otherUser}), by: asUser(otherUser), when: release, refused: domain.CodeLiveNotFound},
	})
}

func TestDropComment(t *testing.T) {
	drop := domain.DropComment{Live: 6, Held: 1, Author: viewer, Reason: "advertising"}
	given := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), heldComment(1, viewer, 1)}, more)
	}
	dropped := domain.CommentDropped{Live: 6, Held: 1, User: viewer, Reason: "advertising"}
	notified := []domain.Event{dropped, domain.ViewerNotified{Live: 6, User: viewer, Notice: domain.NoticeCommentDropped, Number: 1, Reason: "advertising"}}
	run(t, []spec{
		{name: "notifies the author", given: given(), by: asUser(otherUser), when: drop, then: notified},
		{name: "is accepted from the author without a notice", given: given(), when: drop, then: []domain.Event{dropped}},
		{name: "is accepted after the live has ended", given: given(statusChanged(6, domain.StatusOnAir, domain.StatusEnded)), by: asUser(streamer), when: drop, then: notified},
		{name: "is accepted after the author was forgotten", given: given(domain.UserForgotten{User: viewer}), by: asUser(streamer), when: drop, then: notified},
		{name: "is refused after a release", given: given(domain.CommentReleased{Live: 6, Held: 1, User: viewer}), by: asUser(streamer), when: drop, refused: domain.CodeCommentNotFound},
		{name: "is refused for others", given: events(liveOnAir(6), []domain.Event{heldComment(1, viewer, 1)}), by: asUser(otherUser), when: drop, refused: domain.CodeLiveNotFound},
		{name: "is refused for a comment of another moderator", given: given(appointed(viewer)), by: asUser(otherUser), when: drop, refused: domain.CodeForbidden},
		{name: "is part of clearing", given: given(heldComment(2, otherUser, 2), heldComment(3, viewer, 3)), by: asUser(streamer), when: domain.ClearComments{Live: 6, User: viewer, Reason: "spam"}, then: []domain.Event{
			domain.CommentsCleared{Live: 6, User: viewer, Reason: "spam"}, domain.CommentDropped{Live: 6, Held: 1, User: viewer, Reason: "spam", Waiting: 2}, domain.CommentDropped{Live: 6, Held: 3, User: viewer, Reason: "spam", Waiting: 1},
		}},
	})
}

func TestWarnViewer(t *testing.T) {
	warn := domain.WarnViewer{Live: 6, User: viewer, Reason: "no capitals"}
	given := append(liveOnAir(6), appointed(otherUser))
	run(t, []spec{
		{name: "is accepted from a moderator", given: given, by: asUser(otherUser), when: warn, then: []domain.Event{domain.ViewerWarned(warn)}},
		{name: "is refused for others", given: liveOnAir(6), by: asUser(otherUser), when: warn, refused: domain.CodeLiveNotFound},
		{name: "is refused without a reason", given: given, by: asUser(streamer), when: domain.WarnViewer{Live: 6, User: viewer}, refused: domain.CodeTextEmpty},
		{name: "is refused against the owner", given: given, by: asUser(otherUser), when: domain.WarnViewer{Live: 6, User: streamer, Reason: "x"}, refused: domain.CodeBadRequest},
		{name: "is refused for a user who was forgotten", given: append(given, domain.UserForgotten{User: viewer}), by: asUser(streamer), when: warn, refused: domain.CodeUserUnavailable},
	})
}
