package restream_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/internal/logtest"
	"roomlog/internal/porttest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/restream"
	"roomlog/media/rtmp"
)

const (
	timeout = 3 * time.Minute
	live    = 6
	key     = "SECRETKEY"
)

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// server is a media server: one that pushes, or a target. It accepts the stream keys that begin with key.
type server struct {
	*media.Server
	rtmp string
	stop func()

	mu         sync.Mutex
	broadcasts []media.Broadcast
	fields     amf.Object
}

func (s *server) AuthorizeConnect(_ context.Context, r media.ConnectRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fields = r.Client.Fields
	return nil
}

func (s *server) AuthorizePublish(_ context.Context, r media.PublishRequest) error {
	if !strings.HasPrefix(r.Key, key) {
		return errors.New("the key is wrong")
	}
	return nil
}
func (s *server) AuthorizePlay(context.Context, media.PlayRequest) error { return nil }

func (s *server) PublishStarted(_ context.Context, b media.Broadcast) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcasts = append(s.broadcasts, b)
}

func (s *server) PublishStopped(context.Context, media.Broadcast, media.Reason) {}

// broadcast waits for broadcast n, from 0.
func (s *server) broadcast(t testing.TB, n int) (b media.Broadcast) {
	t.Helper()
	eventually(t, "a broadcast begins", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n < len(s.broadcasts) {
			b = s.broadcasts[n]
		}
		return b.ID != ""
	})
	return b
}

// stream returns the stream of the target, or the zero value.
func (s *server) stream() media.StreamStats {
	for _, one := range s.Snapshot().Streams {
		return one
	}
	return media.StreamStats{}
}

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func start(t testing.TB, ln net.Listener) *server {
	t.Helper()
	s := &server{rtmp: ln.Addr().String()}
	cfg := media.Config{Authorizer: s, Observer: s, Now: time.Now, Log: slog.New(slog.DiscardHandler), SettleTime: 5 * time.Second, StreamGrace: timeout}
	cfg.RTMP = rtmp.Config{HandshakeTimeout: timeout, MessageTimeout: timeout, ControlTimeout: timeout, MediaTimeout: timeout}
	var err error
	if s.Server, err = media.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.stop = running(t, s.Run, func(ctx context.Context) error { return s.ServeRTMP(ctx, ln) })
	return s
}

// running runs functions until stop is called or the test ends.
func running(t testing.TB, all ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, run := range all {
		group.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

// pushing is a server with a Pusher.
type pushing struct {
	*server
	*restream.Pusher
	log *logtest.Buffer
}

func push(t testing.TB, change func(*restream.Config)) *pushing {
	t.Helper()
	p := &pushing{server: start(t, listen(t, "127.0.0.1:0")), log: &logtest.Buffer{}}
	cfg := restream.Config{Service: "this-service", Now: time.Now, Log: slog.New(slog.NewTextHandler(p.log, nil)), RestreamNetworks: []string{"127.0.0.0/8"},
		RestreamRetry: 10 * time.Millisecond, RestreamRetryMax: 50 * time.Millisecond, DialTimeout: timeout, Stop: timeout}
	cfg.RTMP = &rtmp.Config{HandshakeTimeout: timeout, ControlTimeout: timeout, MediaTimeout: timeout}
	if change != nil {
		change(&cfg)
	}
	var err error
	if p.Pusher, err = restream.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.Attach(p.Server)
	running(t, p.Pusher.Run)
	t.Cleanup(func() {
		if strings.Contains(p.log.String(), key) {
			t.Errorf("the log contains a stream key: %s", p.log)
		}
	})
	return p
}

// state waits until fits reports true for the state of the only target.
func (p *pushing) state(t testing.TB, what string, fits func(restream.State) bool) (s restream.State) {
	t.Helper()
	eventually(t, what, func() bool {
		all := p.States(live)
		if len(all) == 1 {
			s = all[0]
		}
		return len(all) == 1 && fits(s)
	})
	if strings.Contains(s.Reason, key) {
		t.Errorf("a reason contains a stream key: %s", s.Reason)
	}
	return s
}

func isLive(s restream.State) bool { return s.Status == restream.Live && s.Bytes > 0 }

func named(t testing.TB, address string) []restream.Named {
	t.Helper()
	target, err := restream.ParseTarget(address, "")
	if err != nil {
		t.Fatal(err)
	}
	return []restream.Named{{Name: "example", Target: target}}
}

func needFFmpeg(t testing.TB) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), "ffmpeg") {
		t.Skip("ffmpeg is left out by ROOMLOG_SKIP")
	}
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; install it with `make deps`, or leave it out with ROOMLOG_SKIP=ffmpeg", tool)
		}
	}
}

