package domain

import "fmt"

// Gift is the state of a gift in the gift catalogue.
type Gift struct {
	Name      string `json:"name"` // name of the gift; "" if the gift does not exist
	Image     string `json:"image"`
	Price     Coins  `json:"price"`
	Available bool   `json:"available"` // whether the gift can be sent
}

// Gift returns the state of a gift.
func (v View) Gift(id GiftID) Gift { return look[Gift](v, giftStream(id)) }

// NextGift returns the next free gift id.
func (v View) NextGift() GiftID { return GiftID(v.next(nextGift)) }

// MaxPrice is the maximum price of one gift in coins.
const MaxPrice Coins = 1_000_000_000

func checkPrice(c Coins) error {
	if c < 1 || c > MaxPrice {
		return refuse(CodeNumberOutOfRange, "price must be from 1 to %d coins", MaxPrice)
	}
	return nil
}

// AddGift adds a gift to the gift catalogue.
type AddGift struct {
	Name  string `json:"name"`  // name of the gift: 1–32 characters
	Price Coins  `json:"price"` // price of one gift: 1 to 1,000,000,000 coins
	Image string `json:"image"` // image of the gift: http or https URL, or path of an upload; may be empty
}

func (AddGift) Type() string { return "gift.add" }

func (AddGift) Reads(Actor) []Stream { return []Stream{nextGift} }

