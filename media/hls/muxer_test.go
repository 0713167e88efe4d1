package hls_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/waittest"
	"roomlog/media/flv"
	"roomlog/media/hls"
)

func TestEveryReferencedFileIsServed(t *testing.T) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%v", plain), func(t *testing.T) {
			m := open(t, hls.Config{NoLowLatency: plain})
			write(t, m, avcHeader(), aacHeader())
			for i := range uint32(4) {
				second(t, m, i*1000)
			}
			w := index(m)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.apple.mpegurl" || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatal(w.Code, w.Header())
			}
			lists := refs(w.Body.String())
			slices.Sort(lists)
			if !slices.Equal(lists, []string{"audio2_stream.m3u8?session=S", "video1_stream.m3u8?session=S"}) {
				t.Fatal(lists)
			}
			for _, name := range lists {
				name, _, _ = strings.Cut(name, "?")
				w := list(m, name, "session=S")
				if w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
					t.Fatal(w.Code, w.Header(), w.Body)
				}
				if ll := strings.Contains(w.Body.String(), "CAN-BLOCK-RELOAD=YES"); ll == plain {
					t.Fatal(w.Body)
				}
				files := refs(w.Body.String())
				if len(files) < 3 {
					t.Fatal(files)
				}
				for _, name := range files {
					if !strings.HasSuffix(name, "?broadcast=TOKEN") {
						t.Fatal(name)
					}
					if strings.Contains(w.Body.String(), `PRELOAD-HINT:TYPE=PART,URI="`+name) {
						continue
					}
					f := file(m, name)
					if f.Code != 200 || f.Body.Len() < 100 || f.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
						t.Fatal(name, f.Code, f.Body.Len(), f.Header())
					}
				}
			}
		})
	}
}

