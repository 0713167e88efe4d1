package media_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/deepch/vdk/format/flv/flvio"

	"roomlog/media/flv"
)

// seen is a tag that a viewer has received.
type seen struct {
	kind    byte
	at      uint32
	payload string
}

func (s seen) info() flv.Info { return flv.Describe(s.kind, []byte(s.payload)) }

// viewer reads an FLV stream and stores its tags.
type viewer struct {
	t      testing.TB
	flags  byte
	mu     sync.Mutex
	tags   []seen
	err    error
	done   chan struct{}
	cancel func()
}

// watch plays over HTTP-FLV. It returns when the response has begun, or immediately if the stream has no publisher.
func (h *testServer) watch(t testing.TB, url string) *viewer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v := &viewer{t: t, done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(v.done)
		v.fail(v.get(ctx, url))
	}()
	t.Cleanup(func() { cancel(); <-v.done })
	return v
}

func (v *viewer) get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	return v.read(answer.Body)
}

// read reads an FLV file to its end.
func (v *viewer) read(body io.Reader) error {
	r := bufio.NewReaderSize(body, 64<<10)
	head := make([]byte, flvio.FileHeaderLength+flvio.TagTrailerLength)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	v.mu.Lock()
	v.flags = head[4]
	v.mu.Unlock()
	for {
		tag, err := readTag(r)
		if err != nil {
			return err
		}
		v.mu.Lock()
		v.tags = append(v.tags, tag)
		v.mu.Unlock()
	}
}

func readTag(r io.Reader) (seen, error) {
	head := make([]byte, flvio.TagHeaderLength)
	if _, err := io.ReadFull(r, head); err != nil {
		return seen{}, err
	}
	_, at, size, err := flvio.ParseTagHeader(head)
	if err != nil {
		return seen{}, err
	}
	body := make([]byte, size+flvio.TagTrailerLength)
	if _, err := io.ReadFull(r, body); err != nil {
		return seen{}, fmt.Errorf("truncated tag: %w", err)
	}
	return seen{head[0], uint32(at), string(body[:size])}, nil
}

func (v *viewer) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

// got returns the tags that were received so far.
func (v *viewer) got() []seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]seen(nil), v.tags...)
}

// sees waits for a payload and returns all tags up to it.
func (v *viewer) sees(payload []byte) []seen {
	v.t.Helper()
	var found []seen
	eventually(v.t, fmt.Sprintf("the frame %q", payload), func() bool {
		for i, s := range v.got() {
			if s.payload == string(payload) {
				found = v.got()[:i+1]
				return true
			}
		}
		return false
	})
	return found
}

// ended waits for the end of the stream and returns the error.
func (v *viewer) ended() error {
	v.t.Helper()
	select {
	case <-v.done:
	case <-time.After(timeout):
		v.t.Fatal("the stream has not ended")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// kinds describes tags as strings, for comparisons.
func kinds(tags []seen) []string {
	var all []string
	for _, s := range tags {
		info := s.info()
		switch {
		case s.kind == flv.Script:
			all = append(all, "meta")
		case info.Header:
			all = append(all, string(info.Codec)+" header")
		case info.Key:
			all = append(all, "key")
		case s.kind == flv.Video:
			all = append(all, "picture")
		default:
			all = append(all, "sound")
		}
	}
	return all
}
