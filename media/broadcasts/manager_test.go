package broadcasts_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

func TestWhoMayStream(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", nil)
	play := func(r room, sign string) error {
		return p.stage.AuthorizePlay(t.Context(), media.PlayRequest{Key: r.key, Sign: sign})
	}
	r := p.room() // made a moment ago: the tables may be behind
	if err := play(r, p.signer.Play(r.key)); err != nil {
		t.Errorf("a room made a moment ago: %v", err)
	}
	for what, sign := range map[string]string{"none": "", "another's": p.signer.Publish("another"), "one to play": p.signer.Play(r.key)} {
		if _, err := p.dial(r, sign); err == nil {
			t.Errorf("a sign that is %s opens publishing", what)
		}
	}
	nowhere := room{key: "01234567890123456789"}
	if err := play(nowhere, p.signer.Play(nowhere.key)); err == nil {
		t.Error("a stream of no room is played")
	}
	p.asks(operator, domain.DisableUser{User: r.owner.User})
	p.eventually("who is locked out is refused", func() bool { return play(r, p.signer.Play(r.key)) != nil })
	p.asks(operator, domain.EnableUser{User: r.owner.User})
	p.eventually("who is let in is let in", func() bool { return play(r, p.signer.Play(r.key)) == nil })
	p.asks(r.owner, domain.ChangeLiveStatus{Live: r.live, To: domain.LiveStop})
	p.eventually("a room that has ended is refused", func() bool { return play(r, p.signer.Play(r.key)) != nil })
	if _, err := p.dial(r, p.signer.Publish(r.key)); err == nil {
		t.Error("a room that has ended is published into")
	}
}

func TestAShowIsInTheLog(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", func(c *broadcasts.Config) { c.AutoLive = true })
	r := p.room()
	e := p.publish(r)
	if show := p.show(r); show.Media.Audio != "mp3" || show.StreamKey != r.key {
		t.Errorf("%+v", show)
	}
	if live, err := p.queries.Live(t.Context(), r.live); err != nil || live.Status != domain.StatusOnAir {
		t.Errorf("%+v, %v", live, err)
	}
	e.Close()
	p.hasEnded(r, domain.StopConnectionLost)
	p.eventually("the hooks hear", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.told) == 2 })
	if a, b := p.told[0], p.told[1]; a.Live != r.live || a.Reason != "" || b.Reason != media.ReasonLost || a.Position == 0 || a.Position >= b.Position {
		t.Errorf("%+v, then %+v", a, b)
	}
	p.eventually("the tables know of the end", func() bool { return p.show(r).Node == "" })
	p.publish(r)
	p.stop()
	if got := p.ends(r); len(got) != 2 || got[1] != domain.StopShutdown {
		t.Errorf("a process that stops leaves %v", got)
	}
}

