package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media/snapshot"
)

var errEnded = errors.New("the stream has ended")

// TestTake decodes a stream, uses the picture for some seconds, and reports streams that cannot be decoded.
func TestTake(t *testing.T) {
	t.Parallel()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "ffmpeg") {
		t.Skip("ffmpeg is left out by ROOMLOG_SKIP")
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=ffmpeg")
	}
	file, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:d=0.1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "flv", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	taker := snapshot.New(ffmpeg, func() time.Time { return now })
	taken := 0
	take := func(key string, content []byte, err error) ([]byte, error) {
		return taker.Take(t.Context(), key, func() ([]byte, error) { taken++; return content, err })
	}
	first, err := take("A", file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if decoded, err := jpeg.Decode(bytes.NewReader(first)); err != nil || decoded.Bounds().Dx() != 640 || decoded.Bounds().Dy() != 360 {
		t.Errorf("the picture is not a JPEG of 640x360: %v", err)
	}
	if again, err := take("A", nil, errEnded); err != nil || !bytes.Equal(again, first) || taken != 1 {
		t.Errorf("the picture was not used again: %v, decoded %d times", err, taken)
	}
	busy, decoded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(decoded)
		_, _ = taker.Take(t.Context(), "C", func() ([]byte, error) { busy <- struct{}{}; <-busy; return nil, errEnded })
	}()
	<-busy
	now = now.Add(30 * time.Second)
	if again, err := take("A", file, nil); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the picture of the last minute was not used while another was decoded: %v", err)
	}
	now = now.Add(30 * time.Second)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := taker.Take(ended, "A", func() ([]byte, error) { return file, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a picture older than a minute was used while another was decoded: %v", err)
	}
	now = now.Add(-30 * time.Second)
	if _, err := take("A", nil, errEnded); !errors.Is(err, errEnded) {
		t.Errorf("the picture of a stream that has ended was used while another was decoded: %v", err)
	}
	now = now.Add(-30 * time.Second)
	if _, err := taker.Take(ended, "A", func() ([]byte, error) { return file, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("the picture of a stream that has ended was kept: %v", err)
	}
	busy <- struct{}{}
	waittest.Receive(t, decoded, "the end of the other picture")
	if _, err := take("A", file, nil); err != nil {
		t.Fatal(err)
	}
	taken = 1
	now = now.Add(time.Minute)
	if _, err := take("A", nil, errEnded); !errors.Is(err, errEnded) || taken != 2 {
		t.Errorf("an old picture was used: %v", err)
	}
	if _, err := take("B", []byte("no stream"), nil); err == nil {
		t.Error("something else was decoded")
	}
	if _, err := take("B", file, nil); err == nil || taken != 3 {
		t.Errorf("a stream that cannot be decoded was decoded again at once: %d", taken)
	}
	if _, err := snapshot.New("", time.Now).Take(t.Context(), "A", nil); !errors.Is(err, snapshot.ErrNoDecoder) {
		t.Errorf("without ffmpeg: %v", err)
	}
}
