package strictjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// name is the name of a member of a JSON object.
type name struct {
	plain []byte // name without escapes
	hash  uint64 // hash of the folded name
}

// Constants of the hash function FNV-1a with 64 bits.
const (
	hashOffset = 14695981039346656037
	hashPrime  = 1099511628211
)

// newName returns the name that a client has sent as the bytes sent, which do not include the quotes.
func newName(sent []byte) name {
	n := name{sent, hashOffset}
	for _, c := range sent {
		if c >= utf8.RuneSelf || c == '\\' {
			return newRuneName(sent)
		}
		n.hash = (n.hash ^ uint64(lower(rune(c)))) * hashPrime
	}
	return n
}

// newRuneName does the work of newName for names that are not plain ASCII.
func newRuneName(sent []byte) name {
	n := name{sent, hashOffset}
	var text string
	if json.Unmarshal(slices.Concat([]byte(`"`), sent, []byte(`"`)), &text) == nil { // Otherwise the JSON is invalid.
		n.plain = []byte(text)
	}
	for _, r := range string(n.plain) {
		n.hash = (n.hash ^ uint64(foldRune(r))) * hashPrime
	}
	return n
}

// same reports whether encoding/json takes n and m for the same name.
func (n name) same(m name) bool { return n.hash == m.hash && bytes.EqualFold(n.plain, m.plain) }

// folded returns the case-folded name. Names that encoding/json takes for the same name have the same case-folded
// form.
func (n name) folded() string { return strings.Map(foldRune, string(n.plain)) }

// foldRune returns the smallest of the characters that are equal to r under case folding, in lower case if it is ASCII.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return lower(r)
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return lower(least)
}

func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}
