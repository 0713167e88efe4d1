package domain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"roomlog/domain"
)

// A field is a text field of a command.
type field struct {
	name     string
	max      int // maximum length in code points, or in bytes for a URL
	command  func(text string) (domain.Actor, domain.Command)
	recorded func(domain.Event) string
	empty    domain.Code // refusal of an empty text; "" if the text may be empty
	tooLong  domain.Code
	url      bool // whether the field is a URL: the test puts addressPrefix before the text, and space is not allowed
	person   bool // whether the field is the name of a person or a chat room, which must be visible
	lines    bool // whether the field may contain line breaks and tabs
}

// addressPrefix begins every text that these tests put into fields for URLs. maxAddress is the remaining length.
const (
	addressPrefix = "https://x/"
	maxAddress    = 1024 - len(addressPrefix)
)

func fields() []field {
	register := func(c domain.RegisterUser) (domain.Actor, domain.Command) {
		c.NameKey = "k"
		return anonymous, c
	}
	registered := func(e domain.Event) domain.UserRegistered { return e.(domain.UserRegistered) }
	changed := func(e domain.Event) domain.UserProfileChanged { return e.(domain.UserProfileChanged) }
	created := func(e domain.Event) domain.LiveCreated { return e.(domain.LiveCreated) }
	listed := func(e domain.Event) domain.GiftAdded { return e.(domain.GiftAdded) }
	const tooLong = domain.CodeTextTooLong
	return []field{
		{"username", 32, func(s string) (domain.Actor, domain.Command) {
			return register(domain.RegisterUser{Username: s})
		}, func(e domain.Event) string { return registered(e).Username }, domain.CodeTextEmpty, tooLong, false, true, false},
		{"nickname", 32, func(s string) (domain.Actor, domain.Command) {
			return register(domain.RegisterUser{Username: "bob", Nickname: s})
		}, func(e domain.Event) string { return registered(e).Nickname }, "", tooLong, false, true, false},
		{"avatar", maxAddress, func(s string) (domain.Actor, domain.Command) {
			return register(domain.RegisterUser{Username: "bob", Avatar: s})
		}, func(e domain.Event) string { return registered(e).Avatar }, "", tooLong, true, false, false},
		{"changed nickname", 32, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.ChangeProfile{Nickname: new(s)}
		}, func(e domain.Event) string { return changed(e).Nickname }, "", tooLong, false, true, false},
		{"changed avatar", maxAddress, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.ChangeProfile{Avatar: new(s)}
		}, func(e domain.Event) string { return changed(e).Avatar }, "", tooLong, true, false, false},
		{"title", 100, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.CreateLive{Title: s, StreamKey: streamKey}
		}, func(e domain.Event) string { return created(e).Title }, domain.CodeTextEmpty, tooLong, false, false, false},
		{"cover", maxAddress, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.CreateLive{Title: "songs", Cover: s, StreamKey: streamKey}
		}, func(e domain.Event) string { return created(e).Cover }, "", tooLong, true, false, false},
		{"comment", 200, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.PostComment{Live: 6, Text: s}
		}, func(e domain.Event) string { return e.(domain.CommentPosted).Text }, domain.CodeCommentEmpty, domain.CodeCommentTooLong, false, false, true},
		{"name of a chat room", 32, func(s string) (domain.Actor, domain.Command) {
			return anonymous, domain.CreateChatRoom{Name: s, ChatRoom: chatRoom, NameKey: "r", MaxChatRooms: 1}
		}, func(e domain.Event) string { return e.(domain.ChatRoomCreated).Name }, domain.CodeTextEmpty, tooLong, false, true, false},
		{"nickname of a participant", 20, func(s string) (domain.Actor, domain.Command) {
			return anonymous, domain.EnterChat{Nickname: s, NameKey: "n", Connection: "c", Profile: domain.ProfilePlain}
		}, func(e domain.Event) string { return e.(domain.ParticipantEntered).Nickname }, domain.CodeTextEmpty, tooLong, false, true, false},
		{"message", 1000, func(s string) (domain.Actor, domain.Command) {
			return asUser(viewer), domain.PostMessage{Kind: domain.MessageText, Text: s}
		}, func(e domain.Event) string { return e.(domain.MessagePosted).Text }, domain.CodeMessageEmpty, domain.CodeMessageTooLong, false, false, true},
		{"name of a gift", 32, func(s string) (domain.Actor, domain.Command) {
			return operator, domain.AddGift{Name: s, Price: 1}
		}, func(e domain.Event) string { return listed(e).Name }, domain.CodeTextEmpty, tooLong, false, false, false},
		{"image of a gift", maxAddress, func(s string) (domain.Actor, domain.Command) {
			return operator, domain.AddGift{Name: "rose", Image: s, Price: 1}
		}, func(e domain.Event) string { return listed(e).Image }, "", tooLong, true, false, false},
	}
}