func (c AddGift) decide(view View) ([]Event, error) {
	name, err := text("name", c.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	if err := checkOptionalURL("image", c.Image); err != nil {
		return nil, err
	}
	if err := checkPrice(c.Price); err != nil {
		return nil, err
	}
	return []Event{GiftAdded{view.NextGift(), name, c.Image, c.Price}}, nil
}

// GiftAdded records a new gift in the gift catalogue.
type GiftAdded struct {
	Gift  GiftID `json:"gift"`  // the new gift
	Name  string `json:"name"`  // name of the gift, shown to users
	Image string `json:"image"` // image of the gift: http or https URL, or path of an upload; may be empty
	Price Coins  `json:"price"` // price of one gift in coins
}

func (GiftAdded) Type() string       { return "gift.added.v1" }
func (e GiftAdded) Stream() Stream   { return giftStream(e.Gift) }
func (e GiftAdded) count() int64     { return int64(e.Gift) }
func (e GiftAdded) evolve(Gift) Gift { return Gift{e.Name, e.Image, e.Price, true} }

// RepriceGift changes the price of a gift.
type RepriceGift struct {
	Gift   GiftID `json:"gift"`   // the gift whose price changes
	Price  Coins  `json:"price"`  // new price of one gift: 1 to 1,000,000,000 coins
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (RepriceGift) Type() string { return "gift.reprice" }

func (c RepriceGift) Reads(Actor) []Stream { return []Stream{giftStream(c.Gift), coinHoldsStream} }

func (c RepriceGift) decide(view View) ([]Event, error) {
	gift := view.Gift(c.Gift)
	if !gift.Available {
		return nil, refuse(CodeGiftNotFound, "there is no gift %d in the gift catalogue", c.Gift)
	}
	if err := checkPrice(c.Price); err != nil {
		return nil, err
	}
	if gift.Price == c.Price {
		return nil, nil
	}
	if err := view.coinsOpen(0); err != nil {
		return nil, err
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{GiftRepriced{c.Gift, gift.Price, c.Price, reason}}, nil
}

// GiftRepriced records the new price of a gift.
type GiftRepriced struct {
	Gift   GiftID `json:"gift"`   // the gift whose price changed
	From   Coins  `json:"from"`   // previous price of one gift in coins
	To     Coins  `json:"to"`     // new price of one gift in coins
	Reason string `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (GiftRepriced) Type() string         { return "gift.repriced.v1" }
func (e GiftRepriced) Stream() Stream     { return giftStream(e.Gift) }
func (e GiftRepriced) evolve(g Gift) Gift { g.Price = e.To; return g }

// WithdrawGift removes a gift from the gift catalogue: the gift can no longer be sent.
type WithdrawGift struct {
	Gift   GiftID `json:"gift"`   // the gift to withdraw
	Reason string `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (WithdrawGift) Type() string { return "gift.withdraw" }

func (c WithdrawGift) Reads(Actor) []Stream { return []Stream{giftStream(c.Gift)} }

func (c WithdrawGift) decide(view View) ([]Event, error) {
	switch gift := view.Gift(c.Gift); {
	case gift.Name == "":
		return nil, refuse(CodeGiftNotFound, "there is no gift %d", c.Gift)
	case !gift.Available:
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{GiftWithdrawn{c.Gift, reason}}, nil
}

// GiftWithdrawn records that a gift can no longer be sent.
type GiftWithdrawn struct {
	Gift   GiftID `json:"gift"`   // the gift that was withdrawn
	Reason string `json:"reason"` // the operator's reason; not sealed; may be empty
}

func (GiftWithdrawn) Type() string       { return "gift.withdrawn.v1" }
func (e GiftWithdrawn) Stream() Stream   { return giftStream(e.Gift) }
func (GiftWithdrawn) evolve(g Gift) Gift { g.Available = false; return g }

// maxGiftNum is the maximum number of gifts in one command. It limits the cost of a mistyped number.
const maxGiftNum = 9999

// SendGift sends gifts to a live and pays for them with coins from the wallet of the actor.
type SendGift struct {
	Live LiveID `json:"live"` // the live that receives the gifts
	Gift GiftID `json:"gift"` // the gift to send
	Num  int    `json:"num"`  // number of gifts: 1–9999
}

func (SendGift) Type() string { return "gift.send" }

func (c SendGift) Reads(actor Actor) []Stream {
	return []Stream{liveStream(c.Live), giftStream(c.Gift), visitStream(c.Live, actor.User), FollowsStream(actor.User), WalletStream(actor.User), shareStream, coinHoldsStream}
}

func (c SendGift) decide(view View) ([]Event, error) {
	if c.Num < 1 || c.Num > maxGiftNum {
		return nil, refuse(CodeNumberOutOfRange, "num must be from 1 to %d", maxGiftNum)
	}
	live, err := view.openLive(c.Live)
	if err != nil {
		return nil, err
	}
	gift := view.Gift(c.Gift)
	if !gift.Available {
		return nil, refuse(CodeGiftNotFound, "there is no gift %d", c.Gift)
	}
	sender := view.Actor.User
	if err := view.coinsOpen(sender); err != nil {
		return nil, err
	}
	wallet := view.Wallet(sender)
	if wallet.Balance/gift.Price < Coins(c.Num) { // unlike a multiplication, the division cannot overflow
		return nil, refuse(CodeCoinsTooFew, "%d gifts cost more than the %d coins left", c.Num, wallet.Balance)
	}
	cost, rule := gift.Price*Coins(c.Num), view.Share()
	share := ShareOf(cost, rule.BasisPoints)
	return []Event{GiftSent{
		Sender: sender, Streamer: live.Streamer, Live: c.Live,
		Gift: c.Gift, Name: gift.Name, Image: gift.Image, Price: gift.Price, Num: c.Num,
		Coins: cost, ShareRule: rule.Rule, BasisPoints: rule.BasisPoints, Share: share, BalanceAfter: wallet.Balance - cost,
		Postings: split(cost, share, sender, live.Streamer),
	}}, nil
}

// GiftSent records that gifts were sent and paid for. This one event is both the debit and the credit.
type GiftSent struct {
	Sender       UserID    `json:"sender"`        // the user who sent the gifts and paid for them
	Streamer     UserID    `json:"streamer"`      // the owner of the live, who receives the coins as earnings
	Live         LiveID    `json:"live"`          // the live that received the gifts
	Gift         GiftID    `json:"gift"`          // the gift that was sent
	Name         string    `json:"name"`          // name of the gift when it was sent
	Image        string    `json:"image"`         // image of the gift when it was sent
	Price        Coins     `json:"price"`         // price of one gift when it was sent
	Num          int       `json:"num"`           // number of gifts
	Coins        Coins     `json:"coins"`         // total price in coins: price × num
	ShareRule    int64     `json:"share_rule"`    // number of the rule that splits the coins; 0: no rule was set
	BasisPoints  int       `json:"basis_points"`  // share of the platform by the rule, in hundredths of a percent
	Share        Coins     `json:"share"`         // coins of the platform: coins × basis_points / 10,000, rounded down
	BalanceAfter Coins     `json:"balance_after"` // balance of the sender's wallet after the event
	Postings     []Posting `json:"postings"`      // postings from the sender's wallet to the streamer's earnings, and to the platform unless its share is 0
}

func (GiftSent) Type() string { return "gift.sent.v2" }

// Stream returns the wallet stream of the sender, because the balance of that wallet is the only state that the event
// changes.
func (e GiftSent) Stream() Stream { return WalletStream(e.Sender) }

func (e GiftSent) EventLive() LiveID        { return e.Live }
func (e GiftSent) EventUser() UserID        { return e.Sender }
func (e GiftSent) EventPostings() []Posting { return e.Postings }
func (e GiftSent) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e GiftSent) check(w Wallet) error     { return w.checkBalance(-e.Coins, e.BalanceAfter) }

func (e GiftSent) checkPostings() error {
	if e.Price < 1 || e.Num < 1 || e.Coins%e.Price != 0 || e.Coins/e.Price != Coins(e.Num) {
		return fmt.Errorf("%d gifts for %d coins each do not cost %d", e.Num, e.Price, e.Coins)
	}
	if e.BasisPoints < 0 || e.BasisPoints > MaxShare || e.Share != ShareOf(e.Coins, e.BasisPoints) {
		return fmt.Errorf("the share of %d coins with %d basis points is not %d", e.Coins, e.BasisPoints, e.Share)
	}
	return checkSplit(e.Postings, split(e.Coins, e.Share, e.Sender, e.Streamer), e.BalanceAfter)
}

// GiftRecord is the part of a sent gift that refunds read.
type GiftRecord struct {
	Refunded bool `json:"refunded"`
}

// giftRecordStream returns the stream of a gift that was sent, given by the position of its event.
func giftRecordStream(position int64) Stream { return numberedStream("giftrecord-", position) }

// Earnings is the state of what was taken from the earnings of a streamer. The coins that gifts and tickets add do not
// belong to this stream: a decision that takes coins gets their sum from the tables. The sum only grows, so an outdated
// one permits less than the balance, never more.
type Earnings struct {
	Taken   Coins `json:"taken"`              // coins that were taken from the earnings, less those that corrections have added
	Held    Coins `json:"held,omitempty"`     // the part of Taken that is held for payouts
	PaidOut Coins `json:"paid_out,omitempty"` // the part of Taken that was paid out

	Refund EarningsRefund `json:"refund,omitzero"` // the newest refund of a gift, with which gift.refunded is compared
}

// EarningsRefund contains the coins that the refund of a gift has taken from earnings.
type EarningsRefund struct {
	Position int64 `json:"position"` // position of the event of the gift; 0 if no gift was refunded
	Coins    Coins `json:"coins"`
}

// EarningsStream returns the stream of the coins that are taken from the earnings of a streamer.
func EarningsStream(id UserID) Stream { return numberedStream("earnings-", int64(id)) }

// Earnings returns the state of the earnings of a streamer.
func (v View) Earnings(id UserID) Earnings { return look[Earnings](v, EarningsStream(id)) }

// checkEarnings returns a *Refusal unless the earnings of a streamer cover coins. received is the number of coins that
// gifts and tickets have added to them.
func (v View) checkEarnings(streamer UserID, received, coins Coins) error {
	earnings := v.Earnings(streamer)
	left := max(received-earnings.Taken, 0)
	if left >= coins {
		return nil
	}
	reason := ""
	if earnings.Held != 0 || earnings.PaidOut != 0 {
		reason = fmt.Sprintf(": %d are held for payouts and %d were paid out; void a payout, or correct the earnings first", earnings.Held, earnings.PaidOut)
	}
	return refuse(CodeEarningsTooFew, "%d coins are more than the %d coins of earnings that user %d has left%s", coins, left, streamer, reason)
}

// SentGift is a gift that was sent, as the tables describe it. Position is that of its event; 0 if there is none.
type SentGift struct {
	Position int64
	Live     LiveID
	Streamer UserID
	Sender   UserID
	Gift     GiftID
	Num      int
	Coins    Coins
	Share    Coins // the platform's share of the coins
}

// RefundGift gives the coins of a gift back to its sender. A gift is refunded once and as a whole. The command is refused
// if the earnings of the streamer no longer cover the gift.
type RefundGift struct {
	Position int64  `json:"position"` // position of the event of the gift
	Reason   string `json:"reason"`   // the reason of the streamer or operator, stored in the event: 1–100 characters; must not identify a person

	Sent     SentGift `json:"-"` // record of the gift at Position, which the caller has read from the tables
	Received Coins    `json:"-"` // number of coins that gifts and tickets have added to the earnings of the streamer
}

func (RefundGift) Type() string { return "gift.refund" }

func (c RefundGift) Reads(Actor) []Stream {
	return []Stream{
		giftRecordStream(c.Position), liveStream(c.Sent.Live), EarningsStream(c.Sent.Streamer), WalletStream(c.Sent.Sender),
		userStream(c.Sent.Sender), coinHoldsStream,
	}
}

func (c RefundGift) decide(view View) ([]Event, error) {
	gift := c.Sent
	if c.Position < 1 || gift.Position != c.Position {
		return nil, refuse(CodeGiftRecordNotFound, "no gift was sent at position %d", c.Position)
	}
	if err := view.checkOwner(view.Live(gift.Live), gift.Live); err != nil {
		return nil, err
	}
	if view.Actor.User != 0 && view.Actor.User == gift.Sender && view.Actor.User != gift.Streamer {
		return nil, refuse(CodeForbidden, "operators may not refund gifts that they have sent: ask the streamer or another operator")
	}
	if _, err := view.existingUser(gift.Sender); err != nil { // nobody could use the coins
		return nil, err
	}
	reason, err := text("reason", c.Reason, 1, MaxReason)
	if err != nil {
		return nil, err
	}
	if look[GiftRecord](view, giftRecordStream(c.Position)).Refunded {
		return nil, refuse(CodeGiftRefunded, "the gift at position %d was refunded before", c.Position)
	}
	for _, user := range []UserID{gift.Sender, gift.Streamer} {
		if err := view.coinsOpen(user); err != nil {
			return nil, err
		}
	}
	if err := view.checkEarnings(gift.Streamer, c.Received, gift.Coins-gift.Share); err != nil {
		return nil, err
	}
	wallet := view.Wallet(gift.Sender)
	if wallet.Balance > MaxCoins-gift.Coins {
		return nil, refuse(CodeCoinsOverflow, "a wallet must hold at most %d coins", MaxCoins)
	}
	return []Event{
		GiftRecordRefunded{gift.Position},
		EarningsRefunded{gift.Streamer, gift.Position, gift.Coins - gift.Share},
		GiftRefunded{
			Sender: gift.Sender, Streamer: gift.Streamer, Live: gift.Live, Gift: gift.Gift, Num: gift.Num, Position: gift.Position,
			Coins: gift.Coins, Share: gift.Share, BalanceAfter: wallet.Balance + gift.Coins, Reason: reason,
			Postings: unsplit(gift.Coins, gift.Share, gift.Sender, gift.Streamer),
		},
	}, nil
}

// GiftRecordRefunded records that a gift cannot be refunded again. The command that appends it also appends
// EarningsRefunded and GiftRefunded.
type GiftRecordRefunded struct {
	Position int64 `json:"position"` // position of the event of the gift
}

func (GiftRecordRefunded) Type() string                 { return "gift_record.refunded.v1" }
func (e GiftRecordRefunded) Stream() Stream             { return giftRecordStream(e.Position) }
func (GiftRecordRefunded) evolve(GiftRecord) GiftRecord { return GiftRecord{Refunded: true} }

// EarningsRefunded records that a refund takes coins from the earnings of a streamer. GiftRefunded moves them.
type EarningsRefunded struct {
	Streamer UserID `json:"streamer"` // the user whose earnings become smaller
	Position int64  `json:"position"` // position of the event of the gift
	Coins    Coins  `json:"coins"`    // number of coins
}

func (EarningsRefunded) Type() string        { return "earnings.refunded.v1" }
func (e EarningsRefunded) Stream() Stream    { return EarningsStream(e.Streamer) }
func (e EarningsRefunded) EventUser() UserID { return e.Streamer }
func (e EarningsRefunded) evolve(s Earnings) Earnings {
	s.Taken, s.Refund = s.Taken+e.Coins, EarningsRefund{e.Position, e.Coins}
	return s
}

// GiftRefunded records that the coins of a gift went back to its sender.
type GiftRefunded struct {
	Sender       UserID    `json:"sender"`        // the user who sent the gift and gets the coins
	Streamer     UserID    `json:"streamer"`      // the owner of the live, whose earnings become smaller
	Live         LiveID    `json:"live"`          // the live that received the gift
	Gift         GiftID    `json:"gift"`          // the gift that was sent
	Num          int       `json:"num"`           // number of gifts
	Position     int64     `json:"position"`      // position of the event of the gift
	Coins        Coins     `json:"coins"`         // total price that is refunded, in coins
	Share        Coins     `json:"share"`         // the platform's share of the coins, which it gives back
	BalanceAfter Coins     `json:"balance_after"` // balance of the sender's wallet after the event
	Reason       string    `json:"reason"`        // the reason of the streamer or operator; not sealed
	Postings     []Posting `json:"postings"`      // the postings of the gift in the other direction
}

func (GiftRefunded) Type() string               { return "gift.refunded.v2" }
func (e GiftRefunded) Stream() Stream           { return WalletStream(e.Sender) }
func (e GiftRefunded) EventLive() LiveID        { return e.Live }
func (e GiftRefunded) EventUser() UserID        { return e.Sender }
func (e GiftRefunded) EventPostings() []Posting { return e.Postings }
func (e GiftRefunded) evolve(w Wallet) Wallet   { w.Balance = e.BalanceAfter; return w }
func (e GiftRefunded) check(w Wallet) error     { return w.checkBalance(e.Coins, e.BalanceAfter) }

func (e GiftRefunded) checkPostings() error {
	if e.Position < 1 || e.Num < 1 {
		return fmt.Errorf("the event refunds %d gifts of position %d", e.Num, e.Position)
	}
	if e.Share < 0 || e.Share >= e.Coins {
		return fmt.Errorf("%d of %d coins cannot be the share of the platform", e.Share, e.Coins)
	}
	return checkSplit(e.Postings, unsplit(e.Coins, e.Share, e.Sender, e.Streamer), e.BalanceAfter)
}
