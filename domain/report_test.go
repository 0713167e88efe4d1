package domain_test

import (
	"testing"

	"roomlog/domain"
)

// reported returns a report of a user in live 6.
func reported(number int64, by, target domain.UserID) domain.Event {
	return domain.ReportSent{Live: 6, Report: number, User: by, Target: target, Cause: domain.ReportSpam}
}

func TestSendReport(t *testing.T) {
	given := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1"), joined(otherUser, true, "p1")}, more)
	}
	about := func(u domain.UserID) domain.SendReport {
		return domain.SendReport{Live: 6, User: u, Cause: domain.ReportSpam}
	}
	sent := func(number int64, target domain.UserID) []domain.Event {
		return []domain.Event{reported(number, viewer, target)}
	}
	var own, full, joint []domain.Event
	for i := range 200 {
		if i < 5 {
			own = append(own, reported(int64(i+1), viewer, domain.UserID(100+i)))
		}
		if i < 20 {
			joint = append(joint, reported(1, domain.UserID(100+i), otherUser))
		}
		full = append(full, reported(int64(i+1), domain.UserID(1000+i), domain.UserID(100+i)))
	}
	comment := domain.SendReport{Live: 6, Comment: 41, Cause: domain.ReportOther, Text: " pretends to be you ", Author: otherUser}
	nobody, withUser := comment, comment
	nobody.Author, withUser.User = 0, streamer
	run(t, []spec{
		{name: "of a user is accepted", given: given(), when: about(otherUser), then: sent(1, otherUser)},
		{name: "of the owner is accepted", given: given(), when: about(streamer), then: sent(1, streamer)},
		{name: "is accepted after the live has ended", given: given(statusChanged(6, domain.StatusOnAir, domain.StatusEnded)), when: about(otherUser), then: sent(1, otherUser)},
		{name: "of a comment is accepted", given: given(), when: comment, then: []domain.Event{domain.ReportSent{Live: 6, Report: 1, User: viewer, Target: otherUser, Comment: 41, Cause: domain.ReportOther, Text: "pretends to be you"}}},
		{name: "of a comment that does not exist is refused", given: given(), when: nobody, refused: domain.CodeCommentNotFound},
		{name: "of a comment of another user is refused", given: given(), when: withUser, refused: domain.CodeCommentNotFound},
		{name: "of the own person is refused", given: given(), when: about(viewer), refused: domain.CodeBadRequest},
		{name: "of a user who was never in the live is refused", given: events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1")}), when: about(otherUser), refused: domain.CodeUserUnavailable},
		{name: "is refused for users who were never in the live", given: events(liveOnAir(6), []domain.Event{joined(otherUser, true, "p1")}), when: about(otherUser), refused: domain.CodeForbidden},
		{name: "is refused for banned users", given: given(domain.ViewerBanned{Live: 6, User: viewer}), when: about(otherUser), refused: domain.CodeBanned},
		{name: "needs a known cause", given: given(), when: domain.SendReport{Live: 6, User: otherUser, Cause: "because"}, refused: domain.CodeBadRequest},
		{name: "needs a text for the cause other", given: given(), when: domain.SendReport{Live: 6, User: otherUser, Cause: domain.ReportOther}, refused: domain.CodeTextEmpty},
		{name: "joins an open report of the same", given: given(reported(1, streamer, otherUser)), when: about(otherUser), then: sent(1, otherUser)},
		{name: "of the same by the same user changes nothing", given: given(reported(1, viewer, otherUser)), when: about(otherUser)},
		{name: "of the same by the 21st user changes nothing", given: given(joint...), when: about(otherUser)},
		{name: "after a decision is a new report", given: given(reported(1, viewer, otherUser), domain.ReportDecided{Live: 6, Report: 1, User: otherUser}), when: about(otherUser), then: sent(2, otherUser)},
		{name: "is refused for the sixth open report of a user", given: given(own...), when: about(otherUser), refused: domain.CodeReportsFull},
		{name: "is refused when the live has 200", given: given(full...), when: about(otherUser), refused: domain.CodeReportsFull},
		{name: "joins another one when the live has 200", given: given(append(full, reported(1, 1200, 100))...), when: domain.SendReport{Live: 6, Comment: 0, User: 100, Cause: domain.ReportSpam}, refused: domain.CodeUserUnavailable},
	})
}