// decide issues the command with text s. It returns the text in the event, or the code of the refusal.
func (f field) decide(t failer, w world, s string) (string, domain.Code) {
	t.Helper()
	if f.url && s != "" {
		s = addressPrefix + s
	}
	by, c := f.command(s)
	got, err := w.decide(t, domain.Request{Command: c, Actor: by})
	if refusal := domain.AsRefusal(err); refusal != nil {
		if len(refusal.Text) > 200 {
			t.Fatalf("the refusal has %d bytes", len(refusal.Text))
		}
		return "", refusal.Code
	}
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	recorded := f.recorded(got[0])
	if f.url {
		recorded = strings.TrimPrefix(recorded, addressPrefix)
	}
	return recorded, ""
}

func TestInvalidTexts(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6)))
	for _, f := range fields() {
		t.Run(f.name, func(t *testing.T) {
			for name, bad := range map[string]string{
				"NUL":                             "a\x00b",
				"nothing but NUL":                 "\x00",
				"a line break":                    "a\nb",
				"a line break at the end":         "a\n",
				"a tab":                           "a\tb",
				"a carriage return":               "a\rb",
				"an escape":                       "\x1b[31mred",
				"a bell":                          "\a",
				"DEL":                             "a\x7f",
				"a control character of C1":       "a\u0085b",
				"the last control character":      "a\u009fb",
				"half a character in UTF-8":       "a\xe9\x95",
				"a byte of Latin-1":               "caf\xe9",
				"a surrogate in UTF-8":            "a\xed\xa0\x80",
				"an overlong NUL":                 "a\xc0\x80",
				"beyond the last character":       "a\xf4\x90\x80\x80",
				"what decoders make of a half":    "a\ufffdb",
				"nothing but a decoder's mistake": "\ufffd",
			} {
				if f.lines && strings.ContainsAny(bad, "\n\r\t") {
					continue // see TestLinesAndTabs
				}
				if text, code := f.decide(t, w, bad); code != domain.CodeTextInvalid {
					t.Errorf("%s: got %q, %q", name, text, code)
				}
			}
			for _, unseen := range []string{
				"\u200b", "\ufeff", "\u2060", "\u200d\u200d", "\u00ad", "\u202e", "\u0301", " \u0301 \u20dd ", "\ufe0f", "\u3164", "\u115f\uffa0", "\u180e", "\u034f",
				"\u2800\u2800", "\U0001d159", "\U00013441", "\U000e0041\U000e007f", "\u200b \u3000\u200b",
			} {
				if text, code := f.decide(t, w, unseen); code != domain.CodeTextInvalid && !f.url {
					t.Errorf("%+q, which nobody can see: got %q, %q", unseen, text, code)
				}
			}
			for name, long := range map[string]string{
				"1 MB":                       strings.Repeat("a", 1_000_000),
				"1 MB of nothing valid":      strings.Repeat("\xff", 1_000_000),
				"1 MB of NUL":                strings.Repeat("\x00", 1_000_000),
				"1 MB of space and one a":    strings.Repeat(" ", 1_000_000) + "a",
				"one character too many":     strings.Repeat("a", f.max+1),
				"one character of four more": strings.Repeat("a", f.max) + "😀",
			} {
				if text, code := f.decide(t, w, long); code != f.tooLong {
					t.Errorf("%s: got %d bytes, %q", name, len(text), code)
				}
			}
			text, code := f.decide(t, w, "")
			if code != f.empty || text != "" {
				t.Errorf("empty: got %q, %q", text, code)
			}
		})
	}
}

