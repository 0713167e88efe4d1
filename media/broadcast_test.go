package media_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/internal/clocktest"
	"roomlog/internal/waittest"
	"roomlog/media"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

func TestObserverIsNotifiedOfBroadcasts(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	h.log.wait(t, "started KEY")
	broadcast := h.log.broadcast(0)
	if broadcast.ID == "" || broadcast.Video != flv.H264 || broadcast.Audio != flv.AAC || broadcast.Size != (flv.Size{Width: 1920, Height: 1080}) ||
		broadcast.Sound != (flv.Sound{Rate: 44100, Channels: 2}) || broadcast.Publisher.Protocol != media.RTMP || broadcast.StartedAt.IsZero() || !broadcast.StoppedAt.IsZero() {
		t.Fatalf("got %+v", broadcast)
	}
	s.unpublish()
	s.expect(rtmp.UnpublishSuccess)
	s.Close()
	h.log.wait(t, "stopped KEY stopped")
	end := h.log.broadcast(1)
	if end.ID != broadcast.ID || end.StoppedAt.Before(end.StartedAt) || end.Frames != 5 || end.Bytes == 0 {
		t.Fatalf("got %+v", end)
	}
	eventually(t, "no stream", func() bool { return len(h.Snapshot().Streams) == 0 })
	again := h.publish(t, "KEY")
	again.begin(0)
	eventually(t, "another broadcast", func() bool { return len(h.log.list()) == 3 })
	if h.log.broadcast(2).ID == broadcast.ID {
		t.Fatal("the id is the same")
	}
}

func TestShortBroadcastsAreAnnounced(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.audio(0, []byte("\x2fmp3"))
	s.unpublish()
	h.log.wait(t, "stopped KEY stopped")
	if got := h.log.list(); !slices.Equal(got, []string{"started KEY", "stopped KEY stopped"}) || h.log.broadcast(0).Audio != flv.MP3 {
		t.Fatalf("got %q", got)
	}
}

func TestPublisherWithoutFramesHasNoBroadcast(t *testing.T) {
	h := run(t, nil)
	v := h.watch(t, h.flvURL("KEY"))
	s := h.publish(t, "KEY")
	s.unpublish()
	s.expect(rtmp.UnpublishSuccess)
	h.publish(t, "KEY").begin(0) // the players are already waiting
	v.sees(videoFrame(true, "first"))
	h.log.wait(t, "started KEY")
	if got := h.log.list(); len(got) != 1 {
		t.Fatalf("got %q, want 1 element", got)
	}
}

