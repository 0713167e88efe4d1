package cli

import "fmt"

// Count returns a number with a noun, such as "1 user" or "2 users". plural is the noun for other numbers than 1, if it
// is not the noun with an s.
func Count[N ~int | ~int64](n N, noun string, plural ...string) string {
	switch {
	case n == 1:
	case len(plural) > 0:
		noun = plural[0]
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
