package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// movement is one change of a wallet.
type movement struct {
	Position int64          `json:"position"`
	Amount   domain.Coins   `json:"amount" doc:"less than 0: spent"`
	Balance  domain.Coins   `json:"balance" doc:"after it"`
	Order    domain.OrderID `json:"order,omitempty" doc:"of a top-up"`
	Live     domain.LiveID  `json:"live,omitempty" doc:"of a gift"`
	Gift     domain.GiftID  `json:"gift,omitempty" doc:"of a gift"`
	At       time.Time      `json:"at"`
}

type wallet struct {
	User    domain.UserID `query:"user" doc:"another's wallet, for auditors; left out: one's own"`
	Account string        `query:"account" enum:"wallet,earnings" default:"wallet" doc:"what was bought and spent, or what a streamer was given"`
	Window
}

// coinHistory answers a wallet: one's own, or anybody's to an auditor.
func (s *server) coinHistory(ctx context.Context, _ caller, in *wallet) (history[movement], error) {
	member, err := s.member(ctx)
	if err != nil {
		return history[movement]{}, err
	}
	of := in.User
	if of == 0 {
		of = member.ID
	}
	if of != member.ID && !auditor(member) {
		return history[movement]{}, refusal(domain.CodeForbidden, "another's wallet needs the role %s", domain.RoleAuditor)
	}
	account := domain.WalletAccount(of)
	if in.Account == "earnings" {
		account = domain.EarningsAccount(of)
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[movement]{}, err
	}
	found, err := s.Queries.CoinHistory(ctx, projections.CoinFilter{Account: account, Window: w})
	if err != nil {
		return history[movement]{}, err
	}
	return part(ctx, s, found, func(m projections.CoinMovement) (movement, int64) {
		return movement{m.Position, m.Amount, m.BalanceAfter, m.Order, m.Live, m.Gift, m.At}, m.Position
	})
}

// given is a gift that was given, as it was at the moment.
type given struct {
	ID       string        `json:"id"`
	Position int64         `json:"position"`
	Live     domain.LiveID `json:"live"`
	Streamer domain.UserID `json:"streamer"`
	Sender   Shown         `json:"sender"`
	Gift     domain.GiftID `json:"gift"`
	Name     string        `json:"name"`
	Image    string        `json:"image"`
	Price    domain.Coins  `json:"price"`
	Num      int           `json:"num"`
	Coin     domain.Coins  `json:"coin"`
	At       time.Time     `json:"at"`
}

type giftsGiven struct {
	Live   domain.LiveID `query:"live"`
	Sender domain.UserID `query:"sender"`
	Gift   domain.GiftID `query:"gift"`
	From   time.Time     `query:"from" doc:"RFC 3339, included"`
	To     time.Time     `query:"to" doc:"RFC 3339, not included"`
	Window
}

// giftHistory answers gifts given: all to an auditor, to everybody else those given in one's own
// rooms.
func (s *server) giftHistory(ctx context.Context, _ caller, in *giftsGiven) (history[given], error) {
	member, err := s.member(ctx)
	if err != nil {
		return history[given]{}, err
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[given]{}, err
	}
	filter := projections.GiftFilter{Live: in.Live, Sender: in.Sender, Gift: in.Gift, From: in.From, To: in.To, Window: w}
	if !auditor(member) {
		if err := s.ownGifts(ctx, member, &filter); err != nil {
			return history[given]{}, err
		}
	}
	found, err := s.Queries.GiftHistory(ctx, filter)
	if err != nil {
		return history[given]{}, err
	}
	return part(ctx, s, found, func(g projections.GiftRecord) (given, int64) {
		return given{
			g.ID, g.Position, g.Live, g.Streamer, shown(g.Sender), g.Gift, g.Name, g.Image, g.Price, g.Num, g.Coins, g.At,
		}, g.Position
	})
}

// ownGifts narrows filter to what a member may see. Asking by name for another's room is refused,
// rather than answered with nothing.
func (s *server) ownGifts(ctx context.Context, member projections.User, filter *projections.GiftFilter) error {
	filter.Streamer = member.ID
	if filter.Live == 0 {
		return nil
	}
	live, err := s.live(ctx, filter.Live)
	if err == nil && live.UserID != member.ID {
		err = refusal(domain.CodeForbidden, "gifts of another's room need the role %s", domain.RoleAuditor)
	}
	return err
}
