package domain_test

import (
	"slices"
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
	var own, joins, joint []domain.Event
	for i := range 20 {
		if i < 5 {
			own = append(own, reported(int64(i+1), viewer, domain.UserID(100+i)))
			joins = append(joins, reported(int64(i+1), streamer, domain.UserID(100+i)), reported(int64(i+1), viewer, domain.UserID(100+i)))
		}
		joint = append(joint, reported(1, domain.UserID(100+i), otherUser))
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
		{name: "joins another one although the user has five", given: given(append(slices.Clone(own), reported(6, streamer, otherUser))...), when: about(otherUser), then: sent(6, otherUser)},
		{name: "is accepted from a user who has joined five", given: given(joins...), when: about(otherUser), then: sent(6, otherUser)},
	})
}

// TestSendReportAfterAccessWasLost checks that a user who was in a restricted live may still report what happened there: nobody can
// be silenced with a refund, another password or a restriction. A user who was never let in may not.
func TestSendReportAfterAccessWasLost(t *testing.T) {
	paid := domain.LiveAccessSet{Live: 6, Access: domain.AccessPaid, Price: 30}
	report := domain.SendReport{Live: 6, User: otherUser, Cause: domain.ReportInsult}
	comment := domain.SendReport{Live: 6, Comment: 41, Cause: domain.ReportInsult, Author: otherUser}
	unknown := domain.SendReport{Live: 6, Comment: 42, Cause: domain.ReportInsult}
	sent := func(comment int64) []domain.Event {
		return []domain.Event{domain.ReportSent{Live: 6, Report: 1, User: viewer, Target: otherUser, Comment: comment, Cause: domain.ReportInsult}}
	}
	was := func(users ...domain.UserID) (all []domain.Event) {
		for _, user := range users {
			all = append(all, joined(user, true, "p1"), domain.ViewerLeft{Live: 6, User: user, Cause: domain.LeaveRemoved})
		}
		return all
	}
	for _, lost := range []struct {
		name   string
		access []domain.Event
		code   domain.Code // of a comment
	}{
		{"password", []domain.Event{accessSet(domain.AccessPassword, "c2")}, domain.CodeLivePassword},
		{"another password", []domain.Event{accessSet(domain.AccessPassword, "c1"), admitted(viewer, "c1", 0), accessSet(domain.AccessPassword, "c2")}, domain.CodeLivePassword},
		{"followers", []domain.Event{accessSet(domain.AccessFollowers, "")}, domain.CodeLiveFollowers},
		{"invited", []domain.Event{accessSet(domain.AccessInvited, "")}, domain.CodeLiveInvited},
		{"revoked invitation", []domain.Event{accessSet(domain.AccessInvited, ""), invitationCreated(1, 1, 0), admitted(viewer, "", 1), domain.InvitationRevoked{Live: 6, Invitation: 1}}, domain.CodeLiveInvited},
		{"paid", []domain.Event{paid}, domain.CodeLivePaid},
		{"refund", []domain.Event{paid, ticketIssued(viewer, 30), domain.TicketReturned{Live: 6, User: viewer, Position: 9, Reason: "ill"}}, domain.CodeLivePaid},
		{"age", []domain.Event{domain.LiveAgeSet{Live: 6, MinAge: 18}}, domain.CodeLiveAge},
	} {
		both, never := events(liveOnAir(6), was(viewer, otherUser), lost.access), events(liveOnAir(6), was(otherUser), lost.access)
		run(t, []spec{
			{name: lost.name + ": the former viewer has no access", given: both, when: domain.PostComment{Live: 6, Text: "hi"}, refused: lost.code},
			{name: lost.name + ": the former viewer reports a user", given: both, when: report, then: sent(0)},
			{name: lost.name + ": the former viewer reports a comment", given: both, when: comment, then: sent(41)},
			{name: lost.name + ": who was never in the live is refused", given: never, when: report, refused: domain.CodeForbidden},
			{name: lost.name + ": who was never in the live may not report a comment", given: never, when: comment, refused: domain.CodeForbidden},
			{name: lost.name + ": who was never in the live does not learn whether there is a comment", given: never, when: unknown, refused: domain.CodeForbidden},
		})
	}
}

// fullQueue returns 200 open reports in live 6. Report n is about user 2000+n; by returns who has sent it.
func fullQueue(by func(report int64) []domain.UserID) (all []domain.Event) {
	for n := int64(1); n <= 200; n++ {
		for _, u := range by(n) {
			all = append(all, reported(n, u, domain.UserID(2000+n)))
		}
	}
	return all
}