func TestValidTexts(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6)))
	const family = "👨‍👩‍👧‍👦" // one visible character of seven code points
	for _, f := range fields() {
		t.Run(f.name, func(t *testing.T) {
			unit := 1
			if f.url {
				unit = len("😀") // a URL is measured in bytes
			}
			for name, good := range map[string]string{
				"one letter":                       "a",
				"as many letters as there may be":  strings.Repeat("a", f.max),
				"emoji, each one code point":       strings.Repeat("😀", f.max/unit),
				"joined emoji":                     family,
				"Chinese":                          "晚上好",
				"right to left":                    "שלום",
				"letters and marks beside them":    "e\u0301",
				"markup, quotes and backslashes":   `<script>'"\u0000\x00`,
				"the largest character there is":   "\U0010ffff",
				"a byte order mark in the middle":  "a\ufeffb",
				"a space of no width":              "a\u200bb",
				"a new character":                  "\U0001fffd",
				"a flag":                           "🏴\U000e0067\U000e0062\U000e007f",
				"an address":                       "https://example.org/a.png?x=1&y=2",
				"what only looks like a directive": "%s%d%!",
			} {
				if f.person && strings.ContainsAny(good, "\u200b\ufeff\U0010ffff\U0001fffd\U000e007f") && good != family {
					continue
				}
				if len([]rune(good)) > f.max || f.url && strings.ContainsAny(good, `<"\`) {
					continue
				}
				if text, code := f.decide(t, w, good); code != "" || text != good {
					t.Errorf("%s: got %q, %q", name, text, code)
				}
			}
			if f.url {
				for _, spaced := range []string{" a", "a ", "a b", "\u3000", "a\u2028b"} {
					if text, code := f.decide(t, w, spaced); code != domain.CodeTextInvalid {
						t.Errorf("%q: got %q, %q", spaced, text, code)
					}
				}
				return
			}
			if text, code := f.decide(t, w, "\u3000 a b\u00a0\u2003"); code != "" || text != "a b" {
				t.Errorf("surrounding space: got %q, %q", text, code)
			}
			if text, code := f.decide(t, w, " \u3000\u00a0\u2028"); code != f.empty || text != "" {
				t.Errorf("only space: got %q, %q", text, code)
			}
			if text, code := f.decide(t, w, " "+strings.Repeat("长", f.max)+" "); code != "" || utf8.RuneCountInString(text) != f.max {
				t.Errorf("the maximum after trimming: got %q, %q", text, code)
			}
		})
	}
}

func TestLinesAndTabs(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6)))
	for _, f := range fields() {
		if !f.lines {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			for typed, want := range map[string]string{
				"a\nb":          "a\nb",
				"a\r\nb":        "a\nb",
				"a\rb":          "a\nb",
				"a\n\r\nb":      "a\n\nb",
				"a\tb":          "a\tb",
				"\r\n\ta\r\n\t": "a",
				strings.Repeat("a\r\n", f.max/2-1) + "bc": strings.Repeat("a\n", f.max/2-1) + "bc",
			} {
				if text, code := f.decide(t, w, typed); code != "" || text != want {
					t.Errorf("%q: got %q, %q, want %q", typed, text, code, want)
				}
			}
			if text, code := f.decide(t, w, "\r\n\t"); code != f.empty || text != "" {
				t.Errorf("only line breaks: got %q, %q, want %v", text, code, f.empty)
			}
			if text, code := f.decide(t, w, "a\v"); code != domain.CodeTextInvalid {
				t.Errorf("another control character: got %q, %q", text, code)
			}
		})
	}
}

func TestLengthIsInCodePoints(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6)))
	const family = "👨‍👩‍👧‍👦"
	if n := utf8.RuneCountInString(family); n != 7 {
		t.Fatalf("the family has %d code points, want 7", n)
	}
	comment := fields()[7]
	if _, code := comment.decide(t, w, strings.Repeat(family, 28)); code != "" { // 28 × 7 = 196 code points
		t.Errorf(`28 families: %q, want ""`, code)
	}
	if _, code := comment.decide(t, w, strings.Repeat(family, 29)); code != domain.CodeCommentTooLong { // 29 × 7 = 203 code points
		t.Errorf("29 families: %q, want %v", code, domain.CodeCommentTooLong)
	}
}

// FuzzText compares the validation of texts with a second implementation of the rules: a text is valid UTF-8 without
// control characters and U+FFFD, trimmed, not empty, of bounded length, and has a visible character.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", " ", "hello", " hello ", "a\x00", "\ufffd", "\xff", "a\nb", "\u3000长\u00a0", "\u0085", "\u200b", "😀",
		strings.Repeat("长", 200), strings.Repeat("长", 201), " " + strings.Repeat("😀", 200) + " ",
		strings.Repeat(" ", 6400), strings.Repeat(" ", 6400) + "a", "\xed\xa0\x80", "\u2028", "\ufeff", "%!d(MISSING)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := after(t, events(testUsers(), liveOnAir(6)))
		for _, field := range fields() {
			text, code := field.decide(t, w, s)
			want := s
			if !field.url {
				want = strings.TrimFunc(s, unicode.IsSpace)
			}
			if field.lines {
				want = strings.ReplaceAll(strings.ReplaceAll(want, "\r\n", "\n"), "\r", "\n")
			}
			unreadable := !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
				return unicode.Is(unicode.Cc, r) && !(field.lines && strings.ContainsRune("\n\r\t", r)) || r == '\ufffd' || field.url && (unicode.IsSpace(r) || strings.ContainsRune("\"<>\\`", r))
			})
			length := utf8.RuneCountInString(want)
			if field.url {
				length = len(want)
			}
			unseen := !field.url && !strings.ContainsFunc(want, func(r rune) bool {
				return !unicode.IsSpace(r) && !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Me, unicode.Zl, unicode.Zp, unicode.Zs, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) &&
					r != '\u2800' && r != '\U0001d159' && r != '\U00013441' && r != '\U00013442'
			})
			switch tooMany := length > field.max || len(s) > 32*field.max; {
			case code == "" && unseen && length > 0:
				t.Errorf("%s accepted %+q, which nobody can see", field.name, s)
			case code == "" && unreadable:
				t.Errorf("%s accepted %q", field.name, s)
			case code == "" && text != want:
				t.Errorf("%s made %q of %q, want %q", field.name, text, s, want)
			case code == "" && (tooMany || length == 0 && field.empty != ""):
				t.Errorf("%s accepted %d characters", field.name, length)
			case code == domain.CodeTextInvalid && field.person: // see TestPersonNames
			case code == domain.CodeTextInvalid && !unreadable && !unseen,
				code == field.tooLong && code != "" && !tooMany,
				code == field.empty && code != "" && length > 0:
				t.Errorf("%s refused %q with %s", field.name, s, code)
			case code != "" && code != domain.CodeTextInvalid && code != field.tooLong && code != field.empty:
				t.Errorf("%s refused %q with %s", field.name, s, code)
			}
		}
	})
}

