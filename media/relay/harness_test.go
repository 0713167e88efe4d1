package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/clocktest"
	"roomlog/media"
	"roomlog/media/amf"
	"roomlog/media/flv"
	"roomlog/media/relay"
	"roomlog/media/rtmp"
)

const (
	timeout = 3 * time.Minute
	secret  = "a-secret-of-all-nodes"
	key     = "KEY"
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

// registry is what the log and the cluster say: the node with the publisher of each stream.
type registry struct {
	mu    sync.Mutex
	nodes map[string]*node // by stream key
}

// set records that a broadcast of key has begun at a node, and tells the others. nil: it has ended for good.
func (r *registry) set(key string, to *node, others ...*node) {
	r.mu.Lock()
	r.nodes[key] = to
	r.mu.Unlock()
	for _, other := range others {
		if to == nil {
			other.puller.Ended(key, other.stats(key).Broadcast.ID)
		} else {
			other.puller.Moved(key)
		}
	}
}

// node is a media server that relays streams.
type node struct {
	*media.Server
	name       string
	registry   *registry
	signer     *media.Signer
	puller     *relay.Puller
	clock      *clocktest.Clock // clock by which signs expire
	rtmp, http string           // http is "" for a node that serves no others
	lookUps    atomic.Int64     // number of look-ups of origins
	stop       func()
}

// Origin implements relay.Origins.
func (n *node) Origin(_ context.Context, key string) (relay.Origin, error) {
	n.lookUps.Add(1)
	n.registry.mu.Lock()
	defer n.registry.mu.Unlock()
	other := n.registry.nodes[key]
	if other == nil || other == n {
		return relay.Origin{}, relay.ErrNoOrigin
	}
	if other.http == "" {
		return relay.Origin{Node: other.name}, nil
	}
	return relay.Origin{Node: other.name, URL: "http://" + other.http}, nil
}

// open starts a node. change may modify its configuration.
func (r *registry) open(t testing.TB, name string, change func(*media.Config, *relay.Config)) *node {
	t.Helper()
	n := &node{name: name, registry: r, clock: clocktest.Real()}
	var err error
	if n.signer, err = media.NewSigner([]string{secret}, 0, n.clock.Now); err != nil {
		t.Fatal(err)
	}
	cfg := media.Config{Authorizer: media.SignAuthorizer{Signer: n.signer}, Now: time.Now, Log: slog.New(slog.DiscardHandler), SettleTime: timeout, StreamGrace: timeout}
	cfg.RTMP = rtmp.Config{HandshakeTimeout: timeout, MessageTimeout: timeout, ControlTimeout: timeout, MediaTimeout: timeout}
	cfg.HLS.Muxer.WaitTimeout, cfg.HLS.IdleTimeout, cfg.HLS.Linger = timeout, timeout, timeout
	pulls := relay.Config{Node: name, Signer: n.signer, Origins: n, Now: time.Now, Grace: timeout}
	if change != nil {
		change(&cfg, &pulls)
	}
	if n.puller, err = relay.New(pulls); err != nil {
		t.Fatal(err)
	}
	cfg.Relay = n.puller
	if n.Server, err = media.New(cfg); err != nil {
		t.Fatal(err)
	}
	n.puller.Attach(n.Server)
	n.serve(t)
	return n
}

func (n *node) serve(t testing.TB) {
	t.Helper()
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	rtmpListener, httpListener := listen(), listen()
	n.rtmp, n.http = rtmpListener.Addr().String(), httpListener.Addr().String()
	handler := relay.NewHandler(relay.HandlerConfig{Node: n.name, Signer: n.signer, Server: n.Server, Now: clocktest.New().Now, Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	mux.Handle(relay.Path, handler)
	mux.Handle("/live/", n.Server)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: timeout}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, run := range []func(context.Context) error{n.Run, n.puller.Run, func(ctx context.Context) error { return n.ServeRTMP(ctx, rtmpListener) }} {
		all.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := web.Serve(httpListener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	n.stop = sync.OnceFunc(func() {
		cancel()
		_ = web.Close()
		all.Wait()
	})
	t.Cleanup(n.stop)
}

// stats returns the counters of the stream of a key.
func (n *node) stats(key string) media.StreamStats {
	for _, s := range n.Snapshot().Streams {
		if s.Key == key {
			return s
		}
	}
	return media.StreamStats{}
}

// publisher is an encoder that sends what a test wants.
type publisher struct {
	net.Conn
	t  testing.TB
	at uint32
}

// publish publishes a stream and sends its headers and its first key frame.
func (n *node) publish(t testing.TB, key string, at uint32) *publisher {
	t.Helper()
	p := n.dial(t, key, at)
	p.headers()
	p.frames("first", 1)
	return p
}

// dial connects an encoder, which may publish from then on.
func (n *node) dial(t testing.TB, key string, at uint32) *publisher {
	t.Helper()
	conn, err := net.Dial("tcp", n.rtmp)
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{conn, t, at}
	t.Cleanup(func() { _ = conn.Close() })
	accepted := make(chan struct{})
	go func() {
		var heard bytes.Buffer
		buf := make([]byte, 4096)
		notified := false
		for {
			n, err := conn.Read(buf)
			heard.Write(buf[:n])
			if !notified && strings.Contains(heard.String(), rtmp.PublishStart) {
				notified = true
				close(accepted)
			}
			if err != nil {
				return
			}
		}
	}()
	p.send(append([]byte{3}, make([]byte, 2*1536)...))
	size := append([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, rtmp.ChunkSize)...)
	p.send(size)
	p.command("connect", 1, amf.Object{"app": "live", "tcUrl": "rtmp://x/live"})
	p.command("createStream", 2, nil)
	p.command("publish", 3, nil, key+"?sign="+n.signer.Publish(key), "live")
	select {
	case <-accepted:
	case <-time.After(timeout):
		t.Fatal("the publisher was not accepted")
	}
	return p
}

// headers sends the metadata and the sequence headers.
func (p *publisher) headers() {
	p.send(rtmp.AppendMedia(nil, flv.Script, 0, amf.Encode("@setDataFrame", "onMetaData", amf.Object{"width": 1920})))
	p.send(rtmp.AppendMedia(nil, flv.Video, p.at, avcHeader()))
	p.send(rtmp.AppendMedia(nil, flv.Audio, p.at, []byte{0xaf, 0, 0x12, 0x10}))
}

func (p *publisher) send(b []byte) { _, _ = p.Write(b) }

func (p *publisher) command(values ...any) {
	b := rtmp.AppendMedia(nil, 20, 0, amf.Encode(values...))
	binary.LittleEndian.PutUint32(b[8:], 0)
	p.send(b)
}

// frames sends n frames of video with their sound, 40 ms apart, of which the first is a key frame.
func (p *publisher) frames(text string, n int) {
	for i := range n {
		p.send(rtmp.AppendMedia(nil, flv.Video, p.at, videoFrame(i == 0, fmt.Sprint(text, " ", i))))
		p.send(rtmp.AppendMedia(nil, flv.Audio, p.at, append([]byte{0xaf, 1}, fmt.Sprint(text, " ", i)...)))
		p.at += 40
	}
}

// end ends publishing as encoders do.
func (p *publisher) end() {
	p.command("FCUnpublish", 4, nil, "KEY")
	p.command("deleteStream", 5, nil, 1)
}

func avcHeader() []byte {
	sps := []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04,
		0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	b := append([]byte{0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x28, 0xff, 0xe1, 0, byte(len(sps))}, sps...)
	return append(b, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb)
}

func videoFrame(isKey bool, text string) []byte {
	kind, unit := byte(0x27), append([]byte{0x41}, text...)
	if isKey {
		kind, unit[0] = 0x17, 0x65
	}
	return append(binary.BigEndian.AppendUint32([]byte{kind, 1, 0, 0, 0}, uint32(len(unit))), unit...)
}

// viewer plays over HTTP-FLV and stores the tags.
type viewer struct {
	t    testing.TB
	mu   sync.Mutex
	tags []tag
	flag byte // the tracks that the header of the file announces; set before the first tag
	done chan struct{}
	err  error // set before done is closed
}

// tag is a tag that a viewer has received.
type tag struct {
	kind    byte
	at      uint32
	payload string
}

func (n *node) watch(t testing.TB, key string) *viewer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v := &viewer{t: t, done: make(chan struct{})}
	go func() {
		defer close(v.done)
		v.err = v.play(ctx, "http://"+n.http+"/live/"+key+".flv?sign="+n.signer.Play(key))
	}()
	t.Cleanup(func() { cancel(); <-v.done })
	return v
}

func (v *viewer) play(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	body := bufio.NewReader(answer.Body)
	header := make([]byte, 13)
	if _, err := io.ReadFull(body, header); err != nil {
		return err
	}
	v.mu.Lock()
	v.flag = header[4]
	v.mu.Unlock()
	for {
		head, err := body.Peek(11)
		if err != nil {
			return err
		}
		raw := make([]byte, 15+int(head[1])<<16+int(head[2])<<8+int(head[3]))
		if _, err := io.ReadFull(body, raw); err != nil {
			return err
		}
		v.mu.Lock()
		v.tags = append(v.tags, tag{raw[0], flv.Time(raw), string(flv.Payload(raw))})
		v.mu.Unlock()
	}
}

func (v *viewer) got() []tag {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]tag(nil), v.tags...)
}

// sees waits for sound and returns the tags up to it.
func (v *viewer) sees(text string) (found []tag) {
	v.t.Helper()
	eventually(v.t, "a player has "+text, func() bool {
		select {
		case <-v.done:
			v.t.Fatalf("the stream of a player has ended before %q: %v", text, v.err)
		default:
		}
		all := v.got()
		for i, one := range all {
			if one.payload == "\xaf\x01"+text {
				found = all[:i+1]
				return true
			}
		}
		return false
	})
	return found
}

// ends waits for the end of the stream.
func (v *viewer) ends() error {
	v.t.Helper()
	select {
	case <-v.done:
	case <-time.After(timeout):
		v.t.Fatal("the stream of a player has not ended")
	}
	return v.err
}

// requireRising fails if the time of a track goes back.
func requireRising(t *testing.T, tags []tag) {
	t.Helper()
	last := map[byte]uint32{}
	for _, one := range tags {
		if !flv.Describe(one.kind, []byte(one.payload)).Coded {
			continue
		}
		if before, known := last[one.kind]; known && one.at <= before {
			t.Fatalf("a frame of kind %d has the time %d after %d", one.kind, one.at, before)
		}
		last[one.kind] = one.at
	}
}

// throughProxy makes other nodes reach this node through a proxy. silence makes the connections of this moment bring nothing any more.
func (n *node) throughProxy(t testing.TB) (silence func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	silent := make(map[net.Conn]bool) // client → whether it gets nothing any more
	var running sync.WaitGroup
	to := n.http
	pass := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer server.Close()
		mu.Lock()
		silent[client] = false
		mu.Unlock()
		running.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
		buffer := make([]byte, 4096)
		for {
			n, err := server.Read(buffer)
			mu.Lock()
			discard := silent[client]
			mu.Unlock()
			if err == nil && !discard {
				_, err = client.Write(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { pass(client) })
		}
	})
	n.http = listener.Addr().String()
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for client := range silent {
			_ = client.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		for client := range silent {
			silent[client] = true
		}
	}
}