var film = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=160x90:r=10:d=4", "-f", "lavfi", "-i", "sine=d=4:r=44100", "-c:v", "libx264",
		"-preset", "ultrafast", "-bf", "2", "-g", "5", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-f", "flv", "-").Output()
})

// encode publishes a film again and again in real time until stop is called. stop ends the encoder without a farewell.
func encode(t testing.TB, to *server) (stop func()) {
	t.Helper()
	needFFmpeg(t)
	content, err := film()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "film.flv")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", "flv", "rtmp://"+to.rtmp+"/live/"+key)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(stop)
	return stop
}

// TestTargetsFollowTheirBroadcast pushes to a server of roomlog. The target refuses a wrong key, dies and comes back, the encoder
// reconnects, the target is removed, and the broadcast ends.
func TestTargetsFollowTheirBroadcast(t *testing.T) {
	t.Parallel()
	address := porttest.Address(t) // the target comes back there
	target := start(t, listen(t, address))
	p := push(t, nil)
	stop := encode(t, p.server)
	b := p.broadcast(t, 0)

	p.Set(live, b, named(t, "rtmp://"+target.rtmp+"/live/WRONG"+key))
	p.state(t, "the target refuses the key", func(s restream.State) bool {
		return s.Status == restream.Failed && s.Reconnects > 0 && s.Reason == "the server has refused the stream: NetStream.publish.Unauthorized"
	})
	if !strings.Contains(p.log.String(), "NetStream.publish.Unauthorized") || strings.Count(p.log.String(), "pushing a broadcast to a target failed") != 1 {
		t.Errorf("a failure that repeats must be logged once: %s", p.log)
	}

	right := named(t, "rtmp://"+target.rtmp+"/live/"+key)
	p.Set(live, b, right)
	p.state(t, "the target receives the broadcast", isLive)
	if got := target.broadcast(t, 0); got.Video != flv.H264 || got.Audio != flv.AAC || got.Size != (flv.Size{Width: 160, Height: 90}) {
		t.Errorf("the target has %+v", got)
	}
	target.mu.Lock()
	if target.fields[restream.ServiceField] != "this-service" {
		t.Errorf("the target got the fields %v", target.fields)
	}
	target.mu.Unlock()

	before := p.state(t, "the target receives the broadcast", isLive)
	p.Set(live, b, right) // nothing changes
	stop()
	encode(t, p.server)
	after := p.state(t, "the target receives frames of the encoder that has reconnected", func(s restream.State) bool { return s.Bytes > before.Bytes+100_000 })
	if after.Reconnects != 0 || len(target.broadcasts) != 1 || target.Snapshot().Jumps != 0 {
		t.Errorf("the encoder has reconnected: %+v, %d broadcasts, %d jumps", after, len(target.broadcasts), target.Snapshot().Jumps)
	}

	target.stop()
	p.state(t, "the target is lost", func(s restream.State) bool { return s.Status == restream.Failed && s.Reconnects > 0 })
	target = start(t, listen(t, address))
	p.state(t, "the target receives the broadcast again", isLive)
	target.broadcast(t, 0)

	p.Set(live, b, nil)
	eventually(t, "the target sees the end", func() bool { return !target.stream().Publishing })
	if all := p.States(live); len(all) != 0 {
		t.Errorf("got %+v, want no target", all)
	}
	if got := p.Stats(); got.Live != 0 || got.Failures == 0 || got.Bytes == 0 {
		t.Errorf("got %+v", got)
	}

	p.Set(live, b, right)
	target.broadcast(t, 1)
	p.Cut(key, media.ReasonEnded)
	eventually(t, "the target sees the end of the broadcast", func() bool { return !target.stream().Publishing })
	p.End(live, b)
}

// TestForeignServer pushes to ffmpeg as a server of RTMP, which stores what it receives. The second connection is a reconnect in
// the middle of the broadcast.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	p := push(t, nil)
	encode(t, p.server)
	b := p.broadcast(t, 0)
	address := porttest.Address(t)
	p.Set(live, b, named(t, "rtmp://"+address+"/app/"+key))
	for _, name := range []string{"first.flv", "second.flv"} {
		file := filepath.Join(t.TempDir(), name)
		cmd := exec.CommandContext(t.Context(), "ffmpeg", "-loglevel", "error", "-listen", "1", "-i", "rtmp://"+address+"/app/"+key, "-t", "2", "-c", "copy", file)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, &complaints)
		}
		checkRecording(t, file)
	}
}

