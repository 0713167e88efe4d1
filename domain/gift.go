package domain

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