func TestUnknownFilesAreNotFoundAtOnce(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader())
	second0 := func(from uint32) {
		for i := range uint32(25) {
			write(t, m, videoFrame(from+i*40, i == 0))
		}
	}
	second0(0)
	second0(1000)
	index(m)
	text := list(m, "video1_stream.m3u8", "").Body.String()
	hint := regexp.MustCompile(`PRELOAD-HINT:TYPE=PART,URI="([^?]+)_part(\d+)\.mp4`).FindStringSubmatch(text)
	if hint == nil {
		t.Fatal(text)
	}
	var n int
	fmt.Sscan(hint[2], &n)
	for _, name := range []string{"x", "x.mp4", "gap.mp4", "../../etc/passwd", "index.m3u8x", "x_part0.mp4", hint[1] + "_part-1.mp4",
		fmt.Sprintf("%s_part%d.mp4", hint[1], n+1), fmt.Sprintf("%s_part%d.mp4", hint[1], n+2), hint[1] + "_part99999999999999999999.mp4"} {
		if w := file(m, name); w.Code != 404 || w.Body.Len() > 0 {
			t.Errorf("%s: got %d", name, w.Code)
		}
	}
	if w := list(m, "other_stream.m3u8", ""); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestRequestsWaitForTheNextSegmentOrPart(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, avcHeader(), aacHeader())
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- index(m) }() // The index is requested before there is a segment.
	second(t, m, 0)
	second(t, m, 1000)
	if w := waittest.Receive(t, first, "the index"); w.Code != 200 {
		t.Fatal(w.Code)
	}
	text := list(m, "video1_stream.m3u8", "").Body.String()
	next := number(t, text, "MEDIA-SEQUENCE") + strings.Count(text, "#EXTINF")
	parts := strings.Count(text[strings.LastIndex(text, "#EXTINF"):], "#EXT-X-PART:")
	answers := make(chan *httptest.ResponseRecorder, 4)
	go func() { answers <- list(m, "video1_stream.m3u8", fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d", next, parts)) }()
	go func() { answers <- list(m, "video1_stream.m3u8", fmt.Sprintf("_HLS_msn=%d", next)) }()
	// hls.js without its low-latency mode: https://github.com/video-dev/hls.js/issues/3566
	go func() { answers <- list(m, "video1_stream.m3u8", fmt.Sprintf("_HLS_msn=%d&_HLS_part=0", next+1)) }()
	hint := regexp.MustCompile(`PRELOAD-HINT:TYPE=PART,URI="([^"]+)`).FindStringSubmatch(text)[1]
	go func() { answers <- file(m, hint) }()
	select {
	case w := <-answers:
		t.Fatalf("got status %d without a response body", w.Code)
	case <-time.After(50 * time.Millisecond):
	}
	second(t, m, 2000)
	second(t, m, 3000)
	for range 4 {
		if w := waittest.Receive(t, answers, "a response"); w.Code != 200 || w.Body.Len() == 0 {
			t.Fatal(w.Code)
		}
	}
	for query, want := range map[string]int{
		"_HLS_msn=0": 200, fmt.Sprintf("_HLS_msn=%d", next+50): 400, "_HLS_msn=-1": 400, "_HLS_msn=x": 400, "_HLS_part=1": 400,
		"_HLS_msn=0&_HLS_part=-1": 400, "_HLS_skip=YES": 200, "_HLS_msn=99999999999999999999": 400,
	} {
		if w := list(m, "video1_stream.m3u8", query); w.Code != want {
			t.Errorf("%s: got %d, want %v", query, w.Code, want)
		}
	}
}

func TestWaitingRequestsAreLimited(t *testing.T) {
	m := open(t, hls.Config{WaitTimeout: timeout, Waiting: limit.NewSlots(0, 2, nil)})
	write(t, m, avcHeader())
	get := func(addr string) chan int {
		code := make(chan int, 1)
		go func() {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/index.m3u8", nil)
			r.RemoteAddr = addr
			m.Index(w, r, "session=S")
			code <- w.Code
		}()
		return code
	}
	other := get("192.0.2.9:1")
	var flood []chan int
	for range 5 {
		flood = append(flood, get("192.0.2.1:1"))
	}
	refused := 0
	for len(flood) > 2 { // requests of an address take the place of older ones of this address
		for i, code := range flood {
			select {
			case got := <-code:
				if got != 503 {
					t.Fatal(got)
				}
				refused++
				flood = slices.Delete(flood, i, i+1)
			case <-time.After(time.Millisecond):
				continue
			}
			break
		}
	}
	if refused != 3 {
		t.Fatal(refused)
	}
	second(t, m, 0)
	second(t, m, 1000)
	for _, code := range append(flood, other) {
		if got := waittest.Receive(t, code, "a response"); got != 200 {
			t.Fatalf("got %d, want 200", got)
		}
	}
}

func TestRequestsOfLostClientsDoNotWait(t *testing.T) {
	patient := open(t, hls.Config{WaitTimeout: time.Hour})
	write(t, patient, avcHeader())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	patient.Index(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), "") // does not wait
}

func TestPlaylistsEndWithTheStream(t *testing.T) {
	waiting := limit.NewSlots(0, 0, nil)
	m := open(t, hls.Config{Waiting: waiting})
	write(t, m, avcHeader(), aacHeader())
	for i := range uint32(3) {
		second(t, m, i*1000)
	}
	index(m)
	waits := make(chan string)
	go func() { waits <- list(m, "video1_stream.m3u8", "_HLS_msn=10").Body.String() }()
	for waiting.Count() == 0 {
		select {
		case text := <-waits:
			t.Fatalf("the client did not wait: %s", text)
		default:
			runtime.Gosched()
		}
	}
	m.End()
	for _, text := range []string{waittest.Receive(t, waits, "the response"), list(m, "audio2_stream.m3u8", "").Body.String()} {
		if !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") || strings.Contains(text, "PRELOAD") {
			t.Fatal(text)
		}
		if w := file(m, refs(text)[1]); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	m.Close()
	if w := list(m, "video1_stream.m3u8", ""); w.Code != 404 {
		t.Fatal(w.Code)
	}
}

