package broadcasts_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/broadcasts"
)

// ownerState is a state of the owner of a live, with the commands that begin and end it.
type ownerState struct {
	name  string
	enter func(p *node, l live, onAir []domain.LiveID)
	leave func(p *node, l live) // nil if no command ends the state
	lasts time.Duration         // after which the state ends; 0 if it does not end by itself
	ends  bool                  // whether the live has ended
	free  bool                  // whether the owner may broadcast
}

var ownerStates = []ownerState{
	{name: "active", free: true, enter: func(*node, live, []domain.LiveID) {}},
	{
		name: "banned",
		enter: func(p *node, l live, onAir []domain.LiveID) {
			p.execute(operator, domain.BanUser{User: l.owner.User, Lives: onAir})
		},
		leave: func(p *node, l live) { p.execute(operator, domain.UnbanUser{User: l.owner.User}) },
	},
	{
		name: "banned until the ban expires",
		enter: func(p *node, l live, onAir []domain.LiveID) {
			p.execute(operator, domain.BanUser{User: l.owner.User, Seconds: 3600, Lives: onAir})
		},
		lasts: time.Hour,
	},
	{
		name: "disabled",
		enter: func(p *node, l live, onAir []domain.LiveID) {
			p.execute(operator, domain.DisableUser{User: l.owner.User, Lives: onAir})
		},
		leave: func(p *node, l live) { p.execute(operator, domain.EnableUser{User: l.owner.User}) },
	},
	{
		name: "forgotten",
		enter: func(p *node, l live, onAir []domain.LiveID) {
			p.execute(operator, domain.ForgetUser{User: l.owner.User, Lives: onAir})
		},
	},
	{
		name: "owner of a live that has ended",
		ends: true,
		enter: func(p *node, l live, _ []domain.LiveID) {
			p.execute(operator, domain.ChangeLiveStatus{Live: l.id, To: domain.LiveStop})
		},
	},
}

// liveStates puts a live in each status in which it can have a broadcast.
var liveStates = []struct {
	name    string
	changes []domain.LiveChange
}{
	{name: "not started"},
	{name: "on air", changes: []domain.LiveChange{domain.LivePlay}},
	{name: "paused", changes: []domain.LiveChange{domain.LivePlay, domain.LivePause}},
}

// TestOwnerWithoutAccess combines every state of an owner with every status of a live. The publisher and its players
// must be disconnected, on whichever node the command was executed, and no publisher may be accepted until the owner
// has access again.
func TestOwnerWithoutAccess(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)
	for _, owner := range ownerStates {
		for _, status := range liveStates {
			t.Run(owner.name+"/"+status.name, func(t *testing.T) {
				l := p.live()
				for _, change := range status.changes {
					p.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: change})
				}
				var onAir []domain.LiveID
				if len(status.changes) > 0 {
					onAir = []domain.LiveID{l.id}
				}
				e, player := p.publish(l), p.player(l)
				owner.enter(q, l, onAir)
				if owner.free {
					if p.play(l, p.signer.Play(l.key)) != nil || len(p.ends(l)) != 0 {
						t.Error("the broadcast of an active owner has ended")
					}
					e.Close()
					p.expectEnds(l, domain.StopConnectionLost)
					p.eventually("a publisher is accepted", func() bool { return p.authorizePublish(l) == nil && q.authorizePublish(l) == nil })
					return
				}
				p.disconnected(e, "the owner is "+owner.name)
				p.eventually("the players are disconnected", func() bool { return len(p.server.Players(l.key)) == 0 })
				player.Close()
				cause, refusal := domain.StopOwnerUnavailable, broadcasts.ErrOwnerRefused
				if ended := owner.ends || len(onAir) > 0; ended {
					cause = domain.StopLiveEnded
				}
				if owner.ends {
					refusal = broadcasts.ErrLiveEnded
				}
				p.expectEnds(l, cause)
				for _, n := range []*node{p, q} {
					n.eventually("the tables of the node are up to date", func() bool { return n.authorizePublish(l) != nil })
					if err := n.authorizePublish(l); !errors.Is(err, refusal) {
						t.Errorf("publishing on node %s: %v", n.name, err)
					}
					if err := n.play(l, n.signer.Play(l.key)); !errors.Is(err, refusal) {
						t.Errorf("playing on node %s: %v", n.name, err)
					}
				}
				if _, err := p.dial(l, p.signer.Publish(l.key)); err == nil {
					t.Error("an encoder is accepted")
				}
				switch {
				case owner.lasts > 0:
					for _, n := range []*node{p, q} {
						n.now.Forward(owner.lasts)
						defer n.now.Forward(-owner.lasts)
					}
				case owner.leave != nil:
					owner.leave(q, l)
				default:
					return
				}
				want := error(nil)
				if len(onAir) > 0 { // the live has ended for ever
					want = broadcasts.ErrLiveEnded
				}
				p.eventually("the owner may broadcast again", func() bool { return errors.Is(p.authorizePublish(l), want) })
				if want == nil {
					p.publish(l)
				}
			})
		}
	}
}

