package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roomlog/internal/strictjson"
)

type inner struct {
	Num int `json:"num"`
}

type base struct {
	Shared string `json:"shared"`
}

type outer struct {
	base
	Num   int    `json:"num"`
	Key   string `json:"key"`
	Plain string
	Skip  string           `json:"-"`
	List  []inner          `json:"list"`
	Map   map[string]inner `json:"map"`
	Deep  *outer           `json:"deep"`
	Raw   json.RawMessage  `json:"raw"`
	Any   any              `json:"any"`
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // wanted member by document; "": the document is accepted
		`{}`:                                     "",
		`{"num":1,"key":"num"}`:                  "",
		`{"unknown":1,"other":2}`:                "",
		`{"num":1,"num":2}`:                      `the member "num" occurs twice`,
		`{"num":1,"NUM":3}`:                      `the member "NUM" differs only in case from "num"`,
		`{"num":1,"num":2,"NUM":3}`:              `the member "num" occurs twice`,
		`{"NUM":3}`:                              `the member "NUM" differs only in case from "num"`,
		`{"num":1,"\u006eum":2}`:                 `the member "num" occurs twice`,
		`{"\u004eum":2}`:                         `the member "Num" differs only in case from "num"`,
		`{"\u006eum":2}`:                         "",
		`{"ſhared":"x"}`:                         `the member "ſhared" differs only in case from "shared"`,
		`{"Key":"x"}`:                            `the member "Key" differs only in case from "key"`,
		"{\"\u212aey\":\"x\"}":                   "the member \"\u212aey\" differs only in case from \"key\"",
		`{"plain":"x"}`:                          `the member "plain" differs only in case from "Plain"`,
		`{"Plain":"x"}`:                          "",
		`{"shared":"x"}`:                         "",
		`{"SHARED":"x"}`:                         `the member "SHARED" differs only in case from "shared"`,
		`{"Skip":1,"skip":2}`:                    `the member "skip" differs only in case from "Skip"`,
		`{"unknown":1,"Unknown":2}`:              `the member "Unknown" differs only in case from "unknown"`,
		`{"é":1,"É":2}`:                          `the member "É" differs only in case from "é"`,
		`{"deep":{"deep":{"Num":1}}}`:            `the member "Num" differs only in case from "num"`,
		`{"list":[{"num":1},{"num":2}]}`:         "",
		`{"list":[{"num":1},{"num":2,"num":3}]}`: `the member "num" occurs twice`,
		`{"list":[{"Num":1}]}`:                   `the member "Num" differs only in case from "num"`,
		`{"map":{"a":{"num":1},"b":{"num":1}}}`:  "",
		`{"map":{"a":{"num":1},"A":{"num":1}}}`:  `the member "A" differs only in case from "a"`,
		`{"map":{"a":{"Num":1}}}`:                `the member "Num" differs only in case from "num"`,
		`{"raw":{"a":1,"a":2}}`:                  `the member "a" occurs twice`,
		`{"raw":{"Num":1},"any":{"Num":{"x":"}\"{"},"y":2}}`: "",
		`{"any":[[{"x":1}],{"x":[{"y":1,"y":2}]}]}`:          `the member "y" occurs twice`,
		`{"key":"\"num\":1,\"num\":2\\"}`:                    "",
		`{"unknown":{"num":1},"num":2}`:                      "",
		object(15, "name0"):                                  `the member "name0" occurs twice`,
		object(16, "name0"):                                  `the member "name0" occurs twice`,
		object(17, "NAME3"):                                  `the member "NAME3" differs only in case from "name3"`,
		object(3000, "name2999"):                             `the member "name2999" occurs twice`,
		object(3000, "last"):                                 "",
	} {
		var v outer
		err := strictjson.Unmarshal([]byte(text), &v)
		member := strictjson.AsMemberError(err)
		switch {
		case want == "" && err != nil:
			t.Errorf("%.200s: %v", text, err)
		case want != "" && (member == nil || member.Error() != want):
			t.Errorf("%.200s: got %v, want %s", text, err, want)
		}
	}
}

// object returns an object with n members and one more, the last.
func object(n int, last string) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range n {
		fmt.Fprintf(&b, "%q:%d,", fmt.Sprint("name", i), i)
	}
	return b.String() + fmt.Sprintf("%q:0}", last)
}

