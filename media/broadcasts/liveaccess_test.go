package broadcasts_test

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/media/broadcasts"
	"roomlog/media/record"
)

// TestPlayersOfALiveThatIsNotForEverybody changes the access of a live on one node and checks who may play its stream and its
// recordings on both, and who stays connected.
func TestPlayersOfALiveThatIsNotForEverybody(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)
	l, friend, outsider := p.live(), p.live().owner, p.live().owner
	p.publish(l)
	p.execute(system, domain.StartRecording{Live: l.id, Recording: domain.RecordingID(p.broadcast(l).ID)})
	archive, err := broadcasts.NewRecordings(broadcasts.RecordingsConfig{Commands: p.sequencer, Queries: p.queries, Signer: p.signer, Log: slog.New(slog.DiscardHandler), Now: p.now.Now})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(by domain.Actor) string { return p.playSign(l, by.User) }
	users := func() (all []int64) {
		for _, s := range p.server.Players(l.key) {
			all = append(all, s.Client.User)
		}
		slices.Sort(all)
		return all
	}
	expect := func(what string, may map[string]bool) {
		t.Helper()
		for name, sign := range map[string]string{"the friend": sign(friend), "an outsider": sign(outsider), "anonymous": p.signer.Play(l.key), "the owner": p.signer.Publish(l.key), "the owner by name": sign(l.owner)} {
			for _, n := range []*node{p, q} {
				n.eventually(what+": "+name+" plays: "+strconv.FormatBool(may[name]), func() bool {
					err := n.play(l, sign)
					return may[name] == (err == nil) && (err == nil || errors.Is(err, broadcasts.ErrViewerRefused))
				})
			}
			err := archive.Authorize(t.Context(), strconv.FormatInt(int64(l.id), 10), string(p.broadcast(l).ID), sign)
			if may[name] != (err == nil) || err != nil && !errors.Is(err, record.ErrForbidden) {
				t.Errorf("%s: %s plays the recording: %v", what, name, err)
			}
		}
	}
	everybody := map[string]bool{"the friend": true, "an outsider": true, "anonymous": true, "the owner": true, "the owner by name": true}
	owner := map[string]bool{"the owner": true, "the owner by name": true}
	invited := map[string]bool{"the friend": true, "the owner": true, "the owner by name": true}
	expect("open", everybody)
	for _, s := range []string{sign(friend), sign(outsider), p.signer.Play(l.key), p.signer.Publish(l.key)} {
		p.playerWith(l, s)
	}
	p.eventually("all play", func() bool { return len(users()) == 4 })
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessUnlisted})
	expect("unlisted", everybody)
	q.execute(l.owner, domain.CreateInvitation{Live: l.id, Uses: 1, Hash: "h"})
	q.execute(friend, domain.UseInvitation{Live: l.id, Hash: "h"})
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessInvited})
	p.eventually("only the friend and the preview of the owner stay", func() bool { return slices.Equal(users(), []int64{0, int64(friend.User)}) })
	expect("invited", invited)
	q.execute(l.owner, domain.RevokeInvitation{Live: l.id, Invitation: 1})
	p.eventually("only the preview of the owner stays", func() bool { return slices.Equal(users(), []int64{0}) })
	expect("no invitation", owner)
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessFollowers})
	q.execute(friend, domain.FollowUser{Streamer: l.owner.User})
	expect("followers", invited)
	p.playerWith(l, sign(friend))
	p.eventually("the follower plays", func() bool { return len(users()) == 2 })
	q.execute(friend, domain.UnfollowUser{Streamer: l.owner.User})
	p.eventually("the former follower is disconnected", func() bool { return slices.Equal(users(), []int64{0}) })
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessPassword, Credential: "c1"})
	expect("password", owner)
	q.execute(friend, domain.EnterPassword{Live: l.id, Credential: "c1"})
	expect("password of the friend", invited)
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessPaid, Price: 30})
	q.execute(operator, domain.CreditCoins{Order: "O1", User: friend.User, Coins: 30})
	expect("paid", owner)
	ticket := q.execute(friend, domain.BuyTicket{Live: l.id, Price: 30, Streamer: l.owner.User}).Events[0].Position
	expect("ticket of the friend", invited)
	p.playerWith(l, sign(friend))
	p.eventually("the friend plays with the ticket", func() bool { return len(users()) == 2 })
	q.execute(operator, domain.RefundTicket{Live: l.id, User: friend.User, Reason: "no picture", Streamer: l.owner.User, Position: ticket, Received: 30})
	p.eventually("the user of the refunded ticket is disconnected", func() bool { return slices.Equal(users(), []int64{0}) })
	q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessOpen})
	expect("open again", everybody)
	q.execute(friend, domain.ChangeProfile{Age: new(18)})
	p.playerWith(l, sign(friend))
	p.playerWith(l, sign(outsider))
	p.eventually("three play", func() bool { return len(users()) == 3 })
	q.execute(l.owner, domain.SetMinAge{Live: l.id, MinAge: 18})
	p.eventually("the user without an age is disconnected", func() bool { return slices.Equal(users(), []int64{0, int64(friend.User)}) })
	expect("minimum age", invited)
	q.execute(friend, domain.ChangeProfile{Age: new(17)})
	p.eventually("the user who became younger is disconnected", func() bool { return slices.Equal(users(), []int64{0}) })
}
