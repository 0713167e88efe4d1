package words_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"roomlog/internal/words"
)

func TestRefuses(t *testing.T) {
	list := words.NewList([]words.Entry{{Word: "spam"}, {Word: "ass", Exact: true}, {Word: "god"}, {Word: "click"}, {Word: "mean"}, {Word: "free coins"}, {Word: "加微信"}, {Word: "mild", Mask: true}})
	for text, want := range map[string]bool{
		"spam": true, "SPAM!": true, "antispam": true, "ｓｐａｍ": true, "sp\u200bam": true, "spаm": true /* Cyrillic а */, "späm": true, "s̶p̶a̶m̶": true,
		"spaaaam": true, "sssspppaaammm": true, "s p a m": true, "s.p.a.m": true, "buy s-p-a-m now": true, "s  p  a  m": true, "ѕраm": true,
		"you ass": true, "as you like": false, "sooo as you like": false, "cIl1ck": true, "c1ick": true, "mmmmean": true, "assss": true, "good": false, "goood": true, "spaam": false, "ASS": true, "assassin": false, "a.s.s": true, "free   coins": true, "free-coins": true, "freecoins": false, "加微信": true, "请加 微 信": true, "加 微 信": true,
		"s|p|a|m": true, "s∣p∣a∣m": true, "加|微|信": true, "加∣微∣信": true, "ⓢⓟⓐⓜ": true, "加|微1信": false,
		"spa m": false, "sp am": false, "hello": false, "": false, "mild": false, "a b c": false, "微信": false,
		"s" + strings.Repeat("\u0301", 200) + "pam": true,
	} {
		if got := list.Check(text, words.Plain(text, nil)).Refused; got != want {
			t.Errorf("%.40q: got %v, want %v", text, got, want)
		}
	}
	for _, none := range []*words.List{nil, words.NewList(nil)} {
		if got := none.Check("spam", words.Plain("spam", nil)); got != (words.Result{Text: "spam"}) {
			t.Errorf("an empty list makes %+v of a word", got)
		}
	}
}

func TestMask(t *testing.T) {
	list := words.NewList([]words.Entry{{Word: "spam", Mask: true}, {Word: "ass", Exact: true, Mask: true}, {Word: "加微信", Mask: true}, {Word: "nasty"}, {Word: "bcd", Mask: true}, {Word: "abcde", Mask: true}, {Word: "dexyz", Mask: true}})
	for text, want := range map[string]string{
		"a bcd abcdexyz abcdefgh": "a *** ******** *****fgh",
		"hello":                   "hello", "spam": "****", "no SPAM, please": "no ****, please", "s p a m!": "* * * *!", "spaaam spam": "****** ****", "antispam": "anti****",
		"pass the ass": "pass the ***", "请加微信吧": "请***吧", "späm": "****", "": "",
	} {
		if got := list.Check(text, words.Plain(text, nil)).Text; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestUsable(t *testing.T) {
	for word, want := range map[string]bool{"spam": true, "ab": true, "赌": true, "a": false, "aaa": false, "": false, " .": false, "\u200b": false} {
		if got := words.Usable(word); got != want {
			t.Errorf("%q: got %v, want %v", word, got, want)
		}
	}
}

// TestManyWords checks that a list with 10,000 words that share beginnings finds them.
func TestManyWords(t *testing.T) {
	var entries []words.Entry
	for i := range 10_000 {
		entries = append(entries, words.Entry{Word: strings.Repeat("ab", 10) + fmt.Sprint("word", i)})
	}
	list := words.NewList(entries)
	if !list.Check("x "+entries[9_999].Word, words.Plain("x "+entries[9_999].Word, nil)).Refused {
		t.Error("a word was not found")
	}
	if list.Check(strings.Repeat("ab", 90), words.Plain(strings.Repeat("ab", 90), nil)).Refused {
		t.Error("a word was found where it is not")
	}
}

// TestPlain checks that the plain form of a text changes no result: without one, all forms of the text are searched.
func TestPlain(t *testing.T) {
	list := words.NewList([]words.Entry{{Word: "mail"}, {Word: "bill", Exact: true}, {Word: "aab", Mask: true}, {Word: "ma lib", Hold: true}, {Word: "bob", Exact: true, Mask: true}})
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "abilmABILMo10 .- "
	buffer, plain := make([]byte, 64), 0
	for range 50_000 {
		text := make([]byte, random.IntN(16))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		form := words.Plain(string(text), buffer)
		if form != nil {
			plain++
		}
		if got, want := list.Check(string(text), form), list.Check(string(text), nil); got != want {
			t.Fatalf("%q: got %+v with the plain form %q, want %+v", text, got, form, want)
		}
	}
	if plain < 10_000 {
		t.Errorf("only %d texts have a plain form", plain)
	}
}
