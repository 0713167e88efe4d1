package broadcasts_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/bluenviron/gortmplib"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

// play authorizes a player.
func (p *node) play(l live, sign string) error {
	return p.manager.AuthorizePlay(p.Context(), media.PlayRequest{Key: l.key, Sign: sign})
}

// playSign returns a sign with which a user may play a live. It waits until the tables have the user.
func (p *node) playSign(l live, user domain.UserID) (sign string) {
	p.Helper()
	p.eventually("the tables have the user", func() bool {
		found, err := p.queries.User(p.Context(), user)
		sign = p.signer.PlayAs(l.key, int64(user), found.CreatedAt)
		return err == nil
	})
	return sign
}

// authorizePublish authorizes a publisher with a valid sign.
func (p *node) authorizePublish(l live) error {
	return p.manager.AuthorizePublish(p.Context(), media.PublishRequest{Key: l.key, Sign: p.signer.Publish(l.key)})
}

func TestAuthorizer(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", nil)
	l := p.live()
	if err := p.play(l, p.signer.Play(l.key)); err != nil {
		t.Errorf("a live that the tables may not have yet: %v", err)
	}
	for what, sign := range map[string]string{"missing": "", "of another stream": p.signer.Publish("another"), "for playing": p.signer.Play(l.key)} {
		if _, err := p.dial(l, sign); err == nil {
			t.Errorf("a sign that is %s is accepted for publishing", what)
		}
	}
	unknown := live{key: "01234567890123456789"}
	if err := p.play(unknown, p.signer.Play(unknown.key)); !errors.Is(err, broadcasts.ErrLiveNotFound) {
		t.Errorf("a stream key without a live: %v", err)
	}
}

func TestBroadcastIsRecorded(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", func(c *broadcasts.Config) { c.AutoLive = true })
	l := p.live()
	e := p.publish(l)
	if b := p.broadcast(l); b.Media.Audio != "mp3" || b.StreamKey != l.key {
		t.Errorf(`got %+v, want Media.Audio "mp3", StreamKey %v`, b, l.key)
	}
	if found, err := p.queries.Live(t.Context(), l.id); err != nil || found.Status != domain.StatusOnAir {
		t.Errorf("got %+v, %v, want Status %v", found, err, domain.StatusOnAir)
	}
	e.Close()
	p.expectEnds(l, domain.StopConnectionLost)
	p.eventually("OnChange has been called twice", func() bool { return len(p.changesOf(l)) == 2 })
	if a, b := p.changesOf(l)[0], p.changesOf(l)[1]; a.Live != l.id || a.Reason != "" || b.Reason != media.ReasonLost || a.Position == 0 || a.Position >= b.Position {
		t.Errorf("got %+v, then %+v", a, b)
	}
	p.eventually("the tables have the end", func() bool { return p.broadcast(l).Node == "" })
	p.publish(l)
	p.stop()
	if got := p.ends(l); len(got) != 2 || got[1] != domain.StopShutdown {
		t.Errorf("after a shutdown the ends are %v, want 2 elements, got[1] %v", got, domain.StopShutdown)
	}
}

