package broadcasts_test

import (
	"errors"
	"slices"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/media/broadcasts"
)

// viewerStates are the ways in which a viewer loses the right to play, and gets it back.
var viewerStates = []struct {
	name         string
	enter, leave func(l live, user domain.UserID) domain.Command // leave: nil if there is no way back
}{
	{"banned from the live", func(l live, user domain.UserID) domain.Command { return domain.BanViewer{Live: l.id, User: user} },
		func(l live, user domain.UserID) domain.Command { return domain.UnbanViewer{Live: l.id, User: user} }},
	{"banned", func(_ live, user domain.UserID) domain.Command { return domain.BanUser{User: user} },
		func(_ live, user domain.UserID) domain.Command { return domain.UnbanUser{User: user} }},
	{"disabled", func(_ live, user domain.UserID) domain.Command { return domain.DisableUser{User: user} },
		func(_ live, user domain.UserID) domain.Command { return domain.EnableUser{User: user} }},
	{"forgotten", func(_ live, user domain.UserID) domain.Command { return domain.ForgetUser{User: user} }, nil},
}

// TestViewerWithoutAccess disconnects the players of a viewer, on whichever node the command was executed, and no others.
func TestViewerWithoutAccess(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)
	for _, state := range viewerStates {
		t.Run(state.name, func(t *testing.T) {
			l, viewer, other := p.live(), p.live().owner.User, p.live().owner.User
			p.publish(l)
			sign := p.playSign(l, viewer)
			p.eventually("the tables have the viewer", func() bool { return p.play(l, sign) == nil && p.play(l, p.playSign(l, other)) == nil })
			p.playerWith(l, sign)
			p.playerWith(l, p.playSign(l, other))
			p.player(l)
			users := func() (all []int64) {
				for _, s := range p.server.Players(l.key) {
					all = append(all, s.Client.User)
				}
				slices.Sort(all)
				return all
			}
			p.eventually("all play", func() bool { return slices.Equal(users(), []int64{0, int64(viewer), int64(other)}) })
			q.execute(operator, state.enter(l, viewer))
			p.eventually("only the player of the viewer is disconnected", func() bool { return slices.Equal(users(), []int64{0, int64(other)}) })
			for _, n := range []*node{p, q} {
				n.eventually("the tables of the node are up to date", func() bool { return n.play(l, sign) != nil })
				if err := n.play(l, sign); !errors.Is(err, broadcasts.ErrViewerRefused) {
					t.Errorf("playing on node %s: %v", n.name, err)
				}
			}
			if state.leave != nil {
				q.execute(operator, state.leave(l, viewer))
				p.eventually("the viewer may play again", func() bool { return p.play(l, sign) == nil })
			}
		})
	}
}

// TestViewersThatWereBannedMeanwhileAreDisconnected bans a viewer while the node cannot read the tables.
func TestViewersThatWereBannedMeanwhileAreDisconnected(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var c tables
	p := open(t, db, "p", func(cfg *broadcasts.Config) { c.attach(t, db, cfg) })
	l, viewer := p.live(), p.live().owner.User
	p.publish(l)
	sign := p.playSign(l, viewer)
	p.eventually("the tables have the viewer", func() bool { return p.play(l, sign) == nil })
	p.playerWith(l, sign)
	p.eventually("the viewer plays", func() bool { return len(p.server.Players(l.key)) == 1 })
	c.off.Store(true)
	p.execute(operator, domain.BanViewer{Live: l.id, User: viewer})
	c.waitForWatcher(p)
	c.off.Store(false)
	p.eventually("the player is disconnected", func() bool { return len(p.server.Players(l.key)) == 0 })
}

// TestViewersAreCheckedWithOneQuery checks that the number of queries after an outage does not depend on the number of
// players.
func TestViewersAreCheckedWithOneQuery(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var c tables
	p := open(t, db, "p", func(cfg *broadcasts.Config) { c.attach(t, db, cfg) })
	lives := []live{p.live(), p.live()}
	viewers := []domain.UserID{p.live().owner.User, p.live().owner.User, p.live().owner.User}
	for _, l := range lives {
		p.publish(l)
		for _, viewer := range viewers {
			sign := p.playSign(l, viewer)
			p.eventually("the tables have the viewer", func() bool { return p.play(l, sign) == nil })
			p.playerWith(l, sign)
		}
		p.eventually("the viewers play", func() bool { return len(p.server.Players(l.key)) == len(viewers) })
	}
	before := len(c.queriesWith("viewer_ban"))
	c.off.Store(true)
	p.execute(operator, domain.BanViewer{Live: lives[0].id, User: viewers[0]})
	p.execute(operator, domain.BanUser{User: viewers[1]})
	c.waitForWatcher(p)
	c.off.Store(false)
	p.eventually("the players are disconnected", func() bool {
		return len(p.server.Players(lives[0].key)) == 1 && len(p.server.Players(lives[1].key)) == 2
	})
	queries := c.queriesWith("viewer_ban")[before:]
	if len(queries) != 1 {
		t.Fatalf("%d queries for the viewers, want 1", len(queries))
	}
	if users, isList := queries[0][1].([]int64); !isList || len(users) != len(lives)*len(viewers) {
		t.Errorf("the query has the arguments %v", queries[0])
	}
}

func TestPlayersSignedIn(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p", func(c *broadcasts.Config) { c.Players = broadcasts.PlayersSignedIn })
	l, viewer := p.live(), p.live().owner.User
	named := p.playSign(l, viewer)
	p.eventually("a user may play", func() bool { return p.play(l, named) == nil })
	if err := p.play(l, p.signer.Play(l.key)); !errors.Is(err, broadcasts.ErrAnonymous) {
		t.Errorf("an anonymous player: %v", err)
	}
	if err := p.play(l, p.signer.Publish(l.key)); err != nil {
		t.Errorf("the preview of the owner: %v", err)
	}
}