// checkRecording decodes a file. Its pictures must be without faults, and the timestamps must begin at 0 and increase.
func checkRecording(t *testing.T, file string) {
	t.Helper()
	var faults bytes.Buffer
	decode := exec.Command("ffmpeg", "-loglevel", "error", "-i", file, "-f", "null", "-")
	decode.Stderr = &faults
	if err := decode.Run(); err != nil || faults.Len() > 0 {
		t.Errorf("%s cannot be decoded: %v %s", file, err, &faults)
	}
	out, err := exec.Command("ffprobe", "-loglevel", "error", "-select_streams", "v", "-show_entries", "packet=dts,flags", "-of", "csv=p=0", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	if len(lines) < 10 {
		t.Fatalf("%d packets: %s", len(lines), out)
	}
	last := -1
	for i, line := range lines {
		dts, flags, _ := strings.Cut(line, ",")
		at, err := strconv.Atoi(dts)
		if err != nil || at <= last || i == 0 && (at != 0 || !strings.HasPrefix(flags, "K")) {
			t.Fatalf("packet %d is %s after %d", i, line, last)
		}
		last = at
	}
}

// TestRefusedAddresses checks that a target inside the network is not connected to, also by a name.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	p := push(t, func(c *restream.Config) { c.RestreamNetworks = nil })
	encode(t, p.server)
	b := p.broadcast(t, 0)
	target := listen(t, "127.0.0.1:0")
	defer target.Close()
	_, port, _ := net.SplitHostPort(target.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		p.Set(live, b, named(t, "rtmp://"+net.JoinHostPort(host, port)+"/live/"+key))
		p.state(t, "the address is refused", func(s restream.State) bool {
			return s.Status == restream.Failed && strings.Contains(s.Reason, "--restream-networks")
		})
	}
	p.Set(live, b, []restream.Named{{Name: "example", Fault: restream.ErrSealed}})
	p.state(t, "the key cannot be opened", func(s restream.State) bool { return s.Reason == restream.ErrSealed.Error() })
}

// TestSlowTarget pushes to a server that accepts a stream and then reads nothing.
func TestSlowTarget(t *testing.T) {
	t.Parallel()
	p := push(t, func(c *restream.Config) { c.RTMP.MediaTimeout, c.Stop = 10*time.Millisecond, time.Millisecond }) // time passes: the target reads nothing, however long it takes
	encoder := encodeUnknown(t, p.server)
	b := p.broadcast(t, 0)
	target := listen(t, "127.0.0.1:0")
	defer target.Close()
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conns.Go(func() {
		for {
			conn, err := target.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetReadBuffer(1)
			conns.Go(func() { acceptAndStall(ctx, conn) })
		}
	})
	defer target.Close()
	p.Set(live, b, named(t, "rtmp://"+target.Addr().String()+"/live/"+key))
	at := 0
	p.state(t, "the target is too slow", func(s restream.State) bool {
		at++
		if _, err := encoder.Write([]rtmp.Message{{Type: rtmp.TypeVideo, Time: uint32(200 + at), Data: unknown(100_000)}}); err != nil {
			t.Fatal(err)
		}
		return s.Status == restream.Failed && s.Reason == "the target accepts data too slowly"
	})
	p.Set(live, b, nil)
}

// acceptAndStall accepts the stream of a publisher and reads nothing more until ctx ends.
func acceptAndStall(ctx context.Context, raw net.Conn) {
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	conn := rtmp.NewConn(raw, rtmp.Config{Now: time.Now, HandshakeTimeout: timeout, ControlTimeout: timeout})
	if _, err := conn.ReadConnect(); err != nil {
		return
	}
	if _, err := conn.ReadRequest(); err == nil && conn.Accept() == nil {
		<-ctx.Done()
	}
}

// TestFloodingTarget pushes to servers that accept a stream and then send without end: messages that need a response, and chunks of
// messages that never end.
func TestFloodingTarget(t *testing.T) {
	t.Parallel()
	p := push(t, nil)
	encodeUnknown(t, p.server)
	b := p.broadcast(t, 0)
	for name, flood := range map[string][]byte{
		"pings":  {2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4},
		"chunks": append([]byte{3, 0, 0, 0, 0, 1, 0, 20, 0, 0, 0, 0}, make([]byte, 128)...), // 128 bytes of a command of 256 bytes
	} {
		target := listen(t, "127.0.0.1:0")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				conn, err := target.Accept()
				if err != nil {
					return
				}
				acceptAndFlood(conn, flood)
			}
		}()
		p.Set(live, b, named(t, "rtmp://"+target.Addr().String()+"/live/"+key))
		p.state(t, "a target that floods with "+name+" is disconnected", func(s restream.State) bool {
			return s.Status == restream.Failed && s.Reason == "the server breaks the protocol of RTMP, or sends too much"
		})
		p.Set(live, b, nil)
		_ = target.Close()
		<-ended
	}
}

