package broadcasts_test

import (
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/broadcasts"
)

// setPublishKey gives a live a new publish key.
func (p *node) setPublishKey(l live) string {
	p.Helper()
	key, hash := p.signer.NewPublishKey()
	p.execute(l.owner, domain.SetPublishKey{Live: l.id, Hash: hash})
	return key
}

// publishWith publishes a live with a sign that will be accepted, and waits until the tables have the broadcast.
func (p *node) publishWith(l live, sign string) (e *encoder) {
	p.Helper()
	p.eventually("an encoder is accepted", func() (ok bool) {
		var err error
		e, err = p.dial(l, sign)
		return err == nil
	})
	p.awaitBroadcast(l)
	return e
}

func TestPublishKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)
	authorize := func(n *node, l live, sign string) error {
		return n.manager.AuthorizePublish(n.Context(), media.PublishRequest{Key: l.key, Sign: sign})
	}
	refused := func(l live, key string) {
		t.Helper()
		for _, n := range []*node{p, q} {
			n.eventually("the key is refused", func() bool { return errors.Is(authorize(n, l, key), broadcasts.ErrPublishKey) })
		}
	}
	for name, tt := range map[string]struct {
		end func(l live) // revokes or replaces the key of a live
	}{
		"revoked":                {func(l live) { q.execute(l.owner, domain.RevokePublishKey{Live: l.id}) }},
		"replaced":               {func(l live) { q.setPublishKey(l) }},
		"revoked by an operator": {func(l live) { q.execute(operator, domain.RevokePublishKey{Live: l.id}) }},
	} {
		t.Run(name, func(t *testing.T) {
			l, other := p.live(), p.live()
			key := q.setPublishKey(l)
			otherKey := q.setPublishKey(other)
			e := p.publishWith(l, key)
			refused(l, otherKey)
			refused(l, "pk_")
			if err := p.play(l, key); err == nil {
				t.Error("a publish key opens playing")
			}
			tt.end(l)
			p.disconnected(e, "its key was "+name)
			p.expectEnds(l, domain.StopKeyRevoked)
			refused(l, key)
			bySign := p.publish(l) // encoders with a sign are not affected
			tt.end(l)
			q.execute(operator, domain.KickBroadcast{Live: l.id})
			p.disconnected(bySign, "an operator ended the broadcast")
			p.expectEnds(l, domain.StopKeyRevoked, domain.StopKicked)
		})
	}
	t.Run("that are authorized while the key is revoked", func(t *testing.T) {
		l := p.live()
		key := p.setPublishKey(l)
		p.eventually("the key is accepted", func() bool { return authorize(p, l, key) == nil })
		release := make(chan struct{})
		p.hold(l.key, release)
		before := p.held.Load()
		result := make(chan error)
		go func() { _, err := p.dial(l, key); result <- err }()
		p.eventually("the encoder is authorized", func() bool { return p.held.Load() > before })
		q.execute(l.owner, domain.RevokePublishKey{Live: l.id})
		refused(l, key)
		w := p.live()
		p.publish(w)
		q.execute(operator, domain.KickBroadcast{Live: w.id})
		p.expectEnds(w, domain.StopKicked) // the node has handled the events before
		p.eventually("the broadcast has ended", func() bool { return len(p.server.Players(w.key)) == 0 && p.broadcast(w).ID == "" })
		close(release)
		if err := waittest.Receive(t, result, "the encoder"); err == nil {
			t.Error("the encoder is accepted")
		}
	})
	t.Run("are not stored", func(t *testing.T) {
		l := p.live()
		key := p.setPublishKey(l)
		var found int
		if err := db.Owner.QueryRow(t.Context(), "SELECT count(*) FROM events WHERE payload::text LIKE '%' || $1 || '%'", key).Scan(&found); err != nil || found > 0 {
			t.Errorf("%d events contain the key, error %v", found, err)
		}
	})
}

// TestASignThatOpenedALiveStaysValid lets a sign expire during a live.
func TestASignThatOpenedALiveStaysValid(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p", nil)
	short, err := media.NewSigner([]string{secret}, 30*time.Minute, p.now.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, silent := p.live(), p.live()
	sign := short.Publish(l.key)
	e := p.publishWith(l, sign)
	p.now.Forward(time.Hour)
	if err := p.signer.Verify(media.ScopePublish, l.key, sign); !errors.Is(err, media.ErrSignExpired) {
		t.Fatalf("the sign has not expired: %v", err)
	}
	e.Close()
	p.expectEnds(l, domain.StopConnectionLost)
	e = p.publishWith(l, sign) // works even after its broadcast has ended
	p.publish(silent)
	old, err := media.NewSigner([]string{secret}, time.Second, func() time.Time { return p.now.Now().Add(-3 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	for what, sign := range map[string]string{"that expired before the first broadcast": old.Publish(l.key), "to play": old.Play(l.key)} {
		if err := p.manager.AuthorizePublish(t.Context(), media.PublishRequest{Key: l.key, Sign: sign}); err == nil {
			t.Errorf("a sign %s is accepted", what)
		}
	}
	if _, err := p.dial(silent, old.Publish(silent.key)); err == nil {
		t.Error("a sign is accepted that expired before the first broadcast")
	}
	p.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: domain.LivePlay})
	p.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: domain.LiveStop})
	p.disconnected(e, "the live has ended")
	if err := p.manager.AuthorizePublish(t.Context(), media.PublishRequest{Key: l.key, Sign: sign}); !errors.Is(err, broadcasts.ErrLiveEnded) {
		t.Errorf("after the end of the live: %v", err)
	}
}