func TestReconnectContinuesTheBroadcast(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(5000)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(sound("first"))
	s.Close()
	h.stream(t, "KEY", "a lost publisher", func(s media.StreamStats) bool { return !s.Publishing })
	waiting := h.watch(t, h.flvURL("KEY"))
	again := h.publish(t, "KEY")
	again.video(0, avcHeader())
	again.audio(0, aacHeader())
	again.video(777_020, videoFrame(false, "the rest of the group before"))
	again.video(777_040, videoFrame(true, "back")) // the timestamps have no relation to the earlier ones
	again.audio(777_050, sound("back"))
	tags := v.sees(sound("back"))
	if got := kinds(tags); !slices.Equal(got, []string{"meta", "h264 header", "aac header", "key", "sound", "h264 header", "aac header", "key", "sound"}) {
		t.Fatalf("got %q", got)
	}
	for i := 1; i < len(tags); i++ {
		if tags[i].at < tags[i-1].at {
			t.Fatalf("timestamps decrease: %d after %d", tags[i].at, tags[i-1].at)
		}
	}
	if pause := tags[len(tags)-1].at - 5000; pause > uint32(timeout.Milliseconds()) {
		t.Fatalf("the gap is %d ms", pause)
	}
	if got := kinds(waiting.sees(sound("back"))); !slices.Equal(got, []string{"h264 header", "aac header", "key", "sound"}) {
		t.Fatalf("a player that joined during the gap got %q", got)
	}
	again.unpublish()
	if err := v.ended(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	h.log.wait(t, "stopped KEY stopped")
	if got := h.log.list(); len(got) != 2 {
		t.Fatalf("got %q, want 2 elements", got)
	}
}

func TestBroadcastEndsWithoutReconnect(t *testing.T) {
	h := run(t, func(c *media.Config) { c.StreamGrace = 300 * time.Millisecond })
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(videoFrame(true, "first"))
	s.Close()
	if err := v.ended(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	h.log.wait(t, "stopped KEY lost")
}

func TestSilentPublishersCanBeReplaced(t *testing.T) {
	const takeoverAfter = 30 * time.Second
	clock := clocktest.Running()
	h := run(t, func(c *media.Config) { c.Now, c.TakeoverAfter = clock.Now, takeoverAfter })
	frozen := h.publish(t, "KEY")
	frozen.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(sound("first"))
	signed := "KEY?sign=" + h.signer.Publish("KEY")
	h.dialRequest(t, "live", "publish", 3, nil, signed, "live").expect(rtmp.PublishBadName)
	clock.Forward(takeoverAfter)
	owner := h.dialRequest(t, "live", "publish", 3, nil, signed, "live")
	owner.expect(rtmp.PublishStart)
	frozen.gone()
	// a new publisher cannot be replaced immediately
	h.dialRequest(t, "live", "publish", 3, nil, signed, "live").expect(rtmp.PublishBadName)
	owner.video(0, avcHeader())
	owner.audio(0, aacHeader())
	owner.video(0, videoFrame(true, "mine"))
	v.sees(videoFrame(true, "mine"))
	if got := h.log.list(); len(got) != 1 {
		t.Fatalf("got %q, want 1 element", got)
	}
}

// TestKeyHasOnePublisher lets several publishers request one key at the same time. Exactly one of them must get it.
func TestKeyHasOnePublisher(t *testing.T) {
	h := run(t, nil)
	signed := "KEY?sign=" + h.signer.Publish("KEY")
	var all sync.WaitGroup
	senders := make([]*sender, 20)
	for i := range senders {
		senders[i] = dialRTMP(t, h.rtmp)
		all.Go(func() { senders[i].send(hello("live", "publish", 3, nil, signed, "live")) })
	}
	all.Wait()
	won := 0
	for _, s := range senders {
		eventually(t, "a response", func() bool { return s.hears(rtmp.PublishStart) || s.hears(rtmp.PublishBadName) })
		if s.hears(rtmp.PublishStart) {
			won++
		}
	}
	if won != 1 {
		t.Fatalf("%d publishers were accepted, want 1", won)
	}
}

func TestCutEndsAllConnections(t *testing.T) {
	requested, decided := make(chan struct{}, 2), make(chan struct{})
	decide := sync.OnceFunc(func() { close(decided) })
	h := run(t, nil)
	slow := run(t, func(c *media.Config) {
		c.Authorizer = testAuthorizer{
			connect: func(media.ConnectRequest) error { return nil },
			publish: func(media.PublishRequest) error { requested <- struct{}{}; <-decided; return nil },
			play:    func(media.PlayRequest) error { requested <- struct{}{}; <-decided; return nil },
		}
	})
	t.Cleanup(decide)
	s := h.publish(t, "KEY")
	s.begin(0)
	v, held := h.watch(t, h.flvURL("KEY")), h.watch(t, h.flvURL("HELD"))
	v.sees(videoFrame(true, "first"))
	player := h.dialRequest(t, "live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY"))
	player.expect("first")
	h.stream(t, "HELD", "a player that waits", func(s media.StreamStats) bool { return len(s.Players) == 1 })
	h.Cut("KEY", media.ReasonEnded)
	h.Cut("HELD", media.ReasonEnded)
	h.Cut("NOBODY", media.ReasonEnded)
	s.gone()
	player.gone()
	_ = v.ended()
	if err := held.ended(); err == nil {
		t.Fatal("a waiting player was not disconnected")
	}
	h.log.wait(t, "stopped KEY ended")
	h.publish(t, "KEY").begin(0) // the authorizer decides whether the publisher may reconnect

	t.Run("also refuses clients that were authorized before", func(t *testing.T) {
		p := slow.dialRequest(t, "live", "publish", 3, nil, "KEY", "live")
		v := slow.dialRequest(t, "live", "play", 3, nil, "KEY")
		waittest.Receive(t, requested, "a publisher")
		waittest.Receive(t, requested, "a player")
		slow.Cut("KEY", media.ReasonEnded)
		decide()
		p.expect(rtmp.PublishUnauthorized)
		v.expect(rtmp.PlayUnauthorized)
	})
}

func TestKickEndsOneConnection(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	stays, goes := h.watch(t, h.flvURL("KEY")), h.watch(t, h.flvURL("KEY"))
	stays.sees(videoFrame(true, "first"))
	goes.sees(videoFrame(true, "first"))
	var players []media.PlaySession
	eventually(t, "both players have everything", func() bool { // a player counts the bytes after it has written them
		players = h.Players("KEY")
		return !slices.ContainsFunc(players, func(p media.PlaySession) bool { return p.Frames != 5 || p.Bytes == 0 })
	})
	if len(players) != 2 || players[0].Client.Protocol != media.HTTPFLV || players[0].Key != "KEY" {
		t.Fatalf("got %+v", players)
	}
	if h.Kick("nobody") || !h.Kick(players[0].Client.ID) || h.Kick(players[0].Client.ID) {
		t.Fatal("not exactly one player was kicked")
	}
	eventually(t, "one player is left", func() bool { return len(h.Players("KEY")) == 1 })
	publisher := h.stream(t, "KEY", "the stream", onAir).Broadcast.Publisher.ID
	if !h.Kick(publisher) {
		t.Fatal("the publisher was not kicked")
	}
	s.gone()
	_, _ = stays.ended(), goes.ended()
	h.log.wait(t, "stopped KEY kicked")
}

// everything is an Observer, a PlayObserver and a ConnectObserver. PlayStarted blocks until slow is closed.
type everything struct {
	recorder
	slow chan struct{}
}

func (e *everything) PlayStarted(_ context.Context, v media.PlaySession) {
	<-e.slow
	e.add("plays "+string(v.Client.Protocol), media.Broadcast{})
}

func (e *everything) PlayStopped(_ context.Context, v media.PlaySession, why media.Reason) {
	e.add("played "+string(v.Client.Protocol)+" "+string(why), media.Broadcast{Bytes: v.Bytes, StoppedAt: v.EndedAt})
}
func (e *everything) Connected(context.Context, media.Client) { e.add("connected", media.Broadcast{}) }
func (e *everything) Disconnected(context.Context, media.Client) {
	e.add("disconnected", media.Broadcast{})
}

func TestObserversAreNotifiedInOrderAndDelayNothing(t *testing.T) {
	e := &everything{slow: make(chan struct{})}
	h := run(t, func(c *media.Config) { c.Observer, c.PlayObserver, c.ConnectObserver = e, e, e })
	release := sync.OnceFunc(func() { close(e.slow) })
	t.Cleanup(release)
	v := h.watch(t, h.flvURL("KEY"))
	h.stream(t, "KEY", "a player", func(s media.StreamStats) bool { return len(s.Players) == 1 })
	s := h.publish(t, "KEY")
	s.begin(0)
	v.sees(videoFrame(true, "first")) // the player gets the frame although the observer blocks
	s.unpublish()
	_ = v.ended()
	s.Close()
	eventually(t, "the live has no viewers", func() bool { return h.Snapshot().Connections == 0 })
	release()
	eventually(t, "the end", func() bool { return len(e.list()) == 6 })
	want := []string{"plays http-flv", "connected", "started KEY", "stopped KEY stopped"}
	got := e.list()
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Fatal(diff)
	}
	rest := got[4:]
	slices.Sort(rest)
	if diff := cmp.Diff([]string{"disconnected", "played http-flv ended"}, rest); diff != "" {
		t.Fatal(diff)
	}
	if i := slices.Index(e.list(), "played http-flv ended"); e.broadcast(i).Bytes == 0 || e.broadcast(i).StoppedAt.IsZero() {
		t.Fatalf("got %+v", e.broadcast(i))
	}
}