func TestBroadcastIsRecordedDespiteLostConnections(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := open(t, db, "p1", nil)
	l := p.live()
	p.eventually("the tables have the live", func() bool { _, err := p.queries.LiveByStreamKey(t.Context(), l.key); return err == nil })
	if _, err := p.dial(l, p.signer.Publish(l.key)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := db.Owner.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name NOT LIKE 'roomlog node %'`); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("the tables have the broadcast", func() bool {
		found, err := p.queries.Live(t.Context(), l.id)
		return err == nil && found.Broadcast.Node == "p1"
	})
	if n := p.begun(l); n != 1 {
		t.Errorf("the log has %d beginnings, want 1", n)
	}
}

// begun returns the number of beginnings of a live's broadcasts in the log.
func (p *node) begun(l live) (n int) {
	p.Helper()
	if err := p.db.Owner.QueryRow(p.Context(), "SELECT count(*) FROM events WHERE type = 'broadcast.started.v1' AND live_id = $1", l.id).Scan(&n); err != nil {
		p.Fatal(err)
	}
	return n
}

func TestSeveralNodes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)

	t.Run("one of them publishes a live", func(t *testing.T) {
		l := p.live()
		e := p.publish(l)
		if err := q.authorizePublish(l); !errors.Is(err, media.ErrAlreadyPublishing) {
			t.Errorf("the other node: %v", err)
		}
		// Both nodes authorize a publisher at the same moment: the later one in the log counts.
		q.execute(system, domain.StartBroadcast{Live: l.id, Broadcast: "another", Node: "q"})
		p.disconnected(e, "another broadcast of the live has begun on another node")
		p.expectEnds(l, domain.StopReplaced)
		q.execute(system, domain.StopBroadcast{Live: l.id, Broadcast: "another", Cause: domain.StopByPublisher})
	})
	t.Run("operators list and end streams of any node", func(t *testing.T) {
		l := p.live()
		e := p.publish(l)
		player := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + l.key, RawQuery: "sign=" + p.signer.Play(l.key)}}
		if err := player.Initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer player.Close()
		recorder, err := p.server.Subscribe(media.Broadcast{Key: l.key, ID: string(p.broadcast(l).ID)})
		if err != nil {
			t.Fatal(err)
		}
		streams, err := q.directory.Streams(t.Context())
		if err != nil || len(streams) != 1 || streams[0].Live.ID != l.id || len(streams[0].Nodes) != 1 || streams[0].Nodes[0].Node != "p" || streams[0].Nodes[0].Publisher == "" {
			t.Fatalf("got %+v, %v", streams, err)
		}
		if got := streams[0].Nodes[0].Players; len(got) != 1 || got[media.RTMP] != 1 {
			t.Errorf("the stream has the players %v, want 1 over RTMP, and no recorder", got)
		}
		players, err := q.directory.Players(t.Context(), streams[0].Live)
		if err != nil || len(players) != 1 || players[0].Node != "p" {
			t.Fatalf(`got %+v, %v, want 1 element, players[0].Node "p"`, players, err)
		}
		recorder.Close()
		id := domain.PlayerID(players[0].ID)
		if on, found, err := q.directory.LiveOfPlayer(t.Context(), id); err != nil || !found || on != l.id {
			t.Errorf("got %v, %v, %v", on, found, err)
		}
		q.execute(operator, domain.KickPlayer{Live: l.id, Player: id, Reason: "noise"})
		p.eventually("the player is disconnected", func() bool { return len(p.server.Players(l.key)) == 0 })
		if _, found, err := q.directory.LiveOfPlayer(t.Context(), "nobody"); err != nil || found {
			t.Errorf("got %v, %v", found, err)
		}
		q.execute(operator, domain.KickBroadcast{Live: l.id, Reason: "not for children"})
		p.disconnected(e, "an operator has ended the broadcast")
		p.eventually("both nodes refuse the publisher", func() bool { return p.authorizePublish(l) != nil && q.authorizePublish(l) != nil })
		p.expectEnds(l, domain.StopKicked)
	})
	t.Run("a node that was considered lost resumes its broadcast", func(t *testing.T) {
		l := p.live()
		e := p.publish(l)
		before := p.broadcast(l)
		q.execute(system, domain.StopBroadcast{Live: l.id, Broadcast: before.ID, Cause: domain.StopNodeLost})
		p.eventually("the broadcast has another id", func() bool { now := p.broadcast(l); return now.ID != "" && now.ID != before.ID })
		e.Close()
		p.expectEnds(l, domain.StopNodeLost, domain.StopConnectionLost)
		p.eventually("OnChange has been called twice", func() bool { return len(p.changesOf(l)) > 1 })
		if got := p.changesOf(l); len(got) != 2 || got[0].Reason != "" || got[1].Reason != media.ReasonLost || got[1].Position != p.lastEnd(l) {
			t.Errorf("one broadcast has the changes %+v", got)
		}
	})
	t.Run("broadcasts of a lost node are ended by another", func(t *testing.T) {
		l, returning := p.live(), p.live()
		q.execute(system, domain.StartBroadcast{Live: l.id, Broadcast: "left", Node: "lost"})
		q.execute(system, domain.StartBroadcast{Live: returning.id, Broadcast: "left too", Node: "lost"})
		p.eventually("the tables have them", func() bool { return p.broadcast(returning) != (projections.Broadcast{}) })
		p.publish(returning) // does not wait for the grace time
		stays := p.live()
		p.publish(stays)
		q.eventually("the broadcast of the lost node is ended", func() bool {
			q.clock.Forward(lostNodeGrace) // repeated, because the first time may precede the check that finds the lost node
			return len(q.ends(l)) > 0
		})
		q.expectEnds(l, domain.StopNodeLost)
		if got := p.ends(stays); len(got) != 0 {
			t.Errorf("the broadcast of a member has ended with %v, want 0 elements", got)
		}
		q.expectEnds(returning, domain.StopReplaced)
	})
}

func TestConfigRequiresItsFields(t *testing.T) {
	t.Parallel()
	if _, err := broadcasts.New(broadcasts.Config{}); err == nil {
		t.Error("an empty Config is accepted")
	}
}
