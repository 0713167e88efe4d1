package links_test

import (
	"strings"
	"testing"

	"roomlog/internal/links"
)

func TestContains(t *testing.T) {
	for text, want := range map[string]bool{
		"look at https://example.org/x": true, "http://10.0.0.1": true, "www.example.org": true, "example.org": true, "see (example.org)": true,
		"EXAMPLE.ORG/path?x=1": true, "ｅｘａｍｐｌｅ．ｃｏｍ": true, "例子.中国": true, "a.example.co.uk:8080": true, "tg://join": true, "xn--fsq.xn--fiqs8s": true,
		"example。com": true, "mail me: ann@example.org": false,
		"t.me/abc": true, "ｔ.me/abc": true, "a.中国": true, "1.1.1.1/x": true, "10.0.0.1:8080": true, `https:\\evil`: true,
		"ev\u200bil.org": true, "evil.\u200borg": true, "wx.qq.c\u00adom": true, "evil․org": true, "evil﹒org": true,
		"1.1.1.1": false, "a.b": false, "t.me": false, "and/or": false,
		"hello": false, "1.5": false, "3:2": false, "e.g. this": false, "well... yes": false, "end. Next": false, "at 12:30.": false, "": false, "...": false, "u.s.a.": false,
	} {
		if got := links.Contains(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if links.Contains(strings.Repeat(".", 1<<16)) {
		t.Error("dots are a link")
	}
}
