package siotest

import "unicode/utf16"

// units returns the length of text in UTF-16 code units, as JavaScript counts.
func units(text string) int { return len(utf16.Encode([]rune(text))) }
