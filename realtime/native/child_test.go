package native_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"roomlog/domain"
	"roomlog/internal/peertest"
	"roomlog/internal/settings"
	"roomlog/projections"
	"roomlog/realtime/native"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// childEnv is the environment variable that selects the server which this program runs as a child of a benchmark, see
// serveChild. The CPU time of the child process is the CPU time of the server.
const childEnv = "ROOMLOG_TEST_CHILD"

// child is a server of one live in a separate process.
type child struct {
	*peertest.Process
	addr string
}

// start starts this program as a child that runs a server of the given kind.
func start(b testing.TB, kind string) *child {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+kind)
	return startCommand(b, cmd)
}

// startCentrifugo starts a child that runs Centrifugo in a process of its own.
func startCentrifugo(b testing.TB) *child {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=centrifugo "+peertest.GoTool(b, "../../.tools/peers", "centrifugo"))
	return startCommand(b, cmd)
}

// startNode starts Socket.IO for Node.js as a child.
func startNode(b testing.TB) *child {
	texts, _ := json.Marshal(phrases)
	return startCommand(b, peertest.NodeScript(b, "testdata/nodeserver", "server.js", string(texts)))
}

func startCommand(b testing.TB, cmd *exec.Cmd) *child {
	p := peertest.Start(b, cmd)
	return &child{p, p.Receive("")}
}

// holds waits until n clients are connected.
func (c *child) holds(n int) {
	c.Send("hold %d", n)
	c.Receive("holding")
}

// publish makes the child publish count facts, rate per second.
func (c *child) publish(rate, count int) {
	c.Send("publish %d %d", rate, count)
	c.Receive("published")
}

// kicked returns the number of slow viewers whose connections the child has closed.
func (c *child) kicked() (n int) {
	c.Usage(&n)
	return n
}

// serveChild runs the server that childEnv selects: a kind, and optionally a push window or a program. It executes the
// commands on its standard input until the input ends.
func serveChild(kind string) {
	kind, arg, _ := strings.Cut(kind, " ")
	if kind == "centrifugo" {
		serveCentrifugo(arg)
		return
	}
	window, _ := time.ParseDuration(arg)
	var s target
	switch kind {
	case "bare":
		s = bareTarget()
	case "room", "packed":
		s = nativeTarget(window, kind == "packed")
	case "socketio":
		s = socketioTarget(window)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	web := &http.Server{Handler: s.handler, ReadHeaderTimeout: wstest.Timeout}
	go func() { _ = web.Serve(l) }()
	fmt.Println(l.Addr())
	publisher{target: s}.direct()
}

// target is a server to which facts are published.
type target struct {
	handler http.Handler
	tell    func(projections.Delta)
	people  func() int // returns the number of clients in the live
	stats   *ws.Stats  // nil if the server has no counters
	process int        // id of the server's process; 0: this process
}

// bareTarget returns a server that uses gws and its Broadcaster, without this package.
func bareTarget() target {
	var mu sync.Mutex
	var sockets []*gws.Conn
	upgrader := gws.NewUpgrader(gws.BuiltinEventHandler{}, &gws.ServerOption{CheckUtf8Enabled: true})
	var last int64
	return target{
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			socket, err := upgrader.Upgrade(w, r)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			sockets = append(sockets, socket)
			go socket.ReadLoop()
		}),
		tell: func(d projections.Delta) {
			b := gws.NewBroadcaster(gws.OpcodeText, native.EncodeFact(d, last))
			last = d.Position
			mu.Lock()
			defer mu.Unlock()
			for _, socket := range sockets {
				_ = b.Broadcast(socket)
			}
			_ = b.Close()
		},
		people: func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(sockets)
		},
	}
}

// nativeTarget returns a channel of the native dialect.
func nativeTarget(window time.Duration, packed bool) target {
	var room native.Channel
	cfg := ws.Config{
		Now: time.Now, HelloTimeout: settings.Off, PushWindow: window, Deflate: packed,
		Open: func(c *ws.Conn, _ *http.Request) ws.Peer {
			room.Add(c)
			return silent{}
		},
	}
	settings.Defaults(&cfg)
	sockets := ws.NewServer(cfg)
	room = native.NewChannel(sockets, 6)
	go func() { _ = sockets.Run(context.Background()) }()
	return target{handler: sockets, tell: room.Deliver, people: room.Len, stats: sockets.Stats()}
}

