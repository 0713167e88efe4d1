package links_test

import (
	"strings"
	"testing"

	"roomlog/internal/links"
)

func TestContains(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{
		"addresses": {"look at https://example.org/x", "http://10.0.0.1", "www.example.org", "example.org", "see (example.org)", "see:example.org",
			"EXAMPLE.ORG/path?x=1", "a.example.co.uk:8080", "tg://join", "weixin://x", "xn--fsq.xn--fiqs8s", "hidden.onion/x", "https:example.org", "read example.org."},
		"long texts":          {"please have a look at 例子。中国", strings.Repeat("so long ", 20) + "t.me/x", "eight by例え。jp", "a text of ascii characters only, then пример。рф"},
		"short names":         {"t.me/abc", "t.me", "a.museum", "x.com", "site.ck", "a.b/c.ru", "h.example/x"},
		"names of digits":     {"163.com", "www.12306.cn"},
		"numeric addresses":   {"1.1.1.1/x", "10.0.0.1:8080", "go to 8.8.8.8."},
		"e-mail addresses":    {"mail me: ann@example.org", "user@evil.org", "mailto:user@evil.org"},
		"other scripts":       {"例子.中国", "a.中国", "例え.jp", "пример.рф", "加我t.me/abc吧", "看example.com吧", "उदाहरण.भारत"},
		"other widths":        {"ｅｘａｍｐｌｅ．ｃｏｍ", "ｔ.me", "evil．ｏｒｇ", "example。com", "example｡com", "https：／／evil"},
		"invisible signs":     {"ev\u200bil.org", "evil.\u200borg", "wx.qq.c\u00adom", "evil\u2060.org", "t\ufe0f.me"},
		"signs that look so":  {"evil\u2024org", "evil\ufe52org", "evil\ua4f8org", "evil.оrg", "evil.со", `https:\\evil`, "https∶∕∕evil", "http:⁄⁄evil"},
		"dots with something": {"evil .org", "evil[.]org", "evil(.)org", "evil [ . ] org", "evil【.】org", "t [.] me", "пример .рф", "例子 .中国"},
		"known costs":         {"It is ok.so what", "we like .net", "end.Next one"},
	} {
		for _, text := range texts {
			if !links.Contains(text) {
				t.Errorf("%s: %+q is not found", name, text)
			}
		}
	}
	for name, texts := range map[string][]string{
		"no dot":        {"", "hello", "你好", "look :// there", ":/", "a:b", "localhost:8080"},
		"numbers":       {"1.5", "1.5kg", "$3.50/kg", "3,5", "1.234.567", "v1.2.3", "12.11.2026", "256.1.1.1", "1.0.0.", "½.", "2.nd", "5.in total", "5.am", "50.com"},
		"times":         {"3:2", "at 12:30.", "12.30 pm", "at 10 a.m. today", "9.a.m.", "12:30:45.123"},
		"abbreviations": {"e.g. this", "i.e. that", "u.s.a.", "a.m.", "p.m", "Ph.D.", "z.B. so", "a.k.a. me", "24/7"},
		"sentences": {"well... yes", "end. Next", "end.The next", "wait…what", "你好。再见", "我来了。你呢？", "好的.谢谢", "hello . so", "yes.thanks", "...", "…。",
			"and/or.then", "Привет.Как дела"},
		"file names": {"main.go", "node.js", "photo.jpg"},
	} {
		for _, text := range texts {
			if links.Contains(text) {
				t.Errorf("%s: %+q is taken for an address", name, text)
			}
		}
	}
	for _, sign := range []string{".", " .", "a.", "[.]", "@", "://", "。"} {
		if links.Contains(strings.Repeat(sign, 1<<12)) {
			t.Errorf("many %q are an address", sign)
		}
	}
}
