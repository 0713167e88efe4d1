package record_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/media/flv"
)

func TestBroadcastIsRecordedOnDisk(t *testing.T) {
	t.Parallel()
	source := film(t)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", frames(t, source, 0))
	if len(rec.Parts) != 1 || rec.Reason != "stopped" || rec.EndedAt.Before(rec.StartedAt) || rec.Skips != 0 {
		t.Fatal(sprint(rec))
	}
	p := rec.Parts[0]
	if p.File != "1.mp4" || p.Video != flv.H264 || p.Audio != flv.AAC || p.Size != (flv.Size{Width: 320, Height: 180}) {
		t.Fatal(sprint(p))
	}
	if off := rec.Length - 5*time.Second; off < -50*time.Millisecond || off > 100*time.Millisecond {
		t.Fatalf("the length is %v", rec.Length)
	}
	file := s.file(rec, 0)
	same(t, packets(t, source), packets(t, file))
	all := pictures(t, source)
	if got := pictures(t, file); len(got) != 125 || !slices.Equal(got, all) {
		t.Fatalf("%d pictures, %d of them in the source", len(got), len(all))
	}
	if got := duration(t, file); got < 4950 || got > 5150 {
		t.Fatalf("ffprobe reports a duration of %d ms", got)
	}
	if got := pictures(t, file, "-ss", "3.2"); !slices.Equal(got, all[80:]) {
		t.Fatalf("got %d pictures from 3.2 s on", len(got))
	}
	if got := s.testObserver.list(); !slices.Equal(got, []string{"started broadcast", "finished stopped broadcast"}) {
		t.Fatal(got)
	}
}
