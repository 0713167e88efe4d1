package domain

// Gift is what a decision needs of one entry of the shelf. It holds no person's text.
type Gift struct {
	Name      string `json:"name"` // "": there is no such gift
	Image     string `json:"image"`
	Price     Coins  `json:"price"`
	Available bool   `json:"available"`
}

// maxPrice bounds the price of one gift.
const maxPrice Coins = 1_000_000_000

func price(c Coins) error {
	if c < 1 || c > maxPrice {
		return refuse(CodeNumberOutOfRange, "a price is between 1 and %d coins", maxPrice)
	}
	return nil
}

// AddGift asks to put a new gift on the shelf.
type AddGift struct {
	Name  string `json:"name"`  // 1–32 characters
	Price Coins  `json:"price"` // of one: 1 to 1,000,000,000 coins
	Image string `json:"image"` // the address of a picture; may be empty
}

// Type implements Command.
func (AddGift) Type() string { return "gift.add" }

// Reads implements Command.
func (AddGift) Reads(Actor) []Stream { return []Stream{nextGift} }

func (c AddGift) decide(see View) ([]Event, error) {
	name, err := text("name", c.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	if err := optionalAddress("image", c.Image); err != nil {
		return nil, err
	}
	if err := price(c.Price); err != nil {
		return nil, err
	}
	return []Event{GiftAdded{see.NextGift(), name, c.Image, c.Price}}, nil
}

// GiftAdded says that a gift can be bought from now on, at this price.
type GiftAdded struct {
	Gift  GiftID `json:"gift"`
	Name  string `json:"name"`  // what it is called
	Image string `json:"image"` // the address of a picture; may be empty
	Price Coins  `json:"price"` // of one
}

// Type implements Event.
func (GiftAdded) Type() string { return "gift.added.v1" }

// Stream implements Event.
func (e GiftAdded) Stream() Stream { return giftOf(e.Gift) }

func (e GiftAdded) number() int64 { return int64(e.Gift) }

func (e GiftAdded) evolve(Gift) Gift { return Gift{e.Name, e.Image, e.Price, true} }

// RepriceGift asks for another price of a gift.
type RepriceGift struct {
	Gift   GiftID `json:"gift"`
	Price  Coins  `json:"price"`  // of one: 1 to 1,000,000,000 coins
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (RepriceGift) Type() string { return "gift.reprice" }

// Reads implements Command.
func (c RepriceGift) Reads(Actor) []Stream { return []Stream{giftOf(c.Gift)} }

func (c RepriceGift) decide(see View) ([]Event, error) {
	gift := see.Gift(c.Gift)
	if !gift.Available {
		return nil, refuse(CodeGiftNotFound, "there is no gift %d on the shelf", c.Gift)
	}
	if err := price(c.Price); err != nil {
		return nil, err
	}
	if gift.Price == c.Price {
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{GiftRepriced{c.Gift, gift.Price, c.Price, reason}}, nil
}

// GiftRepriced says that a gift costs this from now on.
type GiftRepriced struct {
	Gift   GiftID `json:"gift"`
	From   Coins  `json:"from"`   // what one cost
	To     Coins  `json:"to"`     // what one costs
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (GiftRepriced) Type() string { return "gift.repriced.v1" }

// Stream implements Event.
func (e GiftRepriced) Stream() Stream { return giftOf(e.Gift) }

func (e GiftRepriced) evolve(g Gift) Gift { g.Price = e.To; return g }

// WithdrawGift asks to take a gift off the shelf.
type WithdrawGift struct {
	Gift   GiftID `json:"gift"`
	Reason string `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (WithdrawGift) Type() string { return "gift.withdraw" }

// Reads implements Command.
func (c WithdrawGift) Reads(Actor) []Stream { return []Stream{giftOf(c.Gift)} }

func (c WithdrawGift) decide(see View) ([]Event, error) {
	switch gift := see.Gift(c.Gift); {
	case gift.Name == "":
		return nil, refuse(CodeGiftNotFound, "there is no gift %d", c.Gift)
	case !gift.Available:
		return nil, nil
	}
	var err error
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{GiftWithdrawn(c)}, nil
}

// GiftWithdrawn says that a gift cannot be bought any more.
type GiftWithdrawn struct {
	Gift   GiftID `json:"gift"`
	Reason string `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (GiftWithdrawn) Type() string { return "gift.withdrawn.v1" }

// Stream implements Event.
func (e GiftWithdrawn) Stream() Stream { return giftOf(e.Gift) }

func (GiftWithdrawn) evolve(g Gift) Gift { g.Available = false; return g }