// TestAddresses checks every URL that a client or an operator can set, because pages show all of them.
func TestAddresses(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6)))
	addresses := map[string]bool{ // URL → whether it is accepted
		"":                              true,
		"https://cdn.example/a.png":     true,
		"HTTP://cdn.example:8080?x=1":   true,
		"https://例子.测试/图.png":           true,
		"/uploads/0123456789abcdef.png": true,
		"javascript:alert(1)":           false,
		"JavaScript://x.example/%0aa":   false,
		"data:image/png;base64,AAAA":    false,
		"vbscript:x":                    false,
		"file:///etc/passwd":            false,
		"//cdn.example/a.png":           false,
		"a.png":                         false,
		"http:a.png":                    false,
		"http://":                       false,
		"https:///a.png":                false,
		"https://:80/":                  false,
		"https://ann:secret@x.example":  false,
		"https://x.example/\"><b>":      false,
		"https:\\\\x.example":           false,
		"/uploads/":                     false,
		"/uploads/../api/user/info":     false,
		"/uploads/..%2fapi":             false,
		"/api/logout":                   false,
		"\tjavascript:alert(1)":         false,
	}
	byEmail := field{name: "avatar of an account without password", url: true, command: func(s string) (domain.Actor, domain.Command) {
		return anonymous, domain.RegisterByEmail{Email: "zoe@example.org", EmailKey: "k", Avatar: s}
	}}
	for _, f := range append(fields(), byEmail) {
		if !f.url {
			continue
		}
		for address, accepted := range addresses {
			by, c := f.command(address)
			_, err := w.decide(t, domain.Request{Command: c, Actor: by})
			if refusal := domain.AsRefusal(err); accepted && err != nil || !accepted && (refusal == nil || refusal.Code != domain.CodeTextInvalid) {
				t.Errorf("%s %q: got %v, want accepted %v", f.name, address, err, accepted)
			}
		}
	}
}
