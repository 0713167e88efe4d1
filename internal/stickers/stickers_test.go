package stickers_test

import (
	"strings"
	"testing"

	"roomlog/internal/stickers"
)

func TestOnly(t *testing.T) {
	for text, want := range map[string]bool{
		"😀": true, "😀 🎉\n🌹": true, ":rose:": true, ":rose: :x_1:😀": true, "❤️": true, "👍🏽": true, "👨‍👩‍👧": true, "🇩🇪🇫🇷": true, "☀": true,
		"": false, "   ": false, "hello": false, "😀 hello": false, ":rose": false, ":: ": false, ":Rose:": false, ":a b:": false, "1": false,
		"🇩": false, "🇩🇪🇫": false, "🅢🅟🅐🅜": false, "Ⓢⓟⓐⓜ": false, "⠿⠿": false, "\ufe0f": false, "\u200d😀": false, "©": false, "加": false,
		"😀" + strings.Repeat("\u0301", 200): false, ":" + strings.Repeat("a", 32) + ":": true, ":" + strings.Repeat("a", 33) + ":": false,
	} {
		if got := stickers.Only(text); got != want {
			t.Errorf("%.60q: got %v, want %v", text, got, want)
		}
	}
}
