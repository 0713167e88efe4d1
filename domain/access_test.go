package domain_test

import (
	"fmt"
	"testing"

	"roomlog/domain"
)

func accessSet(kind domain.AccessKind, credential string) domain.Event {
	return domain.LiveAccessSet{Live: 6, Access: kind, Credential: credential}
}

func admitted(u domain.UserID, credential string, invitation int64) domain.Event {
	return domain.ViewerAdmitted{Live: 6, User: u, Credential: credential, Invitation: invitation}
}

func invitationCreated(id, uses, until int64) domain.Event {
	return domain.InvitationCreated{Live: 6, Invitation: id, Hash: fmt.Sprint("h", id), Uses: uses, Until: until}
}

// TestAccessOfALive combines the kinds of access with people, for every command that a viewer needs the right for.
func TestAccessOfALive(t *testing.T) {
	ticket := []domain.Event{ticketIssued(viewer, 30)}
	password, invite := admitted(viewer, "c1", 0), []domain.Event{invitationCreated(1, 1, 0), domain.InvitationUsed{Live: 6, User: viewer, Invitation: 1}, admitted(viewer, "", 1)}
	all := map[domain.AccessKind]bool{domain.AccessPassword: true, domain.AccessFollowers: true, domain.AccessInvited: true, domain.AccessPaid: true}
	people := []struct {
		name string
		by   domain.UserID
		has  []domain.Event
		may  map[domain.AccessKind]bool // kinds of restricted lives that the person may be in
	}{
		{"somebody", viewer, nil, nil},
		{"a follower", viewer, []domain.Event{followed(viewer, streamer, 1)}, map[domain.AccessKind]bool{domain.AccessFollowers: true}},
		{"a former follower", viewer, []domain.Event{followed(viewer, streamer, 1), domain.UserUnfollowed{User: viewer, Streamer: streamer}}, nil},
		{"somebody with the password", viewer, []domain.Event{password}, map[domain.AccessKind]bool{domain.AccessPassword: true}},
		{"somebody with an earlier password", viewer, []domain.Event{admitted(viewer, "c0", 0)}, nil},
		{"somebody who has left and returns with the password", viewer, []domain.Event{password, joined(viewer, true, "p1"), left(viewer)}, map[domain.AccessKind]bool{domain.AccessPassword: true}},
		{"an invited user", viewer, invite, all},
		{"a user with a ticket", viewer, ticket, all},
		{"a user whose ticket was refunded", viewer, append(ticket, domain.TicketReturned{Live: 6, User: viewer, Reason: "ill"}), nil},
		{"a user with a revoked invitation", viewer, append(invite[:3:3], domain.InvitationRevoked{Live: 6, Invitation: 1}), nil},
		{"the owner", streamer, nil, all},
		{"a moderator", otherUser, []domain.Event{appointed(otherUser)}, all},
		{"an operator", operatorUser, nil, all},
	}
	codes := map[domain.AccessKind]domain.Code{domain.AccessPassword: domain.CodeLivePassword, domain.AccessFollowers: domain.CodeLiveFollowers, domain.AccessInvited: domain.CodeLiveInvited, domain.AccessPaid: domain.CodeLivePaid}
	for _, kind := range domain.AccessKinds {
		credential := ""
		if kind == domain.AccessPassword {
			credential = "c1"
		}
		set := domain.LiveAccessSet{Live: 6, Access: kind, Credential: credential}
		if kind == domain.AccessPaid {
			set.Price = 30
		}
		for _, who := range people {
			for _, c := range []domain.Command{domain.JoinLive{Live: 6, Node: "p9"}, domain.PostComment{Live: 6, Text: "hello"}, domain.SendGift{Live: 6, Gift: 3, Num: 1}} {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, who.name, c.Type()), func(t *testing.T) {
					w := after(t, events(testUsers(), liveOnAir(6), giftAdded(3, 1), coinsCredited(who.by, 100), who.has, []domain.Event{set}))
					_, err := w.decide(t, domain.Request{Command: c, Actor: asUser(who.by)})
					refusal := domain.AsRefusal(err)
					if may := !kind.Restricted() || who.may[kind]; may != (err == nil) || !may && (refusal == nil || refusal.Code != codes[kind]) {
						t.Errorf("got %v, want it accepted: %v", err, may)
					}
				})
			}
		}
	}
}