// TestInvalidJSON checks that the errors of encoding/json are kept and that nothing panics.
func TestInvalidJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "}", "]", "{", "[", `"`, `{"`, `{"a`, `{"a\`, `{"a\"`, `{"a"`, `{"a":`, "{]", `[}`, `{"\u00"}`, `{"\ud800":1}x`, "null x", "}}}{{{",
		strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000),
	} {
		var v any
		err := strictjson.Unmarshal([]byte(text), &v)
		if strictjson.AsMemberError(err) != nil || err == nil {
			t.Errorf("%.50q: %v", text, err)
		}
		var want any
		if plain := json.Unmarshal([]byte(text), &want); plain.Error() != err.Error() {
			t.Errorf("%.50q: got %v, want %v", text, err, plain)
		}
	}
}

// TestAcceptedTextsHaveOneReading compares the check with a decoder that keeps all members of every object.
func TestAcceptedTextsHaveOneReading(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{`a`, `A`, `b`, `\u0061`, `k`, "\u212a", `é`, `É`, `\"`, `}`, ``})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		scalars := []*rapid.Generator[string]{rapid.SampledFrom([]string{"1", "null", `"x"`, `"\"a\":1"`, `"\\"`, "[]", "{}"})}
		if depth == 0 {
			return scalars[0]
		}
		return rapid.OneOf(append(scalars,
			rapid.Custom(func(t *rapid.T) string {
				return "[" + strings.Join(rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "items"), ",") + "]"
			}),
			rapid.Custom(func(t *rapid.T) string {
				var members []string
				for range rapid.IntRange(0, 4).Draw(t, "members") {
					members = append(members, `"`+names.Draw(t, "name")+`": `+value(depth-1).Draw(t, "value"))
				}
				return "{" + strings.Join(members, " , ") + "}"
			}))...)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := value(3).Draw(t, "text")
		want := ambiguous(t, json.NewDecoder(strings.NewReader(text)))
		if got := strictjson.Check([]byte(text), nil) != nil; got != want {
			t.Fatalf("%s: refused %v, want %v", text, got, want)
		}
	})
}

// ambiguous reports whether an object in the next value of d has two members whose names are equal under case folding.
func ambiguous(t *rapid.T, d *json.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	switch token {
	case json.Delim('['):
		for d.More() {
			found = ambiguous(t, d) || found
		}
	case json.Delim('{'):
		var names []string
		for d.More() {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			for _, earlier := range names {
				found = found || strings.EqualFold(earlier, name.(string))
			}
			names = append(names, name.(string))
			found = ambiguous(t, d) || found
		}
	default:
		return false
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	return found
}

// FuzzCheck checks that no input makes the scanner panic or accept what a map of all members refuses.
func FuzzCheck(f *testing.F) {
	f.Add(`{"a":1,"A":[{"b":"\\\""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v outer
		_ = strictjson.Unmarshal([]byte(text), &v)
	})
}

func TestUsualMessagesNeedNoMemory(t *testing.T) {
	frame := []byte(giftFrame)
	var v struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Key  string          `json:"key"`
		Data json.RawMessage `json:"data"`
	}
	if n := testing.AllocsPerRun(100, func() { _ = strictjson.Check(frame, &v) }); n != 0 {
		t.Errorf("%v allocations for one frame, want 0", n)
	}
}

const giftFrame = `{"id":"3","type":"gift.send","key":"01JABCDEFGHJKMNPQRSTVWXYZ","data":{"live":6,"gift":3,"num":1}}`

type request struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Key  string          `json:"key"`
	Data json.RawMessage `json:"data"`
}

type giftData struct {
	Live int64 `json:"live"`
	Gift int64 `json:"gift"`
	Num  int64 `json:"num"`
}

// BenchmarkFrame decodes a frame and its data as the native dialect does, with and without the check.
func BenchmarkFrame(b *testing.B) {
	for name, unmarshal := range map[string]func([]byte, any) error{"plain": json.Unmarshal, "strict": strictjson.Unmarshal} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var r request
				var data giftData
				if unmarshal([]byte(giftFrame), &r) != nil || unmarshal(r.Data, &data) != nil {
					b.Fatal("invalid")
				}
			}
		})
	}
}