// acceptAndFlood accepts the stream of a publisher, and sends messages until the connection ends.
func acceptAndFlood(raw net.Conn, messages []byte) {
	defer raw.Close()
	conn := rtmp.NewConn(raw, rtmp.Config{Now: time.Now, HandshakeTimeout: timeout, ControlTimeout: timeout})
	if _, err := conn.ReadConnect(); err != nil {
		return
	}
	if _, err := conn.ReadRequest(); err != nil || conn.Accept() != nil {
		return
	}
	read := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, raw); close(read) }()
	many := bytes.Repeat(messages, 1000)
	for {
		if _, err := raw.Write(many); err != nil {
			break
		}
	}
	_ = raw.Close()
	<-read
}

// TestRTMPS pushes over TLS to a server with a certificate that the pusher does not know, and to one that it knows.
func TestRTMPS(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	target := start(t, tls.NewListener(listen(t, "127.0.0.1:0"), &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}))
	strict, trusting := push(t, nil), push(t, func(c *restream.Config) { c.Roots = roots })
	for _, p := range []*pushing{strict, trusting} {
		encode(t, p.server)
		p.Set(live, p.broadcast(t, 0), named(t, "rtmps://"+target.rtmp+"/live/"+key))
	}
	strict.state(t, "the certificate is refused", func(s restream.State) bool {
		return s.Status == restream.Failed && strings.Contains(s.Reason, "certificate")
	})
	trusting.state(t, "the target receives the broadcast", isLive)
}

// TestCodecs pushes a stream of enhanced RTMP to a server that does not announce the codec, and to one that does.
func TestCodecs(t *testing.T) {
	t.Parallel()
	p := push(t, nil)
	encoder := encodeUnknown(t, p.server)
	if !encoder.Takes("vp09") {
		t.Error("the server must announce that it takes every codec")
	}
	b := p.broadcast(t, 0)
	old := listen(t, "127.0.0.1:0")
	defer old.Close()
	go serveOld(old)
	p.Set(live, b, named(t, "rtmp://"+old.Addr().String()+"/live/"+key))
	p.state(t, "the target does not take the codec", func(s restream.State) bool { return s.Reason == "the target does not take the codec xyz0" })
	target := start(t, listen(t, "127.0.0.1:0"))
	p.Set(live, b, named(t, "rtmp://"+target.rtmp+"/live/"+key))
	p.state(t, "the other target takes it", isLive)
}

// unknown returns a key frame of enhanced RTMP with a codec that nobody knows.
func unknown(size int) []byte { return append([]byte{0x91, 'x', 'y', 'z', '0'}, make([]byte, size)...) }

// encodeUnknown publishes some frames of an unknown codec.
func encodeUnknown(t testing.TB, to *server) *rtmp.Publisher {
	t.Helper()
	conn, err := net.Dial("tcp", to.rtmp)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := rtmp.Publish(conn, rtmp.Config{Now: clocktest.Real().Now, HandshakeTimeout: timeout, MediaTimeout: timeout}, rtmp.Publication{URL: "rtmp://" + to.rtmp + "/live", App: "live", Name: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(encoder.Finish)
	var messages []rtmp.Message
	for i := range 3 {
		messages = append(messages, rtmp.Message{Type: rtmp.TypeVideo, Time: uint32(i * 40), Data: unknown(4)})
	}
	if _, err := encoder.Write(messages); err != nil {
		t.Fatal(err)
	}
	return encoder
}

// serveOld accepts streams like a server that knows no enhanced RTMP.
func serveOld(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			acceptOld(conn)
		}
	}
}

// acceptOld accepts one stream and reads it until it ends.
func acceptOld(raw net.Conn) {
	defer raw.Close()
	in := bufio.NewReader(raw)
	hello := make([]byte, 1+1536)
	if _, err := io.ReadFull(in, hello); err != nil {
		return
	}
	_, _ = raw.Write(append(append([]byte{3}, make([]byte, 1536)...), hello[1:]...))
	for id, ok := 1.0, true; id <= 5 && ok; id++ {
		reply := amf.Encode("_result", id, nil, amf.Object{"level": "status"})
		switch id {
		case 4:
			reply = amf.Encode("_result", id, nil, 1)
		case 5:
			reply = amf.Encode("onStatus", 0, nil, amf.Object{"level": "status", "code": "NetStream.Publish.Start"})
		}
		head := []byte{3, 0, 0, 0, 0, 0, byte(len(reply)), 20, 0, 0, 0, 0}
		_, err := raw.Write(append(head, reply...)) // shorter than a chunk; sent before the command, which is as good
		ok = err == nil
	}
	_, _ = io.Copy(io.Discard, in)
}

// certificate returns a certificate for 127.0.0.1, and a pool that contains it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "roomlog"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
}