func TestSetAccess(t *testing.T) {
	set := func(kind domain.AccessKind, credential string) domain.SetAccess {
		return domain.SetAccess{Live: 6, Access: kind, Credential: credential}
	}
	run(t, []spec{
		{name: "is accepted from the owner", given: liveOnAir(6), by: asUser(streamer), when: set(domain.AccessFollowers, ""), then: []domain.Event{accessSet(domain.AccessFollowers, "")}},
		{name: "is accepted from an operator", given: liveOnAir(6), by: operator, when: set(domain.AccessInvited, ""), then: []domain.Event{accessSet(domain.AccessInvited, "")}},
		{name: "is refused for a moderator", given: append(liveOnAir(6), appointed(otherUser)), by: asUser(otherUser), when: set(domain.AccessOpen, ""), refused: domain.CodeLiveNotFound},
		{name: "is refused for an unknown access", given: liveOnAir(6), by: asUser(streamer), when: set("secret", ""), refused: domain.CodeBadRequest},
		{name: "is refused without a password", given: liveOnAir(6), by: asUser(streamer), when: set(domain.AccessPassword, ""), refused: domain.CodeBadRequest},
		{name: "is refused for a password of an open live", given: liveOnAir(6), by: asUser(streamer), when: set(domain.AccessOpen, "c1"), refused: domain.CodeBadRequest},
		{name: "changes nothing for an open live", given: liveOnAir(6), by: asUser(streamer), when: set(domain.AccessOpen, "")},
		{name: "replaces a password", given: append(liveOnAir(6), accessSet(domain.AccessPassword, "c0")), by: asUser(streamer), when: set(domain.AccessPassword, "c1"), then: []domain.Event{accessSet(domain.AccessPassword, "c1")}},
	})
	create := domain.CreateLive{Title: "songs", StreamKey: streamKey, Access: domain.AccessPassword, Credential: "c1"}
	run(t, []spec{
		{name: "at the creation", by: asUser(streamer), when: create, then: []domain.Event{
			domain.LiveCreated{Live: 1, Streamer: streamer, Title: "songs", StreamKey: streamKey}, domain.LiveAccessSet{Live: 1, Access: domain.AccessPassword, Credential: "c1"},
		}},
		{name: "at the creation is refused without a password", by: asUser(streamer), when: domain.CreateLive{Title: "songs", StreamKey: streamKey, Access: domain.AccessPassword}, refused: domain.CodeBadRequest},
	})
}

func TestEnterPassword(t *testing.T) {
	enter := domain.EnterPassword{Live: 6, Credential: "c1"}
	given := append(liveCreated(6), accessSet(domain.AccessPassword, "c1"))
	run(t, []spec{
		{name: "is accepted before the start", given: given, when: enter, then: []domain.Event{admitted(viewer, "c1", 0)}},
		{name: "changes nothing when it is repeated", given: append(given[:2:2], admitted(viewer, "c1", 0)), when: enter},
		{name: "is refused after the password was replaced", given: append(given[:2:2], accessSet(domain.AccessPassword, "c2")), when: enter, refused: domain.CodeLivePassword},
		{name: "is refused for an open live", given: liveCreated(6), when: enter, refused: domain.CodeLivePassword},
		{name: "is refused for a banned user", given: append(given[:2:2], domain.ViewerBanned{Live: 6, User: viewer}), when: enter, refused: domain.CodeBanned},
		{name: "is refused after the end", given: append(liveEnded(6), accessSet(domain.AccessPassword, "c1")), when: enter, refused: domain.CodeLiveEnded},
		{name: "is refused for a live that does not exist", when: domain.EnterPassword{Live: 9}, refused: domain.CodeLiveNotFound},
	})
}