func TestShutdownEndsEverything(t *testing.T) {
	h := run(t, nil)
	s := h.publish(t, "KEY")
	s.begin(0)
	v := h.watch(t, h.flvURL("KEY"))
	v.sees(videoFrame(true, "first"))
	player := h.dialRequest(t, "live", "play", 3, nil, "KEY?sign="+h.signer.Play("KEY"))
	player.expect("first")
	dialRequest := dialRTMP(t, h.rtmp)
	h.stop()
	s.gone()
	player.gone()
	dialRequest.gone()
	_ = v.ended()
	if got := h.log.list(); !slices.Equal(got, []string{"started KEY", "stopped KEY shutdown"}) {
		t.Fatalf("got %q", got)
	}
	if _, err := h.Subscribe(h.log.broadcast(0)); !errors.Is(err, media.ErrEnded) {
		t.Fatal(err)
	}
}

// TestPublishersPublishAgainOnTheirConnection publishes twice on one connection, like Flash Media Live Encoder and some
// phones.
func TestPublishersPublishAgainOnTheirConnection(t *testing.T) {
	for name, end := range map[string]func(*sender){
		"after FCUnpublish and deleteStream": (*sender).unpublish,
		"after deleteStream":                 func(s *sender) { s.send(rtmpCommand("deleteStream", 5, nil, 1)) },
		"after closeStream and deleteStream": func(s *sender) {
			s.send(rtmpCommand("closeStream", 5, nil))
			s.send(rtmpCommand("deleteStream", 5, nil, 1))
		},
		"after FCUnpublish": func(s *sender) { s.send(rtmpCommand("FCUnpublish", 4, nil, "KEY")) },
		"with media under way": func(s *sender) {
			s.unpublish()
			for at := range uint32(100) {
				s.video(at, videoFrame(false, "too late"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, nil)
			s := h.publish(t, "KEY")
			for i, key := range []string{"KEY", "KEY", "OTHER"} {
				if i > 0 {
					s.send(rtmpCommand("releaseStream", 6, nil, key))
					s.send(rtmpCommand("FCPublish", 7, nil, key))
					s.send(rtmpCommand("createStream", 8, nil))
					s.send(rtmpCommand("publish", 9, nil, key+"?sign="+h.signer.Publish(key), "live"))
					eventually(t, "the publisher is accepted again", func() bool { return s.count("is now published.") == i+1 })
				}
				s.begin(0)
				h.watch(t, h.flvURL(key)).sees(sound("first"))
				if n := h.Snapshot().Pending; n != 0 {
					t.Fatalf("%d connections are pending", n)
				}
				end(s)
			}
			s.send(rtmpCommand("publish", 9, nil, "KEY?sign=x", "live")) // every request is authorized
			s.expect(rtmp.PublishUnauthorized)
			s.gone()
			h.log.wait(t, "stopped OTHER stopped")
			if got := h.log.list(); !slices.Equal(got, []string{"started KEY", "stopped KEY stopped", "started KEY", "stopped KEY stopped", "started OTHER", "stopped OTHER stopped"}) {
				t.Fatalf("got %q", got)
			}
		})
	}
}

// TestUnusedConnectionsEndAfterUnpublish checks that a connection that has ended its stream is pending, like a new one:
// it is closed if it sends no request in time.
func TestUnusedConnectionsEndAfterUnpublish(t *testing.T) {
	h := run(t, func(c *media.Config) { c.RTMP.HandshakeTimeout = 2 * time.Second })
	s := h.publishInTime(t, "KEY")
	s.begin(0)
	s.unpublish()
	s.expect(rtmp.UnpublishSuccess)
	eventually(t, "the connection is pending", func() bool { now := h.Snapshot(); return now.Pending == 1 && now.Connections == 0 })
	s.gone()
	eventually(t, "the connection is gone", func() bool { return h.Snapshot().Pending == 0 })
}

// TestCountersOfCutStreamsStay cuts a stream before its broadcast has begun. What its publisher has sent stays in the totals.
func TestCountersOfCutStreamsStay(t *testing.T) {
	for name, end := range map[string]func(*testServer, *sender){
		"cut":                 func(h *testServer, _ *sender) { h.Cut("KEY", media.ReasonKicked) },
		"left by its encoder": func(_ *testServer, s *sender) { s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := run(t, nil)
			s := h.publish(t, "KEY")
			s.video(0, []byte{0x17, 0})
			h.stream(t, "KEY", "an ignored payload", func(s media.StreamStats) bool { return s.Ignored == 1 })
			end(h, s)
			eventually(t, "the end of the stream", func() bool { return len(h.Snapshot().Streams) == 0 })
			if got := h.Snapshot().Ignored; got != 1 {
				t.Errorf("%d ignored payloads, want 1", got)
			}
		})
	}
}
