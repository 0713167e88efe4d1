package broadcasts_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"roomlog/domain"
	"roomlog/eventstore/pgtest"
)

// publishAAC publishes a live with three seconds of a codec that HLS carries. It stays connected.
func (p *node) publishAAC(l live) {
	p.Helper()
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + l.key, RawQuery: "sign=" + p.signer.Publish(l.key)}, Publish: true}
	if err := c.Initialize(p.Context()); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { c.Close() })
	sound := message.Audio{ChunkStreamID: message.AudioChunkStreamID, MessageStreamID: 0x1000000, Codec: message.CodecMPEG4Audio, Rate: message.AudioRate44100, Depth: message.AudioDepth16, IsStereo: true}
	header := sound
	header.AACType, header.AACConfig = message.AudioAACTypeConfig, &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2}
	all := []message.Audio{header}
	for at := time.Duration(0); at < 3*time.Second; at += 20 * time.Millisecond {
		frame := sound
		frame.AACType, frame.DTS, frame.AU = message.AudioAACTypeAU, at, []byte("sound")
		all = append(all, frame)
	}
	for _, m := range all {
		if err := c.Write(&m); err != nil {
			p.Fatal(err)
		}
	}
	p.awaitBroadcast(l)
}

// overHLS is a player over HLS.
type overHLS struct {
	*node
	folder string // URL of the stream
	list   string // URL of its playlist
	files  []string
}

// get requests a URL.
func (p *node) get(url string) (status int, body string) {
	p.Helper()
	answer, err := http.Get(url)
	if err != nil {
		p.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		p.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// playHLS begins to play a live over HLS and receives what there is.
func (p *node) playHLS(web string, l live, sign string) *overHLS {
	p.Helper()
	h := &overHLS{node: p, folder: web + "/live/" + l.key + "/"}
	var index string
	p.eventually("the index is served", func() (served bool) {
		var status int
		status, index = p.get(h.folder + "index.m3u8?sign=" + sign)
		return status == http.StatusOK
	})
	h.list = h.folder + regexp.MustCompile(`(?m)^[^#\n].*$`).FindString(index)
	h.read("#EXTINF")
	return h
}

// read requests the playlist until it contains a text, and each of its files, which must all be served.
func (h *overHLS) read(text string) {
	h.Helper()
	var body string
	h.eventually("the playlist has "+text, func() bool {
		status, list := h.get(h.list)
		body = list
		return status == http.StatusOK && strings.Contains(list, text)
	})
	h.files = nil
	for _, file := range regexp.MustCompile(`(?m)^[^#\n].*$`).FindAllString(body, -1) {
		if !strings.HasPrefix(file, "gap") {
			h.files = append(h.files, h.folder+file)
		}
	}
	if len(h.files) == 0 {
		h.Fatalf("no files in %s", body)
	}
	for _, url := range h.files {
		if status, _ := h.get(url); status != http.StatusOK {
			h.Errorf("%s: status %d, want 200", url, status)
		}
	}
}

// refused waits until the playlist and each file that the player knows are refused.
func (h *overHLS) refused(what string) {
	h.Helper()
	for _, url := range append(h.files, h.list) {
		h.eventually(what+": "+url+" is refused", func() bool { status, _ := h.get(url); return status == http.StatusForbidden })
	}
}

// TestViewersOverHLSLoseAccess takes the right to play from a viewer over HLS, by commands on another node: while the stream runs, and
// after its end, while its rest is still served. Another viewer keeps the right.
func TestViewersOverHLSLoseAccess(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p, q := open(t, db, "p", nil), open(t, db, "q", nil)
	web := httptest.NewServer(p.server)
	t.Cleanup(web.Close)
	order := 0
	buy := func(q *node, l live, by domain.Actor) int64 {
		order++
		q.execute(operator, domain.CreditCoins{Order: domain.OrderID("O" + strconv.Itoa(order)), User: by.User, Coins: 30})
		return q.execute(by, domain.BuyTicket{Live: l.id, Price: 30, Streamer: l.owner.User}).Events[0].Position
	}
	end := func(q *node, l live) {
		q.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: domain.LiveStop})
	}
	refund := func(q *node, l live, user domain.UserID, ticket int64) {
		q.execute(operator, domain.RefundTicket{Live: l.id, User: user, Reason: "no picture", Streamer: l.owner.User, Position: ticket, Received: 30})
	}
	type loss struct {
		name  string
		lose  func(q *node, l live, user domain.UserID, ticket int64)
		other bool // whether the other viewer keeps the right
	}
	losses := []loss{
		{"the ticket is refunded", refund, true},
		{"banned from the live", func(q *node, l live, user domain.UserID, _ int64) {
			q.execute(l.owner, domain.BanViewer{Live: l.id, User: user})
		}, true},
		{"banned", func(q *node, _ live, user domain.UserID, _ int64) { q.execute(operator, domain.BanUser{User: user}) }, true},
		{"forgotten", func(q *node, _ live, user domain.UserID, _ int64) { q.execute(operator, domain.ForgetUser{User: user}) }, true},
		{"the owner is banned", func(q *node, l live, _ domain.UserID, _ int64) {
			q.execute(operator, domain.BanUser{User: l.owner.User})
		}, false},
	}
	for _, c := range losses {
		for _, ended := range []bool{false, true} {
			name := c.name
			if ended {
				name += " after the end"
			}
			t.Run(name, func(t *testing.T) {
				p, q := p.in(t), q.in(t)
				l, loses, keeps := p.live(), p.live().owner, p.live().owner
				q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessPaid, Price: 30})
				q.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: domain.LivePlay})
				ticket := buy(q, l, loses)
				buy(q, l, keeps)
				p.publishAAC(l)
				viewer, other := p.playHLS(web.URL, l, p.playSign(l, loses.User)), p.playHLS(web.URL, l, p.playSign(l, keeps.User))
				if ended {
					end(q, l)
					viewer.read("#EXT-X-ENDLIST")
					other.read("#EXT-X-ENDLIST")
					p.now.Forward(5 * time.Minute) // the authorizer of the node has forgotten the requests of the live
					if err := p.play(p.live(), "x"); err == nil {
						t.Error("a wrong sign was accepted")
					}
					p.eventually("another live is requested", func() bool {
						another := p.live()
						return p.play(another, p.playSign(another, another.owner.User)) == nil
					})
				}
				if _, list := p.get(viewer.list); !ended && strings.Contains(list, "#EXT-X-ENDLIST") {
					t.Fatalf("the stream has ended before the loss: %s", list)
				}
				c.lose(q, l, loses.User, ticket)
				viewer.refused(c.name)
				if c.other {
					other.read("#EXTINF")
				} else {
					other.refused(c.name)
				}
			})
		}
	}
	t.Run("an open live becomes one for followers", func(t *testing.T) {
		p, q := p.in(t), q.in(t)
		l, loses, keeps := p.live(), p.live().owner, p.live().owner
		q.execute(keeps, domain.FollowUser{Streamer: l.owner.User})
		p.publishAAC(l)
		viewer, other, anonymous := p.playHLS(web.URL, l, p.playSign(l, loses.User)), p.playHLS(web.URL, l, p.playSign(l, keeps.User)), p.playHLS(web.URL, l, p.signer.Play(l.key))
		q.execute(l.owner, domain.SetAccess{Live: l.id, Access: domain.AccessFollowers})
		viewer.refused("no follower")
		anonymous.refused("anonymous")
		other.read("session=") // each file needs the play session from now on
		q.execute(keeps, domain.UnfollowUser{Streamer: l.owner.User})
		other.refused("no follower any more")
	})
}