// TestOwnerIsBannedWhilePublishStarts checks that a ban may arrive between the authorization of a publisher and its
// stream.
func TestOwnerIsBannedWhilePublishStarts(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p", nil)
	l, other := p.live(), p.live()
	p.publish(other)
	release := make(chan struct{})
	p.hold(l.key, release)
	dialed := make(chan error, 1)
	go func() {
		_, err := p.dial(l, p.signer.Publish(l.key))
		dialed <- err
	}()
	p.eventually("the publisher is authorized", func() bool { return p.held.Load() > 0 })
	p.execute(operator, domain.BanUser{User: l.owner.User})
	p.execute(operator, domain.KickBroadcast{Live: other.id})
	p.eventually("the manager has handled the ban and then the kick", func() bool { return errors.Is(p.authorizePublish(other), broadcasts.ErrRecentlyKicked) })
	close(release)
	if err := waittest.Receive(t, dialed, "the publisher"); err == nil {
		t.Error("a publisher that was authorized before the ban was accepted after it")
	}
	if n := p.begun(l); n != 0 {
		t.Errorf("the log has %d beginnings, want 0", n)
	}
}

// TestABanChecksAllStreamsWithOneQuery authorizes several publishers before a ban. Publishers that were refused are not
// checked again.
func TestABanChecksAllStreamsWithOneQuery(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var c tables
	p := open(t, db, "p", func(cfg *broadcasts.Config) { cfg.Queries = c.open(t, db) })
	banned, other := p.live(), p.live()
	e, last := p.publish(banned), p.publish(other)
	want := []string{banned.key, other.key}
	for range 3 {
		l := p.live()
		p.eventually("a publisher is authorized", func() bool { return p.authorizePublish(l) == nil })
		want = append(want, l.key)
	}
	for _, key := range []string{"made-up-1", "made-up-2"} {
		if err := p.manager.AuthorizePublish(t.Context(), media.PublishRequest{Key: key, Sign: "pk_x"}); !errors.Is(err, broadcasts.ErrLiveNotFound) {
			t.Errorf("stream key %s: %v", key, err)
		}
	}
	before := len(c.queriesWith("l.stream_key ="))
	p.execute(operator, domain.BanUser{User: banned.owner.User})
	p.execute(operator, domain.KickBroadcast{Live: other.id})
	p.disconnected(e, "the owner is banned")
	p.disconnected(last, "an operator has ended the broadcast, after the ban")
	queries := c.queriesWith("l.stream_key =")[before:]
	if len(queries) != 1 {
		t.Fatalf("%d queries by stream key, want 1: %v", len(queries), queries)
	}
	checked, _ := queries[0][0].([]string)
	got := slices.Sorted(slices.Values(checked)) // a copy: the manager still has the list
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the streams %v are checked, want %v", got, want)
	}
}

// player plays a live over RTMP.
func (p *node) player(l live) *gortmplib.Client {
	p.Helper()
	return p.playerWith(l, p.signer.Play(l.key))
}

// playerWith plays a live with a sign.
func (p *node) playerWith(l live, sign string) *gortmplib.Client {
	p.Helper()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + l.key, RawQuery: "sign=" + sign}}
	if err := c.Initialize(p.Context()); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { c.Close() })
	return c
}
