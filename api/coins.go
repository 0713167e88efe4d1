package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// movement is one change of a coin account.
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
	User    domain.UserID `query:"user" doc:"owner of the account; default: the caller"`
	Account string        `query:"account" enum:"wallet,earnings" default:"wallet" doc:"wallet: coins bought and spent; earnings: coins that a streamer received"`
	Window
}

// coinHistory returns the movements of the caller's account, or of any account to an auditor.
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

// sentGift is a gift as it was when it was sent.
type sentGift struct {
	ID       string        `json:"id"`
	Position int64         `json:"position"`
	Live     domain.LiveID `json:"live"`
	Streamer domain.UserID `json:"streamer"`
	Sender   PublicUser    `json:"sender"`
	Gift     domain.GiftID `json:"gift"`
	Name     string        `json:"name"`
	Image    string        `json:"image"`
	Price    domain.Coins  `json:"price"`
	Num      int           `json:"num"`
	Coin     domain.Coins  `json:"coin"`
	At       time.Time     `json:"at"`
}

type giftHistoryInput struct {
	Live   domain.LiveID `query:"live"`
	Sender domain.UserID `query:"sender"`
	Gift   domain.GiftID `query:"gift"`
	From   time.Time     `query:"from" doc:"RFC 3339, inclusive"`
	To     time.Time     `query:"to" doc:"RFC 3339, exclusive"`
	Window
}

// giftHistory returns the gifts sent to the caller's lives, or to all lives to an auditor.
func (s *server) giftHistory(ctx context.Context, in *giftHistoryInput) (history[sentGift], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[sentGift]{}, err
	}
	filter := projections.GiftFilter{Live: in.Live, Sender: in.Sender, Gift: in.Gift, From: in.From, To: in.To, Window: w}
	if user := requestOf(ctx).user; !hasRole(user, domain.RoleAuditor) {
		if err := s.restrictToOwnLives(ctx, user, &filter); err != nil {
			return history[sentGift]{}, err
		}
	}
	found, err := s.Queries.GiftHistory(ctx, filter)
	if err != nil {
		return history[sentGift]{}, err
	}
	return newHistory(ctx, s, found, func(g projections.GiftRecord) (sentGift, int64) {
		return sentGift{
			g.ID, g.Position, g.Live, g.Streamer, newPublicUser(g.Sender), g.Gift, g.Name, g.Image, g.Price, g.Num, g.Coins, g.At,
		}, g.Position
	})
}

// restrictToOwnLives narrows filter to the lives of a user. It refuses a filter that names another user's live.
func (s *server) restrictToOwnLives(ctx context.Context, user projections.User, filter *projections.GiftFilter) error {
	filter.Streamer = user.ID
	if filter.Live == 0 {
		return nil
	}
	live, err := s.live(ctx, filter.Live)
	if err == nil && live.UserID != user.ID {
		err = refusal(domain.CodeForbidden, "gifts sent to another user's live need the role %s", domain.RoleAuditor)
	}
	return err
}
