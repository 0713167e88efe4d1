package pack

import (
	"fmt"
	"strconv"

	"roomlog/domain"
)

// account is one account during the range.
type account struct {
	opening, closing domain.Coins // balance before and after the range
	in, out          domain.Coins // sums of the postings
}

// checkBalance returns an error unless an account can have a balance. Sums that overflow have the wrong sign.
func checkBalance(name domain.Account, balance domain.Coins) error {
	if (name == domain.ProviderAccount) == (balance > 0) && balance != 0 {
		return fmt.Errorf("the account %s cannot have %d coins", name, balance)
	}
	return nil
}

func coinText(c domain.Coins) string { return strconv.FormatInt(int64(c), 10) }
