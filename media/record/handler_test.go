package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
	"roomlog/media"
	"roomlog/media/record"
)

func TestRecordingsAreServed(t *testing.T) {
	t.Parallel()
	source := film(t)
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", frames(t, source, 0))
	whole, err := os.ReadFile(s.file(rec, 0))
	if err != nil {
		t.Fatal(err)
	}
	handler := &record.Handler{Recorder: s.Recorder, AllowOrigin: "*", Authorize: func(_ context.Context, folder, id, sign string) error {
		switch {
		case sign == "trouble":
			return errors.New("no database")
		case folder != "6" || id != "broadcast":
			return record.ErrNotFound
		case sign != "good":
			return record.ErrForbidden
		}
		return nil
	}}
	web := httptest.NewServer(http.StripPrefix("/recordings/", handler))
	defer web.Close()
	ask := func(method, path, bytes string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if bytes != "" {
			r.Header.Set("Range", "bytes="+bytes)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, body
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	answer, body := ask("GET", "/recordings/6/broadcast/1.mp4?sign=good", "")
	if h := answer.Header; answer.StatusCode != http.StatusOK || !bytes.Equal(body, whole) || h.Get("Content-Type") != "video/mp4" ||
		h.Get("Accept-Ranges") != "bytes" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("ETag") == "" {
		t.Fatalf("%d bytes, %v", len(body), answer)
	}
	answer, body = ask("GET", "/recordings/6/broadcast/1.mp4?sign=good", "1000-1999")
	if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(body, whole[1000:2000]) {
		t.Fatalf("%d bytes, %v", len(body), answer)
	}
	answer, body = ask("HEAD", "/recordings/6/broadcast/1.mp4?sign=good", "")
	if answer.StatusCode != http.StatusOK || answer.ContentLength != int64(len(whole)) || len(body) > 0 {
		t.Fatalf("%d bytes, %v", len(body), answer)
	}
	answer, body = ask("GET", "/recordings/6/broadcast/index.jsonl?sign=good", "")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/x-ndjson" || !bytes.Contains(body, []byte("fragment")) {
		t.Fatalf("got %s, %v", body, answer)
	}
	for path, want := range map[string]int{
		"/recordings/6/broadcast/1.mp4":                           403,
		"/recordings/6/broadcast/1.mp4?sign=bad":                  403,
		"/recordings/6/broadcast/1.mp4?sign=trouble":              503,
		"/recordings/6/broadcast/2.mp4?sign=good":                 404,
		"/recordings/6/broadcast/../broadcast/1.mp4?sign=good":    404,
		"/recordings/6/broadcast/..%2f..%2f.lock?sign=good":       404,
		"/recordings/6/broadcast/%2e%2e%2f%2e%2e/.lock?sign=good": 404,
		"/recordings/6/other/1.mp4?sign=good":                     404,
		"/recordings/.lock?sign=good":                             404,
		"/recordings/?sign=good":                                  404,
		"/recordings/6/sh%ffow/1.mp4?sign=good":                   404,
	} {
		if answer, body := ask("GET", path, ""); answer.StatusCode != want || len(body) > 0 {
			t.Errorf("%s: got %d, %q", path, answer.StatusCode, body)
		}
	}
	if answer, _ := ask("POST", "/recordings/6/broadcast/1.mp4?sign=good", ""); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Error(answer.Status)
	}
	if answer, _ := ask("OPTIONS", "/recordings/6/broadcast/1.mp4", ""); answer.StatusCode != http.StatusNoContent || answer.Header.Get("Access-Control-Allow-Headers") != "Range" {
		t.Error(answer.Status)
	}
	all := pictures(t, source)
	if got := pictures(t, web.URL+"/recordings/6/broadcast/1.mp4?sign=good", "-ss", "3.2"); len(got) != len(all)-80 || got[0] != all[80] {
		t.Errorf("got %d pictures over HTTP from 3.2 s on", len(got))
	}
}