// socketioTarget returns a live of the Socket.IO dialect.
func socketioTarget(window time.Duration) target {
	var group *engineio.Group
	var people atomic.Int64
	cfg := protocol.Config{
		Engine: engineio.Config{Now: time.Now, BodyTimeout: wstest.Timeout, Sockets: ws.Config{PushWindow: window}},
		Namespaces: []protocol.Namespace{{Name: "/", Connected: func(s *protocol.Socket) {
			group.Add(s.Session())
			people.Add(1)
		}}},
	}
	settings.Defaults(&cfg)
	server := protocol.New(cfg)
	group = server.Engine().NewGroup()
	go func() { _ = server.Run(context.Background()) }()
	return target{handler: server, tell: func(d projections.Delta) {
		type person struct {
			ID     domain.UserID `json:"id"`
			Name   string        `json:"name"`
			Avatar string        `json:"avatar"`
		}
		group.Push(ws.TextFrame(protocol.Payload("/", "comment", struct {
			User    person `json:"user"`
			ID      string `json:"id"`
			Content string `json:"content"`
			At      string `json:"at"`
		}{person{d.User, d.Profile.Name(), d.Profile.Avatar}, d.ID, d.Event.(domain.CommentPosted).Text, strconv.FormatInt(d.RecordedAt.UnixNano(), 10)})))
	}, people: func() int { return int(people.Load()) }, stats: server.Engine().Stats()}
}

// publisher publishes facts as the commands on its input require.
type publisher struct {
	target
	posted int64
	length int // length of the comments; 0: as long as people write them
}

func (d publisher) direct() {
	seen := new(atomic.Int64)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		var a, b int
		_, _ = fmt.Sscan(rest, &a, &b)
		switch word {
		case "length":
			d.length = a
		case "hold":
			for d.people() < a {
				<-time.After(time.Millisecond)
			}
			fmt.Println("holding")
		case "publish":
			d.publish(a, b)
		case "flood":
			seen.Store(d.posted)
			go d.flood(time.Duration(a)*time.Second, int64(b), seen)
		case "seen":
			seen.Store(int64(a))
		case "stats":
			d.sayStats()
		}
	}
}

func (d *publisher) post() {
	d.posted++
	comment := commentAt(d.posted, time.Now())
	if d.length > 0 {
		comment.Event = domain.CommentPosted{Live: 6, Text: strings.Repeat("x", d.length)}
	}
	d.tell(comment)
}

func (d *publisher) publish(rate, count int) {
	began := time.Now()
	for i := range count {
		<-time.After(time.Until(began.Add(time.Second * time.Duration(i) / time.Duration(rate)))) // time passes: it publishes at a rate
		d.post()
	}
	fmt.Println("published", count)
}

// flood publishes facts as fast as possible for the duration how. It publishes at most ahead facts more than the
// slowest client has received.
func (d *publisher) flood(how time.Duration, ahead int64, seen *atomic.Int64) {
	began, before := time.Now(), d.posted
	for time.Since(began) < how { // time passes: it publishes for a duration
		if d.posted-seen.Load() >= ahead {
			<-time.After(100 * time.Microsecond)
			continue
		}
		d.post()
	}
	fmt.Println("published", d.posted-before)
}

func (d *publisher) sayStats() {
	kicked := int64(0)
	if d.stats != nil {
		kicked = d.stats.ClosedSlow.Load()
	}
	fmt.Println(peertest.Stats(d.process), kicked)
}

// phrases are texts of comments.
var phrases = []string{
	"主播好呀，第一次来你的直播间", "哈哈哈哈笑死我了", "666666", "这首歌叫什么名字？好听", "来了来了", "老板大气！", "主播今天真漂亮 😍",
	"hello from Singapore", "关注了，明天还播吗", "声音有点小", "画面卡了，是我网络的问题吗", "冲冲冲", "再来一首《后来》", "晚安，明天见 👋",
	"这个多少钱", "欢迎新来的朋友点点关注", "什么时候抽奖啊", "哇塞", "刚下班，赶上了", "lol", "主播吃饭了没", "感谢礼物 🌹🌹🌹", "同意楼上",
	"你们那边下雨了吗", "我也想学吉他", "第二个镜头看不清", "下次早点播", "支持支持", "gg", "一直在等你开播",
}

// commentAt returns the delta of the n-th comment of a busy live. Its frame has about 200 bytes.
func commentAt(n int64, at time.Time) projections.Delta {
	chance := rand.New(rand.NewPCG(6, uint64(n)))
	user := domain.UserID(10_000 + chance.IntN(500))
	return projections.Delta{
		Audience: projections.AudienceLive, Kind: projections.KindComment, Position: 3*n + n%3, Live: 6, User: user, RecordedAt: at.Truncate(time.Microsecond), // the positions have gaps, as in a real log
		ID:      fmt.Sprintf("%010x", chance.Uint64N(1<<40)),
		Event:   domain.CommentPosted{Live: 6, Text: phrases[chance.IntN(len(phrases))]},
		Profile: projections.Profile{ID: user, Username: fmt.Sprintf("viewer%d", user), Avatar: fmt.Sprintf("/uploads/%d.png", user)},
	}
}

// silent is a ws.Peer that ignores everything.
type silent struct{}

func (silent) Text([]byte)           {}
func (silent) Closed(uint16, string) {}
