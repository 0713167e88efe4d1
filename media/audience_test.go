package media_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deepch/vdk/format/flv/flvio"

	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

// The stream of the benchmarks has 2 Mbit/s and groups of pictures of two seconds.
const (
	streamFPS   = 30
	streamGroup = 60
	streamKey   = 60_000 // size of a key frame in bytes
	streamFrame = 6_900  // size of another picture in bytes
	streamSound = 370    // size of an AAC frame in bytes; there are 43 per second
	groupLength = time.Second * streamGroup / streamFPS
)

// broadcast publishes the stream in real time until the test ends. It returns when the stream has begun.
func (h *childServer) broadcast(b testing.TB) { broadcast(b, dialRTMP(b, h.rtmp), benchKey) }

func broadcast(b testing.TB, s *sender, query string) {
	b.Helper()
	s.send(hello("live", "publish", 3, nil, query, "live"))
	s.expect(rtmp.PublishStart)
	s.meta(amf.Object{"width": 1920, "height": 1080, "framerate": streamFPS})
	s.video(0, avcHeader())
	s.audio(0, aacHeader())
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { streamTime(s, stop) })
	b.Cleanup(func() { close(stop); sending.Wait(); s.Close() })
}

// streamTime sends every frame at its time, until stop is closed.
func streamTime(s *sender, stop <-chan struct{}) {
	key := videoFrame(true, string(make([]byte, streamKey)))
	other := videoFrame(false, string(make([]byte, streamFrame)))
	tone := sound(string(make([]byte, streamSound)))
	began, sounds := time.Now(), 0
	for pictures := 0; ; pictures++ {
		at := time.Second * time.Duration(pictures) / streamFPS
		for ; ; sounds++ {
			heard := time.Second * time.Duration(sounds) * 1024 / 44100
			if heard > at {
				break
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Until(began.Add(heard))):
			}
			s.audio(uint32(heard.Milliseconds()), tone)
		}
		<-time.After(time.Until(began.Add(at)))
		frame := other
		if pictures%streamGroup == 0 {
			frame = key
		}
		s.video(uint32(at.Milliseconds()), frame)
	}
}

// audience is a group of many players of one stream in this process, which use as little CPU time as possible.
type audience struct {
	t       testing.TB
	players []*listener
	playing sync.WaitGroup
}

// listener is one player of an audience.
type listener struct {
	conn     net.Conn
	bytes    atomic.Int64
	firstKey atomic.Int64 // nanoseconds from the request to the first key frame
	lastAt   time.Time    // time at which the newest frame arrived
	longest  atomic.Int64 // longest time between two frames in nanoseconds
}

// gather starts n players, one every few milliseconds. Each runs play.
func (h *childServer) gather(b testing.TB, n int, addr string, play func(*listener) error) *audience {
	b.Helper()
	a := &audience{t: b, players: make([]*listener, n)}
	b.Cleanup(a.leave)
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for i := range a.players {
		<-every.C
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		l := &listener{conn: conn}
		a.players[i] = l
		a.playing.Go(func() { _ = play(l) })
	}
	eventually(b, "all players have their first frames", func() bool {
		return !slices.ContainsFunc(a.players, func(l *listener) bool { return l.bytes.Load() == 0 })
	})
	return a
}

func (a *audience) leave() {
	for _, l := range a.players {
		if l != nil {
			_ = l.conn.Close()
		}
	}
	a.playing.Wait()
}

// bytes returns the number of bytes that all players have received.
func (a *audience) bytes() (n int64) {
	for _, l := range a.players {
		n += l.bytes.Load()
	}
	return n
}

// firstKeys returns the times that the players waited for their first key frame, shortest first.
func (a *audience) firstKeys() (all []time.Duration) {
	eventually(a.t, "all players have their first key frame", func() bool {
		return !slices.ContainsFunc(a.players, func(l *listener) bool { return l.firstKey.Load() == 0 })
	})
	for _, l := range a.players {
		all = append(all, time.Duration(l.firstKey.Load()))
	}
	slices.Sort(all)
	return all
}

// longest returns the longest time that a player waited for a frame since the last call.
func (a *audience) longest() (gap time.Duration) {
	for _, l := range a.players {
		gap = max(gap, time.Duration(l.longest.Swap(0)))
	}
	return gap
}

// playFLV plays over HTTP and parses every tag.
func (l *listener) playFLV(path string) error {
	requested := time.Now()
	r, err := http.NewRequest(http.MethodGet, "http://x"+path, nil)
	if err != nil {
		return err
	}
	if err := r.Write(l.conn); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(l.conn, 64<<10), r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	body := bufio.NewReaderSize(answer.Body, 32<<10)
	if _, err := body.Discard(flvio.FileHeaderLength + flvio.TagTrailerLength); err != nil {
		return err
	}
	for {
		if err := l.tag(body, requested); err != nil {
			return err
		}
	}
}

func (l *listener) tag(body *bufio.Reader, requested time.Time) error {
	head, err := body.Peek(flvio.TagHeaderLength + 2)
	if err != nil {
		return err
	}
	size := flvio.TagHeaderLength + int(head[1])<<16 + int(head[2])<<8 + int(head[3]) + flvio.TagTrailerLength
	key := head[0] == flv.Video && head[11] == 0x17 && head[12] == 1
	if _, err := body.Discard(size); err != nil {
		return err
	}
	now := time.Now()
	l.bytes.Add(int64(size))
	if key {
		l.firstKey.CompareAndSwap(0, int64(now.Sub(requested)))
	}
	if gap := int64(now.Sub(l.lastAt)); !l.lastAt.IsZero() && gap > l.longest.Load() {
		l.longest.Store(gap)
	}
	l.lastAt = now
	return nil
}

// playRTMP plays over RTMP and counts bytes.
func (l *listener) playRTMP() error {
	if _, err := l.conn.Write(hello("live", "play", 3, nil, benchKey)); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for greeting := true; ; {
		n, err := l.conn.Read(buf)
		if err != nil {
			return err
		}
		if greeting && !bytes.Contains(buf[:n], []byte(rtmp.PlayStart)) {
			continue
		}
		greeting = false
		l.bytes.Add(int64(n))
	}
}

// stall requests the stream and reads almost nothing.
func (h *childServer) stall(b testing.TB) {
	conn, err := net.Dial("tcp", h.http)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := io.WriteString(conn, "GET "+h.flvPath()+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		b.Fatal(err)
	}
}
