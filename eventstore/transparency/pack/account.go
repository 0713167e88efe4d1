package pack

import (
	"strconv"

	"roomlog/domain"
)

// account is one account during the range.
type account struct {
	opening, closing domain.Coins // balance before and after the range
	in, out          domain.Coins // sums of the postings
}

func coinText(c domain.Coins) string { return strconv.FormatInt(int64(c), 10) }
