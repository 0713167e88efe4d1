package siotest

import "unicode/utf16"

// units returns the length of a text in UTF-16 code units, as JavaScript counts it.
func units(text string) int { return len(utf16.Encode([]rune(text))) }