func TestInvitations(t *testing.T) {
	create := domain.CreateInvitation{Live: 6, Uses: 10, Seconds: 60, Hash: "h2"}
	use := domain.UseInvitation{Live: 6, Hash: "h1"}
	used := func(u domain.UserID) []domain.Event {
		return []domain.Event{domain.InvitationUsed{Live: 6, User: u, Invitation: 1}, admitted(u, "", 1)}
	}
	with := func(uses, until int64, more ...domain.Event) []domain.Event {
		return events(liveCreated(6), []domain.Event{invitationCreated(1, uses, until)}, more)
	}
	var many []domain.Event
	for i := range int64(100) {
		many = append(many, invitationCreated(i+1, 1, 0))
	}
	run(t, []spec{
		{name: "are created by the owner", given: with(1, 0), by: asUser(streamer), when: create, then: []domain.Event{domain.InvitationCreated{Live: 6, Invitation: 2, Hash: "h2", Uses: 10, Until: now.Unix() + 60}}},
		{name: "get ids that revoked ones do not free", given: with(1, 0, domain.InvitationRevoked{Live: 6, Invitation: 1}), by: operator, when: domain.CreateInvitation{Live: 6, Uses: 1, Hash: "h2"}, then: []domain.Event{invitationCreated(2, 1, 0)}},
		{name: "are not created by others", given: liveCreated(6), when: create, refused: domain.CodeLiveNotFound},
		{name: "have at least one use", given: liveCreated(6), by: operator, when: domain.CreateInvitation{Live: 6, Hash: "h"}, refused: domain.CodeNumberOutOfRange},
		{name: "are at most 100", given: events(liveCreated(6), many), by: operator, when: create, refused: domain.CodeNumberOutOfRange},
		{name: "let a user in", given: with(1, 0), when: use, then: used(viewer)},
		{name: "are used once by a user", given: with(1, 0, used(viewer)...), when: use},
		{name: "are used up", given: with(1, 0, used(otherUser)...), when: use, refused: domain.CodeInvitationClosed},
		{name: "expire", given: with(1, now.Unix()), when: use, refused: domain.CodeInvitationClosed},
		{name: "last until their end", given: with(1, now.Unix()+1), when: use, then: used(viewer)},
		{name: "are for one live", given: append(with(1, 0), liveCreated(7)...), when: domain.UseInvitation{Live: 7, Hash: "h1"}, refused: domain.CodeInvitationNotFound},
		{name: "need their secret", given: with(1, 0), when: domain.UseInvitation{Live: 6}, refused: domain.CodeInvitationNotFound},
		{name: "let nobody in after they were revoked", given: with(1, 0, domain.InvitationRevoked{Live: 6, Invitation: 1}), when: use, refused: domain.CodeInvitationNotFound},
		{name: "do not lift a ban", given: with(1, 0, domain.ViewerBanned{Live: 6, User: viewer}), when: use, refused: domain.CodeBanned},
		{name: "let a user in again after another one was revoked", given: with(1, 0, append(used(viewer), domain.InvitationRevoked{Live: 6, Invitation: 1}, invitationCreated(2, 1, 0))...), when: domain.UseInvitation{Live: 6, Hash: "h2"},
			then: []domain.Event{domain.InvitationUsed{Live: 6, User: viewer, Invitation: 2}, admitted(viewer, "", 2)}},
		{name: "are revoked", given: with(1, 0), by: asUser(streamer), when: domain.RevokeInvitation{Live: 6, Invitation: 1}, then: []domain.Event{domain.InvitationRevoked{Live: 6, Invitation: 1}}},
		{name: "are revoked once", given: with(1, 0, domain.InvitationRevoked{Live: 6, Invitation: 1}), by: asUser(streamer), when: domain.RevokeInvitation{Live: 6, Invitation: 1}},
		{name: "must exist to be revoked", given: with(1, 0), by: asUser(streamer), when: domain.RevokeInvitation{Live: 6, Invitation: 2}, refused: domain.CodeInvitationNotFound},
	})
}
