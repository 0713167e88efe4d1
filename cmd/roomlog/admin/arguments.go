package admin

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"roomlog/domain"
)

// reasonFlag is the flag --reason of commands that do not show the reason to the user.
type reasonFlag struct {
	Reason string `placeholder:"TEXT" help:"Reason, recorded in the log for auditors: at most 100 characters. It must not name a person."`
}

// AfterApply refuses a reason that the log would refuse. A command with its own AfterApply must call it.
func (r *reasonFlag) AfterApply() error { return checkText("--reason", r.Reason, 0, domain.MaxReason) }

// checkText returns an error unless a text has from least to most characters, not counting spaces at both ends.
func checkText(flag, text string, least, most int) error {
	n := utf8.RuneCountInString(strings.TrimSpace(text))
	switch {
	case n >= least && n <= most:
		return nil
	case least == 0:
		return fmt.Errorf("%s must have at most %d characters (got %d)", flag, most, n)
	}
	return fmt.Errorf("%s must have %d to %d characters (got %d)", flag, least, most, n)
}

// checkNumber returns an error unless a number is from least to most.
func checkNumber[N ~int64](flag string, number int64, least, most N) error {
	if number < int64(least) || number > int64(most) {
		return fmt.Errorf("%s must be from %d to %d (got %d)", flag, least, most, number)
	}
	return nil
}

// checkPrice returns an error unless --coin can be the price of a gift.
func checkPrice(coins int64) error { return checkNumber("--coin", coins, 1, domain.MaxPrice) }
