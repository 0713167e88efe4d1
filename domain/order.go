package domain

// Order is a top-up order: what it is for, and whether it was paid.
type Order struct {
	User  UserID `json:"user"` // 0: there is no such order
	Price int64  `json:"price"`
	Coins Coins  `json:"coins"`
	Paid  bool   `json:"paid"`
}

// Bounds of an order.
const (
	maxOrderID    = 64
	maxOrderPrice = 1_000_000
	maxOrderCoins = Coins(1_000_000_000_000)
)

// PlaceOrder asks to buy coins for oneself.
type PlaceOrder struct {
	Price int64   `json:"price"` // in the payment provider's unit
	Coins Coins   `json:"-"`     // what the door's rate makes of the price
	Order OrderID `json:"-"`     // drawn at random by the door
}

// Type implements Command.
func (PlaceOrder) Type() string { return "order.place" }

// Reads implements Command.
func (c PlaceOrder) Reads(Actor) []Stream { return []Stream{orderOf(c.Order)} }

func (c PlaceOrder) decide(see View) ([]Event, error) {
	if c.Price < 1 || c.Price > maxOrderPrice {
		return nil, refuse(CodeNumberOutOfRange, "a price is between 1 and %d", maxOrderPrice)
	}
	if err := orderCoins(c.Order, c.Coins); err != nil {
		return nil, err
	}
	if see.Order(c.Order).User != 0 {
		return nil, refuse(CodeOrderMismatch, "order %s exists already", c.Order)
	}
	return []Event{OrderPlaced{c.Order, see.Actor.User, c.Price, c.Coins, ""}}, nil
}

func orderCoins(id OrderID, c Coins) error {
	if _, err := text("order", string(id), 1, maxOrderID); err != nil {
		return err
	}
	if c < 1 || c > maxOrderCoins {
		return refuse(CodeNumberOutOfRange, "an order is for 1 to %d coins", maxOrderCoins)
	}
	return nil
}

// OrderPlaced says that somebody means to buy coins.
type OrderPlaced struct {
	Order  OrderID `json:"order"`
	User   UserID  `json:"user"`
	Price  int64   `json:"price"`  // in the payment provider's unit; 0 for an operator's order
	Coins  Coins   `json:"coins"`  // what it buys
	Reason string  `json:"reason"` // why, for an operator's order; may be empty
}

// Type implements Event.
func (OrderPlaced) Type() string { return "order.placed.v1" }

// Stream implements Event.
func (e OrderPlaced) Stream() Stream { return orderOf(e.Order) }

// EventUser implements UserEvent.
func (e OrderPlaced) EventUser() UserID { return e.User }

func (e OrderPlaced) evolve(Order) Order { return Order{User: e.User, Price: e.Price, Coins: e.Coins} }

// PayOrder says that the payment provider has the money for an order. Paying the same order again
// changes nothing; another user or price than the order's is refused.
type PayOrder struct {
	Order OrderID `json:"order"`
	User  UserID  `json:"user"`
	Price int64   `json:"price"` // in the payment provider's unit
}

// Type implements Command.
func (PayOrder) Type() string { return "order.pay" }

// Reads implements Command.
func (c PayOrder) Reads(Actor) []Stream { return []Stream{orderOf(c.Order), walletOf(c.User)} }

func (c PayOrder) decide(see View) ([]Event, error) {
	order := see.Order(c.Order)
	switch {
	case order.User == 0:
		return nil, refuse(CodeOrderNotFound, "there is no such order")
	case order.User != c.User || order.Price != c.Price:
		return nil, refuse(CodeOrderMismatch, "order %s is for another user or amount", c.Order)
	}
	return order.pay(c.Order, see)
}

// pay answers what follows from the money for o: the order is paid and its coins arrive, once.
func (o Order) pay(id OrderID, see View) ([]Event, error) {
	if o.Paid {
		return nil, nil
	}
	wallet := see.Wallet(o.User)
	if wallet.Balance > MaxCoins-o.Coins {
		return nil, refuse(CodeCoinsOverflow, "a wallet holds %d coins at most", MaxCoins)
	}
	return []Event{
		OrderPaid{id, o.User, o.Price},
		CoinsCredited{
			User: o.User, Order: id, Coins: o.Coins, BalanceAfter: wallet.Balance + o.Coins,
			Postings: move(o.Coins, ProviderAccount, WalletAccount(o.User)),
		},
	}, nil
}

// OrderPaid says that the money for an order is there. The coins follow in the same command.
type OrderPaid struct {
	Order OrderID `json:"order"`
	User  UserID  `json:"user"`
	Price int64   `json:"price"` // in the payment provider's unit
}

// Type implements Event.
func (OrderPaid) Type() string { return "order.paid.v1" }

// Stream implements Event.
func (e OrderPaid) Stream() Stream { return orderOf(e.Order) }

// EventUser implements UserEvent.
func (e OrderPaid) EventUser() UserID { return e.User }

func (OrderPaid) evolve(o Order) Order { o.Paid = true; return o }

// CreditCoins asks an operator's way for a paid order: placed, paid and credited at once. The same
// order, user and amount again changes nothing; anything else under that order is refused.
type CreditCoins struct {
	Order  OrderID `json:"order"`
	User   UserID  `json:"user"`
	Coins  Coins   `json:"coins"`  // 1 to 1,000,000,000,000
	Reason string  `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (CreditCoins) Type() string { return "coins.credit" }

// Reads implements Command.
func (c CreditCoins) Reads(Actor) []Stream {
	return []Stream{orderOf(c.Order), userOf(c.User), walletOf(c.User)}
}

func (c CreditCoins) decide(see View) ([]Event, error) {
	if err := orderCoins(c.Order, c.Coins); err != nil {
		return nil, err
	}
	if _, err := see.existingUser(c.User); err != nil {
		return nil, err
	}
	order := see.Order(c.Order)
	if order.User != 0 {
		if order.User != c.User || order.Coins != c.Coins || !order.Paid {
			return nil, refuse(CodeOrderMismatch, "order %s exists with another user, amount or way of paying", c.Order)
		}
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	placed := OrderPlaced{c.Order, c.User, 0, c.Coins, reason}
	follows, err := placed.evolve(order).pay(c.Order, see)
	if err != nil {
		return nil, err
	}
	return append([]Event{placed}, follows...), nil
}

func (e *OrderPlaced) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }
