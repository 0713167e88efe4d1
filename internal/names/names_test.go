package names_test

import (
	"testing"

	"roomlog/internal/names"
)

// TestLookalike checks that names that look alike have the same Lookalike.
func TestLookalike(t *testing.T) {
	for _, group := range [][]string{
		{"anna", "Anna", "ANNA", "ａｎｎａ", "аnnа", " anna ", "an\u200bna", "anna\ufe0f", "an\u034fna", "anna\u3164", "anna\U000e0100", "\u202eanna"},
		{"bob", "Воb", "BOB", "b0b"},
		{"iris", "IRIS", "lris"},
		{"paypal", "раураl", "paypaI", "paypa1"},
		{"小明", "小\u17b4明", "小明\u00ad"},
		{"anna lee", "anna  lee", "anna\u00a0lee"},
		{"🌹", "🌹\ufe0f"},
		{"Нина", "нина", "НИНА"},
		{"Вова", "вова", "ВОВА"},
	} {
		for _, name := range group[1:] {
			if got, want := names.Lookalike(name), names.Lookalike(group[0]); got != want {
				t.Errorf("the Lookalike of %+q is %q, want %q like that of %q", name, got, want, group[0])
			}
		}
	}
	for _, group := range [][2]string{{"anna", "anne"}, {"小明", "小红"}, {"anna lee", "annalee"}, {"é", "e"}} {
		if names.Lookalike(group[0]) == names.Lookalike(group[1]) {
			t.Errorf("%q and %q have the same Lookalike", group[0], group[1])
		}
	}
}

// TestHasVisible checks texts of which a reader sees something, and texts that look empty.
func TestHasVisible(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, " a\u0301 ": true, "\u200b1": true, "❤\ufe0f": true, "🏽": true, "\U0001fffd": true, "\ue000": true, "¨": true,
		"": false, " \t\n": false, "\u200b\u2060\ufeff": false, "\u0301\u0903\u20dd": false, "\u3164": false, "\u2800": false, "\U0001d159": false,
		"\u2028": false, "\u202e": false, "\U000e0001\U000e0100": false, "\x00": false,
	} {
		if got := names.HasVisible(text); got != want {
			t.Errorf("%+q: got %v, want %v", text, got, want)
		}
	}
}

// TestLookalikeFormsAreFrozen checks that the forms stay the same, because the log stores keys of these forms. If an
// update of a library changes a form, names that were claimed before are no longer found: keep the former form, or
// claim the names again.
func TestLookalikeFormsAreFrozen(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"anna": "anna", "Anna Lee": "anna lee", "iris": "lrls", "LRIS": "lrls", "Mama1": "rnarnal", "b0b": "bob", "раураl": "paypal",
		"小明": "小明", "ＡＢＣ": "abc", "straße": "strasse", "Нина": "h\u1d0eha", "e\u0301": "\u00e9", "👨\u200d👩\u200d👧": "👨👩👧", "שלום": "שלlם",
	} {
		if got := names.Lookalike(name); got != want {
			t.Errorf("the form of %+q is %+q, want %+q", name, got, want)
		}
	}
}
