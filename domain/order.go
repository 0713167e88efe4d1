package domain

// Order is the state of an order of coins.
type Order struct {
	User  UserID `json:"user"` // the user who placed the order; 0 if the order does not exist
	Price int64  `json:"price"`
	Coins Coins  `json:"coins"`
	Paid  bool   `json:"paid"`
}

// Order returns the state of an order.
func (v View) Order(id OrderID) Order { return look[Order](v, orderStream(id)) }

// Bounds of the fields of an order.
const (
	maxOrderID    = 64 // maximum length in characters
	maxOrderPrice = 1_000_000
	maxOrderCoins = Coins(1_000_000_000_000)
)

func checkOrder(id OrderID, c Coins) error {
	if _, err := text("order", string(id), 1, maxOrderID); err != nil {
		return err
	}
	if c < 1 || c > maxOrderCoins {
		return refuse(CodeNumberOutOfRange, "an order must be for 1 to %d coins", maxOrderCoins)
	}
	return nil
}

// PlaceOrder places an order of coins for the actor.
type PlaceOrder struct {
	Price int64   `json:"price"` // price in the payment provider's unit: 1 to 1,000,000
	Coins Coins   `json:"-"`     // number of coins that the server computes: the price times the coins per unit
	Order OrderID `json:"-"`     // random id of the order
}

func (PlaceOrder) Type() string { return "order.place" }

func (c PlaceOrder) Reads(Actor) []Stream { return []Stream{orderStream(c.Order), coinHoldsStream} }

func (c PlaceOrder) decide(view View) ([]Event, error) {
	if c.Price < 1 || c.Price > maxOrderPrice {
		return nil, refuse(CodeNumberOutOfRange, "price must be from 1 to %d", maxOrderPrice)
	}
	if err := checkOrder(c.Order, c.Coins); err != nil {
		return nil, err
	}
	if view.Order(c.Order).User != 0 {
		return nil, refuse(CodeOrderMismatch, "order %s exists already", c.Order)
	}
	if err := view.coinsOpen(view.Actor.User); err != nil { // a user must not pay for coins that could not be credited
		return nil, err
	}
	return []Event{OrderPlaced{c.Order, view.Actor.User, c.Price, c.Coins, ""}}, nil
}

// OrderPlaced records an order of coins that has not been paid.
type OrderPlaced struct {
	Order  OrderID `json:"order"`  // the new order
	User   UserID  `json:"user"`   // the user who receives the coins
	Price  int64   `json:"price"`  // price in the payment provider's unit; 0 if an operator placed the order
	Coins  Coins   `json:"coins"`  // number of coins
	Reason string  `json:"reason"` // the operator's reason; may be empty
}

func (OrderPlaced) Type() string                     { return "order.placed.v1" }
func (e OrderPlaced) Stream() Stream                 { return orderStream(e.Order) }
func (e OrderPlaced) EventUser() UserID              { return e.User }
func (e OrderPlaced) evolve(Order) Order             { return Order{User: e.User, Price: e.Price, Coins: e.Coins} }
func (e *OrderPlaced) personal() (UserID, []*string) { return e.User, []*string{&e.Reason} }

// PayOrder records the payment of an order and credits its coins. Nothing changes if the order is already paid. The
// command is refused if its user or price is not the one of the order.
type PayOrder struct {
	Order OrderID `json:"order"` // the order that is paid
	User  UserID  `json:"user"`  // the user who placed the order
	Price int64   `json:"price"` // the paid price in the payment provider's unit
}

func (PayOrder) Type() string { return "order.pay" }

func (c PayOrder) Reads(Actor) []Stream {
	return []Stream{orderStream(c.Order), WalletStream(c.User), coinHoldsStream}
}

func (c PayOrder) decide(view View) ([]Event, error) {
	order := view.Order(c.Order)
	switch {
	case order.User == 0:
		return nil, refuse(CodeOrderNotFound, "there is no such order")
	case order.User != c.User || order.Price != c.Price:
		return nil, refuse(CodeOrderMismatch, "order %s is for another user or price", c.Order)
	}
	return view.creditOrder(c.Order, order, ProviderAccount)
}

// creditOrder returns the events that pay an order and credit its coins from an account. It returns no events if the order is already
// paid.
func (v View) creditOrder(id OrderID, order Order, from Account) ([]Event, error) {
	if order.Paid {
		return nil, nil
	}
	if err := v.coinsOpen(order.User); err != nil {
		return nil, err
	}
	wallet := v.Wallet(order.User)
	if wallet.Balance > MaxCoins-order.Coins {
		return nil, refuse(CodeCoinsOverflow, "a wallet must hold at most %d coins", MaxCoins)
	}
	return []Event{
		OrderPaid{id, order.User, order.Price},
		CoinsCredited{
			User: order.User, Order: id, Coins: order.Coins, BalanceAfter: wallet.Balance + order.Coins,
			Postings: transfer(order.Coins, from, WalletAccount(order.User)),
		},
	}, nil
}

// OrderPaid records the payment of an order. The command that appends it also appends CoinsCredited.
type OrderPaid struct {
	Order OrderID `json:"order"` // the order that was paid
	User  UserID  `json:"user"`  // the user who receives the coins
	Price int64   `json:"price"` // the paid price in the payment provider's unit
}

func (OrderPaid) Type() string         { return "order.paid.v1" }
func (e OrderPaid) Stream() Stream     { return orderStream(e.Order) }
func (e OrderPaid) EventUser() UserID  { return e.User }
func (OrderPaid) evolve(o Order) Order { o.Paid = true; return o }

// CreditCoins places, pays and credits an order in one command. Nothing changes if the same order was already credited
// for the same user and number of coins. The command is refused if the order exists with another user or number of
// coins.
type CreditCoins struct {
	Order  OrderID `json:"order"`  // id for the order, chosen by the operator: 1–64 characters
	User   UserID  `json:"user"`   // the user who receives the coins
	Coins  Coins   `json:"coins"`  // number of coins: 1 to 1,000,000,000,000
	Reason string  `json:"reason"` // the operator's reason, stored in the event: at most 100 characters, may be empty
}

func (CreditCoins) Type() string { return "coins.credit" }

func (c CreditCoins) Reads(Actor) []Stream {
	return []Stream{orderStream(c.Order), userStream(c.User), WalletStream(c.User), coinHoldsStream}
}

func (c CreditCoins) decide(view View) ([]Event, error) {
	if err := checkOrder(c.Order, c.Coins); err != nil {
		return nil, err
	}
	if _, err := view.existingUser(c.User); err != nil {
		return nil, err
	}
	order := view.Order(c.Order)
	if order.User != 0 {
		if order.User != c.User || order.Coins != c.Coins || !order.Paid {
			return nil, refuse(CodeOrderMismatch, "order %s exists with another user, number of coins or payment", c.Order)
		}
		return nil, nil
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	placed := OrderPlaced{c.Order, c.User, 0, c.Coins, reason}
	credited, err := view.creditOrder(c.Order, placed.evolve(order), OperatorAccount)
	if err != nil {
		return nil, err
	}
	return append([]Event{placed}, credited...), nil
}
