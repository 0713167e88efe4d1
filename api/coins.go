package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// movement is one change of the balance of a coin account, in a response.
type movement struct {
	Position int64          `json:"position"`
	Amount   domain.Coins   `json:"amount" doc:"negative when coins were spent"`
	Balance  domain.Coins   `json:"balance" doc:"after the movement"`
	Order    domain.OrderID `json:"order,omitempty" doc:"order of a top-up"`
	Live     domain.LiveID  `json:"live,omitempty" doc:"live of a gift"`
	Gift     domain.GiftID  `json:"gift,omitempty" doc:"gift that was sent"`
	At       time.Time      `json:"at"`
}

type coinHistoryInput struct {
	User    domain.UserID `query:"user" minimum:"1" doc:"owner of the account; default: the caller"`
	Account string        `query:"account" enum:"wallet,earnings" default:"wallet" doc:"wallet: coins bought and spent; earnings: coins that a streamer received"`
	Window
}

// coinHistory returns a page with the movements of the caller's coin account. An auditor may request any account.
func (s *server) coinHistory(ctx context.Context, in *coinHistoryInput) (history[movement], error) {
	user := requestOf(ctx).user
	owner := in.User
	if owner == 0 {
		owner = user.ID
	}
	if owner != user.ID && !hasRole(user, domain.RoleAuditor) {
		return history[movement]{}, refusal(domain.CodeForbidden, "the account of another user needs the role %s", domain.RoleAuditor)
	}
	account := domain.WalletAccount(owner)
	if in.Account == "earnings" {
		account = domain.EarningsAccount(owner)
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[movement]{}, err
	}
	found, err := s.Queries.CoinHistory(ctx, projections.CoinFilter{Account: account, Window: w})
	if err != nil {
		return history[movement]{}, err
	}
	return newHistory(ctx, s, found, func(m projections.CoinMovement) (movement, int64) {
		return movement{m.Position, m.Amount, m.BalanceAfter, m.Order, m.Live, m.Gift, m.At}, m.Position
	})
}