func TestNewHeadersAndJumpsContinueTheNumbering(t *testing.T) {
	other := avcHeader()
	other.payload = bytes.Clone(other.payload)
	other.payload[len(other.payload)-1]++
	for name, tt := range map[string]struct {
		header frame
		at     uint32
	}{
		"a header":        {other, 2000},
		"a jump":          {avcHeader(), 3_600_000},
		"a backward jump": {avcHeader(), 1<<32 - 3_600_000},
		"sound vanishes":  {frame{flv.Audio, 0, []byte{0xaf, 0}}, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hls.Config{})
			write(t, m, avcHeader(), aacHeader())
			second(t, m, 0)
			second(t, m, 1000)
			index(m)
			before := list(m, "video1_stream.m3u8", "").Body.String()
			next := number(t, before, "MEDIA-SEQUENCE") + strings.Count(before, "#EXTINF") + 1 // the incomplete segment is the last one of its run
			waits := make(chan string)
			go func() { waits <- list(m, "video1_stream.m3u8", fmt.Sprintf("_HLS_msn=%d", next)).Body.String() }()
			write(t, m, tt.header)
			second(t, m, tt.at)
			second(t, m, tt.at+1000)
			after := waittest.Receive(t, waits, "the response")
			if n := number(t, after, "MEDIA-SEQUENCE"); n < next {
				t.Fatalf("%d after %d", n, next)
			}
			if n := number(t, after, "DISCONTINUITY-SEQUENCE"); n != 1 {
				t.Fatalf("%d discontinuities, want 1", n)
			}
			for _, name := range append(refs(after), refs(before)...) {
				if !strings.Contains(after, `PRELOAD-HINT:TYPE=PART,URI="`+name) && !strings.Contains(before, `PRELOAD-HINT:TYPE=PART,URI="`+name) {
					if w := file(m, name); w.Code != 200 {
						t.Errorf("%s: got %d, want 200", name, w.Code)
					}
				}
			}
		})
	}
}

func TestStreamsThatCannotBeSegmentedEndWithAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		frames []frame
		want   error
		status int
	}{
		"MP3":                        {[]frame{{flv.Audio, 0, []byte("\x2fmp3")}}, hls.ErrCodec, 415},
		"VP6":                        {[]frame{{flv.Video, 0, []byte("\x14vp6")}}, hls.ErrCodec, 415},
		"VP9, whose size is unknown": {[]frame{{flv.Video, 0, []byte("\x90vp09\x01\x00\x00\x00")}, {flv.Video, 0, []byte("\x91vp09x")}}, hls.ErrCodec, 415},
		"H264 without sets":          {[]frame{{flv.Video, 0, []byte("\x17\x00\x00\x00\x00\x01")}, videoFrame(0, true)}, hls.ErrCodec, 415},
		"AAC without a rate":         {[]frame{{flv.Audio, 0, []byte("\xaf\x00\x17\x80\x00\x00\x10")}, sound(0)}, hls.ErrCodec, 415},
		"a stream without a second key frame": {func() []frame {
			all := []frame{avcHeader(), videoFrame(0, true)}
			for i := range uint32(2000) {
				p := videoFrame(i*40, false)
				p.payload = append(bytes.Clone(p.payload), 0, 0, 16, 0)
				p.payload = append(p.payload, make([]byte, 4096)...)
				all = append(all, p)
			}
			return all
		}(), hls.ErrSegmenting, 503},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, hls.Config{MaxSegment: 4 << 20})
			waits := make(chan int)
			go func() { waits <- index(m).Code }()
			var err error
			for _, f := range tt.frames {
				if err = m.Write(f); err != nil {
					break
				}
			}
			if !errors.Is(err, tt.want) {
				t.Fatal(err)
			}
			if code := waittest.Receive(t, waits, "the response"); code != tt.status {
				t.Fatal(code)
			}
		})
	}
	t.Run("leaves out a malformed track", func(t *testing.T) {
		m := open(t, hls.Config{})
		write(t, m, avcHeader(), frame{flv.Audio, 0, []byte("\xaf\x00\xff\xff")}, frame{flv.Audio, 0, []byte("\x2fmp3")})
		second(t, m, 0)
		second(t, m, 1000)
		if lists := refs(index(m).Body.String()); !slices.Equal(lists, []string{"video1_stream.m3u8?session=S"}) {
			t.Fatal(lists)
		}
	})
	t.Run("leaves out malformed frames", func(t *testing.T) {
		faults := 0
		m := open(t, hls.Config{OnError: func(error) { faults++ }})
		write(t, m, avcHeader(), aacHeader())
		second(t, m, 0)
		for _, broken := range []string{"\x27\x01\x00\x00\x00\x00\x00\x00\x09x", "\x27\x01\x00\x00\x00\x00\x00\x00\x00", "\x27\x01\x00\x00\x00", "\x27\x01\x00\x00\x00\xff\xff\xff\xff"} {
			write(t, m, frame{flv.Video, 990, []byte(broken)})
		}
		write(t, m, frame{flv.Audio, 990, []byte("\xaf\x01")})
		second(t, m, 1000)
		if w := index(m); w.Code != 200 || faults == 0 {
			t.Fatal(w.Code, faults)
		}
	})
}

