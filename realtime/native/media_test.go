package native_test

import (
	"context"
	"strings"
	"testing"

	"roomlog/domain"
)

// doAsSystem executes a command as the system.
func (w *world) doAsSystem(c domain.Command) {
	w.Helper()
	if _, err := w.Sequencer.Execute(context.Background(), domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}}); err != nil {
		w.Fatal(err)
	}
}

func TestBroadcastMedia(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive("evening")
	early := streamer.app()
	if room := early.join(live).Snapshot.Live; room.Media != nil {
		t.Errorf("a room without a stream shows %+v", room.Media)
	}
	w.doAsSystem(domain.StartBroadcast{Live: live, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Video: "h264", Width: 1280, Height: 720, Audio: "aac"}})
	if begun := early.push("media"); begun.Live != live || !strings.Contains(begun.raw, `"data":{"media":{"video":"h264","width":1280,"height":720,"audio":"aac","since":"`) {
		t.Errorf("got %s", begun.raw)
	}
	if room := streamer.app().join(live).Snapshot.Live; room.Media == nil || room.Media.Video != "h264" || room.Media.Since.IsZero() {
		t.Errorf("a room with a stream shows %+v", room.Media)
	}
	w.doAsSystem(domain.StopBroadcast{Live: live, Broadcast: "s1", Cause: domain.StopConnectionLost})
	if over := early.push("media"); !strings.HasSuffix(over.raw, `"data":{"media":null,"cause":"lost"}}`) {
		t.Errorf("got %s", over.raw)
	}
}