func TestDecideReport(t *testing.T) {
	given := func(target domain.UserID, more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{appointed(otherUser), reported(1, viewer, target)}, more)
	}
	claimed := func(by string, until int64) domain.Event {
		return domain.ReportClaimed{Live: 6, Report: 1, User: 14, Claimer: by, Until: until}
	}
	claim, decide := domain.ClaimReport{Live: 6, Report: 1}, domain.DecideReport{Live: 6, Report: 1, Decision: domain.ReportUpheld, Reason: "muted", Reporters: []domain.UserID{viewer}}
	decided := func(target domain.UserID) []domain.Event {
		return []domain.Event{
			domain.ReportDecided{Live: 6, Report: 1, User: target, Decision: domain.ReportUpheld, Reason: "muted"},
			domain.ViewerNotified{Live: 6, User: viewer, Notice: domain.NoticeReportDecided, Number: 1, Decision: domain.ReportUpheld, Reason: "muted"},
		}
	}
	unknown := decide
	unknown.Decision = "perhaps"
	run(t, []spec{
		{name: "a moderator claims", given: given(14), by: asUser(otherUser), when: claim, then: []domain.Event{claimed("user-13", now.Unix()+600)}},
		{name: "a claim is refused while another one lasts", given: given(14, claimed("user-15", now.Unix()+1)), by: asUser(otherUser), when: claim, refused: domain.CodeReportClaimed},
		{name: "a claim ends by the time of the log", given: given(14, claimed("user-15", now.Unix())), by: asUser(otherUser), when: claim, then: []domain.Event{claimed("user-13", now.Unix()+600)}},
		{name: "a repeated claim changes nothing", given: given(14, claimed("user-13", now.Unix()+600)), by: asUser(otherUser), when: claim},
		{name: "the owner decides despite a claim", given: given(14, claimed("user-15", now.Unix()+1)), by: asUser(streamer), when: decide, then: decided(14)},
		{name: "a decision is refused while another moderator has claimed", given: given(14, claimed("user-15", now.Unix()+1)), by: asUser(otherUser), when: decide, refused: domain.CodeReportClaimed},
		{name: "the claimer decides", given: given(14, claimed("user-13", now.Unix()+1)), by: asUser(otherUser), when: decide, then: decided(14)},
		{name: "the second of two moderators is refused", given: given(14, decided(14)...), by: asUser(otherUser), when: decide, refused: domain.CodeReportNotFound},
		{name: "a moderator does not see a report of the own person", given: given(otherUser), by: asUser(otherUser), when: decide, refused: domain.CodeReportNotFound},
		{name: "a moderator does not decide about another one", given: given(14, appointed(14)), by: asUser(otherUser), when: decide, refused: domain.CodeReportNotFound},
		{name: "the owner decides about a moderator", given: given(otherUser), by: asUser(streamer), when: decide, then: decided(otherUser)},
		{name: "the owner does not decide about the own person", given: given(streamer), by: asUser(streamer), when: decide, refused: domain.CodeReportNotFound},
		{name: "an operator decides about the owner", given: given(streamer), by: operator, when: decide, then: decided(streamer)},
		{name: "an operator does not decide about the own person", given: given(operatorUser), by: asUser(operatorUser), when: decide, refused: domain.CodeReportNotFound},
		{name: "is refused for the user who reported", given: given(14), when: decide, refused: domain.CodeLiveNotFound},
		{name: "needs a known decision", given: given(14), by: operator, when: unknown, refused: domain.CodeBadRequest},
		{name: "is repeated when somebody has just joined the report", given: given(14, reported(1, streamer, 14)), by: operator, when: decide, refused: domain.CodeBusy},
		{name: "is accepted when the reported user and the user who reported were forgotten", given: given(14, domain.UserForgotten{User: viewer}), by: operator, when: decide, then: decided(14)},
		{name: "is accepted after the live has ended", given: given(14, statusChanged(6, domain.StatusOnAir, domain.StatusEnded)), by: asUser(otherUser), when: decide, then: decided(14)},
	})
}