func TestRunningRecordingsAreServedAsFarAsWritten(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	r := newReel()
	if err := s.Start("6", "broadcast", "stream", r); err != nil {
		t.Fatal(err)
	}
	go r.play(long(t, 20))
	var rec record.Recording
	eventually(t, "a fragment", func() bool {
		rec, _ = s.Get("6", "broadcast")
		return len(rec.Parts) > 0 && rec.Parts[0].Length > 0
	})
	file, err := os.OpenFile(s.file(rec, 0), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	half := bytes.Repeat([]byte("half a fragment"), 100_000)
	if _, err := file.Write(half); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	handler := &record.Handler{Recorder: s.Recorder, AllowOrigin: "*", Authorize: func(context.Context, string, string, string) error { return nil }}
	answer := httptest.NewRecorder()
	http.StripPrefix("/", handler).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/6/broadcast/1.mp4", nil).WithContext(t.Context()))
	if n := answer.Body.Len(); answer.Code != http.StatusOK || int64(n) < rec.Parts[0].Bytes || n >= len(half) {
		t.Fatalf("%d, %d bytes", answer.Code, n)
	}
	r.Close()
	s.finished("broadcast")
}

func TestDeletedRecordingsLoseTheirFiles(t *testing.T) {
	t.Parallel()
	broadcast := long(t, 3)
	s := open(t, t.TempDir(), func(c *record.Config) { c.RecordSweep = 5 * time.Millisecond })
	s.record("a", broadcast)
	s.record("b", broadcast)
	s.testObserver.set(func(e *testObserver) { e.gone = "a" })
	eventually(t, "a is deleted", func() bool { return s.Stats().Kept == 1 })
	if _, there := s.Get("6", "b"); !there {
		t.Fatal("b was deleted")
	}
}

// TestTransferEndsWhenTheRightIsLost downloads a file that is larger than all buffers between server and client. The client
// reads the rest only after the right to play was lost.
func TestTransferEndsWhenTheRightIsLost(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	s := open(t, t.TempDir(), nil)
	rec := s.record("broadcast", long(t, 3))
	if err := os.Truncate(filepath.Join(s.dir, rec.Folder, rec.ID, record.IndexFile), size); err != nil { // without use of the disk
		t.Fatal(err)
	}
	expired := fmt.Errorf("%w: %w", record.ErrForbidden, media.ErrSignExpired)
	for name, c := range map[string]struct {
		http2   bool
		answers []error // of the calls of Authorize; the last one is repeated
		whole   bool
	}{
		"HTTP/1.1":                     {false, []error{nil, record.ErrForbidden}, false},
		"HTTP/2":                       {true, []error{nil, record.ErrForbidden}, false},
		"after a deletion":             {false, []error{nil, nil, record.ErrNotFound}, false},
		"but not without a database":   {false, []error{nil, errors.New("no database")}, true},
		"but not when a sign expires":  {true, []error{nil, expired}, true},
		"after the expiry of the sign": {true, []error{nil, expired, record.ErrForbidden}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			handler := &record.Handler{Recorder: s.Recorder, Authorize: func(context.Context, string, string, string) error {
				return c.answers[min(int(calls.Add(1)), len(c.answers))-1]
			}}
			returned := make(chan struct{})
			watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(returned)
				http.StripPrefix("/", handler).ServeHTTP(w, r)
			})
			web := httptest.NewUnstartedServer(nil)
			web.Config = httpserver.New(httpserver.Config{Handler: watched, Slots: limit.NewSlots(8, 8, limit.Proxies{}), Now: time.Now, Timeouts: httpserver.Timeouts{StallTimeout: 10 * time.Minute}})
			web.EnableHTTP2 = c.http2
			web.StartTLS()
			defer web.Close()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/6/broadcast/"+record.IndexFile, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := web.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			eventually(t, "the right was checked again", func() bool { return int(calls.Load()) >= len(c.answers) })
			if !c.whole {
				eventually(t, "the handler has returned", func() bool { // while the client reads nothing
					select {
					case <-returned:
						return true
					default:
						return false
					}
				})
			}
			n, err := io.Copy(io.Discard, answer.Body)
			if answer.ProtoMajor == 2 != c.http2 || answer.ContentLength != size {
				t.Errorf("got HTTP/%d, %d bytes announced", answer.ProtoMajor, answer.ContentLength)
			}
			if (err == nil) != c.whole || (n == size) != c.whole {
				t.Errorf("got %d bytes, %v", n, err)
			}
		})
	}
}