func TestTheLogIsToldWhenItCanBe(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := open(t, db, "p1", nil)
	r := p.room()
	if _, err := p.queries.LiveByStreamKey(t.Context(), r.key); err != nil { // the gate has to find it
		p.eventually("the tables have the room", func() bool { _, err := p.queries.LiveByStreamKey(t.Context(), r.key); return err == nil })
	}
	if _, err := p.dial(r, p.signer.Publish(r.key)); err != nil {
		t.Fatal(err)
	}
	for range 5 { // what is under way is told again
		if _, err := db.Owner.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'roomlog heartbeat'`); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("the log has the stream", func() bool {
		live, err := p.queries.Live(t.Context(), r.live)
		return err == nil && live.Broadcast.Node == "p1"
	})
	if n := p.begun(r); n != 1 {
		t.Errorf("it has begun %d times", n)
	}
}

// begun is how often a stream of a room has begun in the log.
func (p *process) begun(r room) (n int) {
	p.Helper()
	if err := p.db.Owner.QueryRow(p.Context(), "SELECT count(*) FROM events WHERE type = 'broadcast.started.v1' AND live_id = $1", r.live).Scan(&n); err != nil {
		p.Fatal(err)
	}
	return n
}

func TestSeveralProcesses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)

	t.Run("one of them takes in the stream of a room", func(t *testing.T) {
		r := p.room()
		e := p.publish(r)
		if err := q.stage.AuthorizePublish(t.Context(), media.PublishRequest{Key: r.key, Sign: q.signer.Publish(r.key)}); !errors.Is(err, media.ErrAlreadyPublishing) {
			t.Errorf("the other one says %v", err)
		}
		// Both let somebody in at the same moment: the log has one order, and the later one counts.
		q.asks(system, domain.StartBroadcast{Live: r.live, Broadcast: "another", Node: "q"})
		p.gone(e, "another stream of the room began elsewhere")
		p.hasEnded(r, domain.StopReplaced)
		q.asks(system, domain.StopBroadcast{Live: r.live, Broadcast: "another", Cause: domain.StopByPublisher})
	})
	t.Run("a room that ends is cut wherever its stream is", func(t *testing.T) {
		r := p.room()
		e := p.publish(r)
		q.asks(r.owner, domain.ChangeLiveStatus{Live: r.live, To: domain.LiveStop})
		p.gone(e, "the room has ended")
		p.hasEnded(r, domain.StopLiveEnded)
	})
	t.Run("who is locked out is cut off there too", func(t *testing.T) {
		r := p.room()
		e := p.publish(r)
		q.asks(operator, domain.DisableUser{User: r.owner.User})
		p.gone(e, "the owner is locked out")
	})
	t.Run("operators see and end what any of them has", func(t *testing.T) {
		r := p.room()
		e := p.publish(r)
		watcher := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + r.key, RawQuery: "sign=" + p.signer.Play(r.key)}}
		if err := watcher.Initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		lines, err := q.board.Streams(t.Context())
		if err != nil || len(lines) != 1 || lines[0].Live.ID != r.live || len(lines[0].Nodes) != 1 || lines[0].Nodes[0].Node != "p" || lines[0].Nodes[0].Publisher == "" {
			t.Fatalf("%+v, %v", lines, err)
		}
		players, err := q.board.Players(t.Context(), lines[0].Live)
		if err != nil || len(players) != 1 || players[0].Node != "p" {
			t.Fatalf("%+v, %v", players, err)
		}
		if found, err := q.board.KickPlayer(t.Context(), players[0].ID, "noise"); err != nil || !found {
			t.Errorf("%v, %v", found, err)
		}
		p.eventually("the player is gone", func() bool { return len(p.server.Players(r.key)) == 0 })
		if found, err := q.board.KickPlayer(t.Context(), "nobody", ""); err != nil || found {
			t.Errorf("%v, %v", found, err)
		}
		q.asks(operator, domain.KickBroadcast{Live: r.live, Reason: "not for children"})
		p.gone(e, "an operator has ended it")
		p.eventually("both keep it out for a while", func() bool {
			in := func(at *process) bool {
				return at.stage.AuthorizePublish(t.Context(), media.PublishRequest{Key: r.key, Sign: at.signer.Publish(r.key)}) == nil
			}
			return !in(p) && !in(q)
		})
		p.hasEnded(r, domain.StopKicked)
	})
	t.Run("a process that is thought dead says that it is not", func(t *testing.T) {
		r := p.room()
		e := p.publish(r)
		before := p.show(r)
		q.asks(system, domain.StopBroadcast{Live: r.live, Broadcast: before.ID, Cause: domain.StopNodeLost})
		p.eventually("the show is on again", func() bool { now := p.show(r); return now.ID != "" && now.ID != before.ID })
		e.Close()
		p.hasEnded(r, domain.StopNodeLost, domain.StopConnectionLost)
		p.eventually("the end is told", func() bool { return len(p.toldOf(r)) > 1 })
		if got := p.toldOf(r); len(got) != 2 || got[0].Reason != "" || got[1].Reason != media.ReasonLost || got[1].Position != p.lastEnd(r) {
			t.Errorf("what is one show is told as %+v", got)
		}
	})
	t.Run("what a dead process has left is ended by another", func(t *testing.T) {
		r, back := p.room(), p.room()
		q.asks(system, domain.StartBroadcast{Live: r.live, Broadcast: "left", Node: "dead"})
		q.asks(system, domain.StartBroadcast{Live: back.live, Broadcast: "left too", Node: "dead"})
		p.eventually("the tables have it", func() bool { return p.show(back) != (projections.Broadcast{}) })
		p.publish(back) // at once, without waiting for the grace
		q.hasEnded(r, domain.StopNodeLost)
		q.hasEnded(back, domain.StopReplaced)
	})
	t.Run("a stream is not thought dead while its process beats", func(t *testing.T) {
		r := p.room()
		p.publish(r)
		select {
		case <-time.After(time.Second): // two graces
		case <-t.Context().Done():
		}
		if got := p.ends(r); len(got) != 0 {
			t.Errorf("it has ended %v", got)
		}
	})
}

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := broadcasts.New(broadcasts.Config{}); err == nil {
		t.Error("a stage of nothing")
	}
}