func TestReportsOfManyAccountsKeepNobodyOut(t *testing.T) {
	const firstOther = 1000
	five := func(n int64) []domain.UserID { return []domain.UserID{domain.UserID(firstOther + (n-1)/5)} }
	one := func(n int64) []domain.UserID { return []domain.UserID{domain.UserID(firstOther + n)} }
	with := func(by func(int64) []domain.UserID, changed map[int64][]domain.UserID) func(int64) []domain.UserID {
		return func(n int64) []domain.UserID {
			if users, ok := changed[n]; ok {
				return users
			}
			return by(n)
		}
	}
	given := func(by func(int64) []domain.UserID, more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), []domain.Event{joined(viewer, true, "p1"), joined(otherUser, true, "p1")}, fullQueue(by), more)
	}
	claimed := func(n int64) domain.Event {
		return domain.ReportClaimed{Live: 6, Report: n, User: domain.UserID(2000 + n), Claimer: "user-7", Until: now.Unix() + 1}
	}
	var claims []domain.Event
	for n := range int64(200) {
		claims = append(claims, claimed(n+1))
	}
	report := domain.SendReport{Live: 6, User: otherUser, Cause: domain.ReportSpam}
	displaced := func(n int64) []domain.Event {
		return []domain.Event{domain.ReportDisplaced{Live: 6, Report: n, User: domain.UserID(2000 + n)}, reported(201, viewer, otherUser)}
	}
	mine := []domain.UserID{viewer}
	// joins are reports 2 to 7, which a user with report 1 has joined; everything is the whole queue, which 3001 has joined.
	joins := func(by func(int64) []domain.UserID, user domain.UserID) map[int64][]domain.UserID {
		changed := map[int64][]domain.UserID{1: {user}}
		for n := int64(2); n <= 7; n++ {
			changed[n] = append(by(n), user)
		}
		return changed
	}
	everything := func(by func(int64) []domain.UserID) func(int64) []domain.UserID {
		return func(n int64) []domain.UserID { return append(by(n), 3001) }
	}
	var banned []domain.Event
	for n := range domain.UserID(200) {
		banned = append(banned, domain.ViewerBanned{Live: 6, User: firstOther + 1 + n})
	}
	run(t, []spec{
		{name: "joins do not make the report of a user heavier", given: given(with(five, joins(five, 3001))), when: report, then: displaced(6)},
		{name: "joins do not keep a user from a second report", given: given(with(five, joins(five, viewer))), when: report, then: displaced(6)},
		{name: "joins of a user with one report give no place to a second one", given: given(with(one, joins(one, viewer))), when: report, refused: domain.CodeReportsFull},
		{name: "a user who joins everything protects nothing", given: given(with(everything(five), map[int64][]domain.UserID{1: {3002}, 2: mine})), when: report, then: displaced(6)},
		{name: "a user who joins all reports of banned users protects none", given: given(with(everything(one), map[int64][]domain.UserID{1: mine}), banned...), when: report, then: displaced(2)},
		{name: "the oldest report of the user who has most gives its place", given: given(with(five, map[int64][]domain.UserID{1: {3001}, 2: {3002}})), when: report, then: displaced(6)},
		{name: "the oldest report gives its place if everybody has one", given: given(one), when: report, then: displaced(1)},
		{name: "a report of a user with few is kept although others have joined it", given: given(with(five, map[int64][]domain.UserID{1: {firstOther, 3001}, 2: {firstOther}})), when: report, then: displaced(2)},
		{name: "a report of a banned user gives its place first", given: given(with(five, map[int64][]domain.UserID{90: {3001}}), domain.ViewerBanned{Live: 6, User: 3001}), when: report, then: displaced(90)},
		{name: "a report that a user joined who is not banned counts as theirs", given: given(with(five, map[int64][]domain.UserID{90: {3001, 3002}}), domain.ViewerBanned{Live: 6, User: 3001}), when: report, then: displaced(1)},
		{name: "a report that a moderator has claimed is kept", given: given(one, claimed(1)), when: report, then: displaced(2)},
		{name: "a claim does not keep the first report of a user out", given: given(one, claims...), when: report, then: displaced(1)},
		{name: "a second report is refused if nobody has more", given: given(with(one, map[int64][]domain.UserID{7: mine})), when: report, refused: domain.CodeReportsFull},
		{name: "a second report takes the place of one of a user with two", given: given(with(one, map[int64][]domain.UserID{7: mine, 8: {3001}, 9: {3001}})), when: report, then: displaced(8)},
		{name: "a report of the same still joins", given: given(with(one, map[int64][]domain.UserID{1: mine}), domain.ReportDecided{Live: 6, Report: 200, User: 2200}, reported(201, 3001, otherUser)), when: report, then: []domain.Event{reported(201, viewer, otherUser)}},
		{name: "after a displaced report of the same it is a new one", given: given(with(five, map[int64][]domain.UserID{}), domain.ReportDisplaced{Live: 6, Report: 1, User: 2001}, reported(201, viewer, otherUser), domain.ReportDisplaced{Live: 6, Report: 201, User: otherUser}), when: report, then: []domain.Event{reported(202, viewer, otherUser)}},
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