// TestAudioPartsHaveEqualDurations checks that audio whose timestamps are whole milliseconds gets exact times, so that
// parts have equal durations.
func TestAudioPartsHaveEqualDurations(t *testing.T) {
	m := open(t, hls.Config{})
	write(t, m, aacHeader())
	for i := range 500 {
		write(t, m, sound(uint32(i*1024*1000/44100)))
	}
	index(m)
	text := list(m, "audio1_stream.m3u8", "").Body.String()
	lengths := map[string]bool{}
	for _, found := range regexp.MustCompile(`#EXT-X-PART:DURATION=([0-9.]+)`).FindAllStringSubmatch(text, -1) {
		lengths[found[1]] = true
	}
	if len(lengths) == 0 || len(lengths) > 2 { // the last part of a segment may be shorter
		t.Fatalf("%v in %s", lengths, text)
	}
}

// FuzzWrite writes any frames and requests the resulting files.
func FuzzWrite(f *testing.F) {
	record := func(frames ...frame) []byte {
		var b []byte
		for _, f := range frames {
			b = append(b, f.kind, byte(f.at/40), byte(len(f.payload)))
			b = append(b, f.payload...)
		}
		return b
	}
	all := []frame{avcHeader(), aacHeader()}
	for i := range uint32(75) {
		all = append(all, videoFrame(i*40, i%25 == 0), sound(i*40))
	}
	f.Add(record(all...))
	f.Add(record(avcHeader(), videoFrame(0, true), frame{flv.Video, 0, []byte("\x90hvc1")}, videoFrame(40, false)))
	f.Add(record(frame{flv.Audio, 0, []byte("\x90OpusOpusHead\x01\x02\x00\x00")}, frame{flv.Audio, 0, []byte("\x91Opus\xfcx")}, frame{flv.Audio, 200, []byte("\x91Opus\xffx")}))
	f.Add(record(frame{flv.Video, 0, append([]byte("\x90av01\x81\x08\x0c\x00"), 0x0a, 0x0b, 0x00, 0x00, 0x00, 0x42, 0xa7, 0xbf, 0xe4, 0x60, 0x0d, 0x00, 0x40)},
		frame{flv.Video, 0, []byte("\x93av01\x0a\x0b\x00\x00\x00\x42\xa7\xbf\xe4\x60\x0d\x00\x40\x32\x01x")}, frame{flv.Video, 40, []byte("\xa3av01\x32\x01x")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := hls.New(hls.Config{Now: time.Now, Token: "T", WaitTimeout: time.Millisecond, MinSegment: 100 * time.Millisecond, MaxSegment: 1 << 20})
		at := uint32(0)
		for n := 0; len(b) >= 3 && n < 2000; n++ {
			size := min(int(b[2]), len(b)-3)
			at += uint32(b[1]) - 20
			if m.Write(frame{b[0], at, b[3 : 3+size]}) != nil {
				break
			}
			b = b[3+size:]
		}
		for _, name := range refs(index(m).Body.String()) {
			name, _, _ = strings.Cut(name, "?")
			for _, ref := range refs(list(m, name, "").Body.String()) {
				file(m, ref)
			}
		}
		done := make(chan struct{})
		go func() { defer close(done); m.Close() }()
		select {
		case <-done:
		case <-time.After(3 * time.Minute):
			t.Fatal("it does not close")
		}
	})
}
