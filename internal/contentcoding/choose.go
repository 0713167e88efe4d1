package contentcoding

import (
	"net/http"
	"strconv"
	"strings"
)

// The names of codings (RFC 9110, section 8.4.1, and RFC 9659).
const (
	Gzip = "gzip"
	Zstd = "zstd"
)

// Choose returns the offered coding that the client of a request prefers, or "" if it accepts none of them (RFC 9110,
// section 12.5.3). If the client prefers several equally, the first of them is chosen. A client must name a coding: "*"
// chooses none.
func Choose(r *http.Request, offered ...string) (chosen string) {
	best := 0.0
	for _, coding := range offered {
		if q := weight(r, coding); q > best {
			chosen, best = coding, q
		}
	}
	return chosen
}

// weight returns the weight that a request gives to a coding; 0 means that the client does not accept it.
func weight(r *http.Request, coding string) float64 {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(header, ",") {
			name, parameters, _ := strings.Cut(strings.TrimSpace(item), ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			text, isWeight := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
			if !isWeight {
				return 1
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil || value < 0 || value > 1 {
				return 0
			}
			return value
		}
	}
	return 0
}
