package rtmp_test

import (
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/google/go-cmp/cmp"

	"roomlog/internal/waittest"
	"roomlog/media/amf"
	"roomlog/media/rtmp"
)

// served accepts one connection and returns it when the client has sent its request.
func served(t *testing.T, then func(*rtmp.Conn, rtmp.Request)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		c := rtmp.NewConn(conn, rtmp.Config{Now: time.Now})
		defer c.Close()
		if r, err := open(c); err == nil {
			then(c, r)
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String()
}

func TestOtherImplementationConnects(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		publish   bool
	}{
		{"to publish, with the sign after the stream name", "/live#KEY?sign=1-a", true},
		{"to publish, with the sign after the app", "/live?sign=1-a#KEY", true},
		{"to publish, with everything in the app", "/live/KEY?sign=1-a", true},
		{"to play, with the sign after the stream name", "/live#KEY?sign=1-a", false},
		{"to play, with everything in the app", "/live/KEY?sign=1-a", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requested := make(chan rtmp.Request, 1)
			addr := served(t, func(c *rtmp.Conn, r rtmp.Request) {
				requested <- r
				if err := c.Accept(); err != nil {
					t.Error(err)
				}
			})
			where, err := url.Parse("rtmp://" + addr + strings.Replace(tt.url, "#", "%23", 1))
			if err != nil {
				t.Fatal(err)
			}
			if path, name, found := strings.Cut(tt.url, "#"); found { // a query after a fragment is part of it
				where, _ = url.Parse("rtmp://" + addr + path)
				where.Fragment = name
			}
			c := &gortmplib.Client{URL: where, Publish: tt.publish}
			if err := c.Initialize(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Close()
			want := rtmp.Request{Publish: tt.publish, App: "live", Name: "KEY", Args: url.Values{"sign": {"1-a"}}}
			if diff := cmp.Diff(want, <-requested); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestRefusalIsReadBeforeTheConnectionCloses(t *testing.T) {
	for _, tt := range []struct{ bytes, code string }{
		{"publish", rtmp.PublishUnauthorized},
		{"publish", rtmp.PublishBadName},
		{"play", rtmp.PlayUnauthorized},
	} {
		t.Run(tt.code, func(t *testing.T) {
			conn, c := pair(t, rtmp.Config{})
			asks := toPublish("KEY")
			if tt.bytes == "play" {
				asks = toPlay("KEY")
			}
			c.send(asks, header(4, 9, 1<<20, 0), make([]byte, 512<<10)) // the client sends media before it knows the response
			if _, err := open(conn); err != nil {
				t.Fatal(err)
			}
			conn.Refuse(tt.code, "no")
			waittest.Receive(t, c.ended, "the end of the client")
			if !c.hears(tt.code) || !c.hears("error") || c.hears(rtmp.PublishStart) || c.hears(rtmp.PlayStart) {
				t.Fatalf("got %q", c.heard.String())
			}
		})
	}
	t.Run(rtmp.ConnectRejected, func(t *testing.T) {
		conn, c := pair(t, rtmp.Config{})
		c.send(greeting(), connect("live"))
		if _, err := conn.ReadConnect(); err != nil {
			t.Fatal(err)
		}
		conn.Reject("no")
		waittest.Receive(t, c.ended, "the end of the client")
		if !c.hears("_error") || !c.hears(rtmp.ConnectRejected) || c.hears("_result") {
			t.Fatalf("got %q", c.heard.String())
		}
	})
}

func TestReadConnectReturnsAllFields(t *testing.T) {
	conn, c := pair(t, rtmp.Config{})
	c.send(greeting(), command("connect", 1, amf.Object{"app": "live?x=1", "flashVer": "OBS", "tcUrl": "rtmp://h/live"}))
	got, err := conn.ReadConnect()
	if err != nil {
		t.Fatal(err)
	}
	want := rtmp.Connect{App: "live?x=1", Fields: amf.Object{"app": "live?x=1", "flashVer": "OBS", "tcUrl": "rtmp://h/live"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestGetStreamLengthReturnsANumber(t *testing.T) {
	conn, c := pair(t, rtmp.Config{})
	c.send(greeting(), connect("live"), command("getStreamLength", 7, nil, "KEY"), command("play", 8, nil, "KEY"))
	if _, err := open(conn); err != nil {
		t.Fatal(err)
	}
	c.expect(t, string(amf.Encode("_result", 7, nil, 0)))
}

func TestSplitPath(t *testing.T) {
	for _, tt := range []struct{ app, name, wantApp, wantName, wantSign string }{
		{"live", "KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live?sign=1-a", "KEY", "live", "KEY", "1-a"},
		{"live?sign=app", "KEY?sign=name", "live", "KEY", "name"},
		{"live/KEY?sign=1-a", "", "live", "KEY", "1-a"},
		{"/live/", "/KEY/", "live", "KEY", ""},
		{"live", "a_B-9", "live", "a_B-9", ""},
		{"live", strings.Repeat("k", 64), "live", strings.Repeat("k", 64), ""},
		{"live", strings.Repeat("k", 65), "", "", ""},
		{"live", "", "", "live", ""},
		{"", "", "", "", ""},
		{"", "KEY?sign=1-a", "", "KEY", "1-a"},
		{"KEY?sign=1-a", "", "", "KEY", "1-a"},
		{"", "live/KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live/_definst_", "KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live", "_definst_/KEY", "live", "KEY", ""},
		{"live", "flv:KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live", "mp4:KEY", "live", "KEY", ""},
		{"live", "ftp:KEY", "", "", ""},
		{"live", "live/KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live", "/live/KEY", "live", "KEY", ""},
		{"live", "rtmp://h:1935/live/KEY?sign=1-a", "live", "KEY", "1-a"},
		{"", "rtmp://h/live/_definst_/flv:KEY?sign=1-a", "live", "KEY", "1-a"},
		{"rtmp://h/live", "KEY", "live", "KEY", ""},
		{"live", "rtmp://h", "", "live", ""},
		{"live", "rtmp://h/other/KEY", "", "", ""},
		{"live", "live", "live", "live", ""},
		{"live/KEY", "live/KEY?sign=1-a", "live", "KEY", "1-a"},
		{"live", "live?from=http://h/live", "live", "live", ""},
		// https://github.com/bluenviron/mediamtx/issues/4309: a camera sends its whole address as the name.
		{"KEY", "rtmp://192.168.5.116:1935/KEY?sign=1-a", "", "KEY", "1-a"},
		{"live/KEY", "rtmp://192.168.5.116:1935/live/KEY?sign=1-a", "live", "KEY", "1-a"},
		// https://github.com/pedroSG94/RootEncoder/pull/2163: an app for phones takes the query for the name.
		{"KEY?", "sign=1-a&b=2", "", "KEY", "1-a"},
		{"live/KEY?", "sign=1-a", "live", "KEY", "1-a"},
		{"live?", "KEY?sign=1-a", "live", "KEY", "1-a"},
		// https://github.com/arut/nginx-rtmp-module/issues/1304: the key of a service is a query.
		{"live/KEY", "?streamname=KEY&sign=1-a", "live", "KEY", "1-a"},
		{"live", "a/b", "", "", ""},
		{"live/more", "KEY", "", "", ""},
		{"live", "../x", "", "", ""},
		{"live", "%zz", "", "", ""},
		{"%zz", "KEY", "", "", ""},
		{"live", "KEY?sign=%zz", "", "", ""},
		{"live?%zz", "KEY", "", "", ""},
		{"live", "KEY?a;b", "", "", ""},
		{"live", "K\x00Y", "", "", ""},
		{"live", "钥匙", "", "", ""},
		{"live", "KEY?sign=" + strings.Repeat("a", 2<<10), "", "", ""},
	} {
		app, name, args, err := rtmp.SplitPath(tt.app, tt.name)
		if app != tt.wantApp || name != tt.wantName || args.Get("sign") != tt.wantSign || (err == nil) != (tt.wantName != "") {
			t.Errorf("%q, %.80q: got %q, %q, %v, %v", tt.app, tt.name, app, name, args, err)
		}
	}
}

func TestMalformedPathsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		bytes []byte
		code  string
	}{
		{toPublish("%zz"), rtmp.PublishFailed},
		{toPublish("a/b/c"), "the path must be APP/KEY"},
		{toPlay("%zz?sign=x"), rtmp.PlayNotFound},
		{append(greeting(), append(connect("%zz"), command("publish", 1, nil, "KEY")...)...), "letters, digits"},
	} {
		conn, c := pair(t, rtmp.Config{})
		c.send(tt.bytes)
		if r, err := open(conn); err == nil {
			t.Fatalf("the request is %+v", r)
		}
		waittest.Receive(t, c.ended, "the end of the client")
		if !c.hears(tt.code) {
			t.Fatalf("received %q, want %s", c.heard.String(), tt.code)
		}
	}
}

func FuzzSplitPath(f *testing.F) {
	for _, seed := range [][2]string{{"live", "KEY?sign=1-a"}, {"live?x=%zz", "KEY"}, {"live/KEY?a=b", ""}, {"%", "%"}, {"a?b;c", "d?e&f=g"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, app, name string) {
		app, name, _, err := rtmp.SplitPath(app, name)
		if err == nil && (app != "" && !rtmp.ValidName(app) || !rtmp.ValidName(name)) {
			t.Fatalf("accepted %q, %q", app, name)
		}
	})
}
