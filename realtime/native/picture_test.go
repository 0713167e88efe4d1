package native_test

import (
	"context"
	"strings"
	"testing"

	"roomlog/domain"
)

// says has the program itself say something.
func (w *world) says(c domain.Command) {
	w.Helper()
	if _, err := w.sequencer.Execute(context.Background(), domain.Request{Command: c, Actor: domain.Actor{Kind: domain.System}}); err != nil {
		w.Fatal(err)
	}
}

func TestThePictureIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	streamer := w.register("streamer")
	live := streamer.goLive("evening")
	early := streamer.app()
	if room := early.join(live).Snapshot.Room; room.Picture != nil {
		t.Errorf("a room without a stream shows %+v", room.Picture)
	}
	w.says(domain.StartBroadcast{Live: live, Broadcast: "s1", Node: "p1", Media: domain.MediaInfo{Video: "h264", Width: 1280, Height: 720, Audio: "aac"}})
	if begun := early.push("picture"); begun.Live != live || !strings.Contains(begun.raw, `"data":{"picture":{"video":"h264","width":1280,"height":720,"audio":"aac","since":"`) {
		t.Errorf("got %s", begun.raw)
	}
	if room := streamer.app().join(live).Snapshot.Room; room.Picture == nil || room.Picture.Video != "h264" || room.Picture.Since.IsZero() {
		t.Errorf("a room with a stream shows %+v", room.Picture)
	}
	w.says(domain.StopBroadcast{Live: live, Broadcast: "s1", Cause: domain.StopConnectionLost})
	if over := early.push("picture"); !strings.HasSuffix(over.raw, `"data":{"picture":null,"reason":"lost"}}`) {
		t.Errorf("got %s", over.raw)
	}
}
