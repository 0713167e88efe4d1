package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	keep          = 10 * time.Second // time for which a picture is used
	keepBusy      = time.Minute      // time for which a picture is used while another picture is being decoded
	maxImages     = 500              // maximum number of pictures that are kept
	waitForTurn   = 3 * time.Second  // time that a request waits for other pictures
	decodeTimeout = 10 * time.Second
	maxBytes      = 1 << 20 // maximum size of a picture in bytes
	width         = "640"
	maxPixels     = "33177600" // maximum number of pixels of a picture that is decoded: 7680 × 4320
)

// Errors of Take.
var (
	ErrNoDecoder = errors.New("snapshot: ffmpeg is not installed")
	ErrBusy      = errors.New("snapshot: other pictures are being decoded")
)

// Taker makes pictures. It is safe for concurrent use.
type Taker struct {
	ffmpeg string
	now    func() time.Time
	turn   chan struct{} // contains an element while a picture is being decoded

	mu    sync.Mutex
	taken *lru.Cache[string, image]
}

type image struct {
	at   time.Time
	jpeg []byte // the picture; nil: the stream could not be decoded
}

// New returns a Taker that uses the program ffmpeg; "" means that no picture can be made.
func New(ffmpeg string, now func() time.Time) *Taker {
	taken, err := lru.New[string, image](maxImages)
	if err != nil {
		panic("snapshot: " + err.Error()) // cannot happen: the size is positive
	}
	return &Taker{ffmpeg: ffmpeg, now: now, turn: make(chan struct{}, 1), taken: taken}
}

// Take returns a JPEG picture of the stream named key, 640 pixels wide. newest returns an FLV file with a header and a key
// frame; it is called only if there is no picture of the last seconds. While another picture is being decoded, Take returns
// the picture of the last minute, or waits some seconds and then returns ErrBusy. An error of newest means that the stream has
// ended: Take returns it and forgets the picture.
func (t *Taker) Take(ctx context.Context, key string, newest func() ([]byte, error)) ([]byte, error) {
	if t.ffmpeg == "" {
		return nil, ErrNoDecoder
	}
	last, fresh := t.last(key)
	if fresh {
		return last.result()
	}
	if last.jpeg != nil && t.age(last) < keepBusy {
		select {
		case t.turn <- struct{}{}:
		default:
			if _, err := newest(); err != nil {
				t.forget(key)
				return nil, err
			}
			return last.jpeg, nil
		}
	} else if err := t.waitForTurn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-t.turn }()
	if last, fresh = t.last(key); fresh { // another request has made it
		return last.result()
	}
	file, err := newest()
	if err != nil {
		t.forget(key)
		return nil, err
	}
	jpeg, err := t.decode(ctx, file)
	if ctx.Err() == nil {
		t.mu.Lock()
		t.taken.Add(key, image{t.now(), jpeg})
		t.mu.Unlock()
	}
	return jpeg, err
}

var errDecode = errors.New("snapshot: the stream cannot be decoded")

func (p image) result() ([]byte, error) {
	if p.jpeg == nil {
		return nil, errDecode
	}
	return p.jpeg, nil
}

// last returns the last picture of a stream, and reports whether it is of the last seconds.
func (t *Taker) last(key string) (image, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, found := t.taken.Get(key)
	return p, found && t.age(p) < keep
}

func (t *Taker) age(p image) time.Duration { return t.now().Sub(p.at).Abs() }

func (t *Taker) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken.Remove(key)
}

func (t *Taker) waitForTurn(ctx context.Context) error {
	timer := time.NewTimer(waitForTurn)
	defer timer.Stop()
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// decode returns the first picture of an FLV file as JPEG.
func (t *Taker) decode(ctx context.Context, file []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.ffmpeg, "-v", "error", "-nostdin", "-threads", "1", "-max_pixels", maxPixels, "-f", "flv", "-i", "pipe:0",
		"-frames:v", "1", "-vf", "scale="+width+":"+width+":force_original_aspect_ratio=decrease:force_divisible_by=2", "-q:v", "5", "-f", "mjpeg", "pipe:1")
	var out, faults bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(file), &out, &faults
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %w: %.200s", errDecode, err, strings.TrimSpace(faults.String()))
	}
	if out.Len() == 0 || out.Len() > maxBytes {
		return nil, fmt.Errorf("%w: the picture has %d bytes", errDecode, out.Len())
	}
	return out.Bytes(), nil
}
