package broadcasts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/clocktest"
	"roomlog/media/broadcasts"
	"roomlog/media/relay"
)

// TestRecordingOfASlowNode checks that a recording is not taken for absent while a node does not reply: neither at once nor when the
// node replies again.
func TestRecordingOfASlowNode(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, other := open(t, db, "p1", nil), open(t, db, "p2", nil)
	p.eventually("both nodes are members", func() bool {
		nodes, err := p.cluster.Nodes(p.Context())
		return err == nil && nodes.Contains("p2")
	})
	nodes := broadcasts.NewNodes(p.cluster, p.queries, "", clocktest.New().Now) // what is remembered stays remembered
	defer nodes.Answer(nil)()
	replies := make(chan struct{})
	defer other.cluster.OnSurvey("media.recording", func(_ context.Context, name []byte) ([]byte, error) {
		select {
		case <-replies:
		case <-t.Context().Done():
		}
		if string(name) == "7/ABSENT" {
			return []byte("[]"), nil
		}
		return []byte(`[{"node":"p2","url":"http://p2:1"}]`), nil
	})()
	if origin, err := nodes.Recording(t.Context(), "7", "THERE"); err == nil || errors.Is(err, relay.ErrNoOrigin) {
		t.Errorf("while a node does not reply: %+v, %v, want another error than %v", origin, err, relay.ErrNoOrigin)
	}
	close(replies)
	p.eventually("the node replies again", func() bool {
		origin, err := nodes.Recording(t.Context(), "7", "THERE")
		if errors.Is(err, relay.ErrNoOrigin) {
			t.Fatal("the recording is remembered as absent")
		}
		return err == nil && origin == relay.Origin{Node: "p2", URL: "http://p2:1"}
	})
	p.eventually("all nodes have replied that they do not have a recording", func() bool {
		_, err := nodes.Recording(t.Context(), "7", "ABSENT")
		return errors.Is(err, relay.ErrNoOrigin)
	})
}

// relays records the ends of broadcasts at other nodes.
type relays struct{ ends chan [2]string }

func (r relays) Moved(string)         {}
func (r relays) Lost(key, id string)  { r.ends <- [2]string{"lost " + key, id} }
func (r relays) Ended(key, id string) { r.ends <- [2]string{"ended " + key, id} }

// TestEndOfABroadcastElsewhere checks that relays learn which broadcast has ended, by the id of the media server of its origin, which
// is also a part of the id of a broadcast that the log has begun again.
func TestEndOfABroadcastElsewhere(t *testing.T) {
	t.Parallel()
	ends := make(chan [2]string, 10)
	p := open(t, pgtest.New(t), "p1", func(c *broadcasts.Config) { c.Relays = relays{ends} })
	l := p.live()
	for _, test := range []struct {
		id    domain.BroadcastID
		cause domain.StopCause
		want  [2]string
	}{
		{"FIRST", domain.StopNodeLost, [2]string{"lost " + l.key, "FIRST"}},
		{"FIRST-1700000000000", domain.StopConnectionLost, [2]string{"ended " + l.key, "FIRST"}},
	} {
		p.execute(system, domain.StartBroadcast{Live: l.id, Broadcast: test.id, Node: "elsewhere", OnAir: true})
		p.execute(system, domain.StopBroadcast{Live: l.id, Broadcast: test.id, Cause: test.cause})
		select {
		case got := <-ends:
			if got != test.want {
				t.Errorf("the end of %s is %q, want %q", test.id, got, test.want)
			}
		case <-time.After(timeout):
			t.Fatalf("the end of %s has not come", test.id)
		}
	}
}
