package restream_test

import (
	"errors"
	"strings"
	"testing"

	"roomlog/media/restream"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	long := "rtmp://push.example/" + strings.Repeat("a", 2048)
	for _, c := range []struct{ address, key, url, query, name string }{
		{"rtmp://push.example/app", "live_123", "rtmp://push.example/app", "", "live_123"},
		{" rtmps://Push.Example:443/rtmp/ ", " FB-123?s_bl=1&s_ps=1 ", "rtmps://push.example:443/rtmp", "", "FB-123?s_bl=1&s_ps=1"},
		{"rtmp://b.push.example/live2?backup=1", "abcd-efgh", "rtmp://b.push.example/live2", "backup=1", "abcd-efgh"},
		{"rtmp://push.example/app/instance", "key", "rtmp://push.example/app/instance", "", "key"},
		{"rtmp://push.example/live/stream?auth_key=1-0-0-ab", "", "rtmp://push.example/live", "", "stream?auth_key=1-0-0-ab"},
		{"rtmp://[2001:db8::1]:1936/live/stream", "", "rtmp://[2001:db8::1]:1936/live", "", "stream"},
	} {
		got, err := restream.ParseTarget(c.address, c.key)
		if err != nil || got.URL != c.url || got.Secret.Query != c.query || got.Secret.Name != c.name {
			t.Errorf("%s and %s: got %+v, %v, want %+v", c.address, c.key, got, err, c)
		}
	}
	for _, c := range []struct {
		address, key string
		want         error
	}{
		{"", "", restream.ErrAddress}, {"push.example/app", "key", restream.ErrAddress}, {"http://push.example/app", "key", restream.ErrAddress},
		{"rtmp:///app", "key", restream.ErrAddress}, {"rtmp://push.example", "key", restream.ErrAddress}, {"rtmp://push.example/app#x", "key", restream.ErrAddress},
		{"rtmp://push.example/app", "a key", restream.ErrAddress}, {"rtmp://push.example/app", "schlüssel", restream.ErrAddress},
		{"rtmp://user:password@push.example/app", "key", restream.ErrUser},
		{"rtmp://push.example/app", "", restream.ErrNoKey}, {"rtmp://push.example", "", restream.ErrNoKey}, {long, "key", restream.ErrTooLong}, {"rtmp://push.example/app", long, restream.ErrTooLong},
	} {
		if _, err := restream.ParseTarget(c.address, c.key); !errors.Is(err, c.want) {
			t.Errorf("%.40s and %.40s: got %v, want %v", c.address, c.key, err, c.want)
		}
	}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	sealer := func(secrets ...string) *restream.Sealer {
		s, err := restream.NewSealer(secrets)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	target, err := restream.ParseTarget("rtmp://push.example/app?token=hidden", "live_123")
	if err != nil {
		t.Fatal(err)
	}
	before, after := sealer("the first secret"), sealer("the second secret", "the first secret")
	sealed, err := before.Seal(6, "example", target)
	if err != nil || strings.Contains(sealed, "live_123") {
		t.Fatalf("got %s, %v", sealed, err)
	}
	for name, s := range map[string]*restream.Sealer{"the same secret": before, "a newer secret": after} {
		if got, err := s.Open(6, "example", target.URL, sealed); err != nil || got != target {
			t.Errorf("with %s: got %+v, %v", name, got, err)
		}
	}
	for name, open := range map[string]func() (restream.Target, error){
		"another secret":         func() (restream.Target, error) { return sealer("other").Open(6, "example", target.URL, sealed) },
		"another live":           func() (restream.Target, error) { return before.Open(7, "example", target.URL, sealed) },
		"another name":           func() (restream.Target, error) { return before.Open(6, "other", target.URL, sealed) },
		"another address":        func() (restream.Target, error) { return before.Open(6, "example", "rtmp://thief.example/app", sealed) },
		"the text of an erasure": func() (restream.Target, error) { return before.Open(6, "example", target.URL, "erased") },
	} {
		if _, err := open(); !errors.Is(err, restream.ErrSealed) {
			t.Errorf("with %s: got %v, want %v", name, err, restream.ErrSealed)
		}
	}
	if before.Service() == after.Service() || before.Service() != sealer("the first secret").Service() {
		t.Error("the id of a service must be that of its newest secret")
	}
	if _, err := restream.NewSealer(nil); err == nil {
		t.Error("a sealer without a secret was created")
	}
}
