package domain

import "slices"

// coinHoldsStream is the stream of the closings of coins.
const coinHoldsStream Stream = "coins"

// CoinHolds is the state of the closings of coins: the events that cannot be applied, and whose coins they close.
type CoinHolds struct {
	Holds []CoinHold `json:"holds,omitempty"`
}

// CoinHold is one event that closes coins.
type CoinHold struct {
	Position int64    `json:"position"`
	Users    []UserID `json:"users,omitempty"`
	All      bool     `json:"all,omitempty"`
}

// CoinHolds returns the closings of coins.
func (v View) CoinHolds() CoinHolds { return look[CoinHolds](v, coinHoldsStream) }

// of returns the hold of the event at position, or the zero CoinHold.
func (h CoinHolds) of(position int64) CoinHold {
	for _, hold := range h.Holds {
		if hold.Position == position {
			return hold
		}
	}
	return CoinHold{}
}

// coinsOpen returns nil if the coins of a user may be moved, and otherwise a refusal with CodeCoinsClosed. User 0 stands
// for what concerns all users, like prices.
func (v View) coinsOpen(user UserID) error {
	for _, hold := range v.CoinHolds().Holds {
		if hold.All || slices.Contains(hold.Users, user) {
			return CoinsClosedRefusal()
		}
	}
	return nil
}

// CoinsClosedRefusal returns the refusal of a command about coins that are closed.
func CoinsClosedRefusal() *Refusal {
	return &Refusal{CodeCoinsClosed, "coins are closed while an event about them is examined: try again later"}
}

// ConcernsCoins reports whether decisions about coins read the state of s: a wallet, an order, a gift or the closings of
// coins. A command is refused with CodeCoinsClosed if such a state cannot be loaded.
func ConcernsCoins(s Stream) bool {
	switch s.Prefix() {
	case "wallet", "order", "gift", coinHoldsStream.Prefix():
		return true
	}
	return false
}

// maxCause is the maximum length of a cause in bytes.
const maxCause = 500

// CloseCoins closes the coins that an event concerns which cannot be applied. Nothing changes if they are closed
// because of this event already.
type CloseCoins struct {
	Position int64    `json:"position"` // of the event
	Users    []UserID `json:"users"`    // whose coins it concerns
	All      bool     `json:"all"`      // it may concern the coins of everybody
	Cause    string   `json:"cause"`    // why the event cannot be applied: at most 500 bytes
}

func (CloseCoins) Type() string { return "coins.close" }

func (CloseCoins) Reads(Actor) []Stream { return []Stream{coinHoldsStream} }

func (c CloseCoins) decide(view View) ([]Event, error) {
	if c.Position < 1 || len(c.Cause) > maxCause {
		return nil, refuse(CodeNumberOutOfRange, "position must be at least 1 and cause have at most %d bytes", maxCause)
	}
	if err := checkReadable("cause", c.Cause); err != nil {
		return nil, err
	}
	known := view.CoinHolds().of(c.Position)
	users := slices.DeleteFunc(slices.Clone(c.Users), func(u UserID) bool { return slices.Contains(known.Users, u) })
	all := c.All && !known.All
	if len(users) == 0 && !all {
		return nil, nil
	}
	return []Event{CoinsClosed{c.Position, users, all, c.Cause}}, nil
}

// CoinsClosed records that an event cannot be applied, and whose coins are closed therefore.
type CoinsClosed struct {
	Position int64    `json:"position"` // of the event that cannot be applied
	Users    []UserID `json:"users"`    // whose coins are closed
	All      bool     `json:"all"`      // the coins of everybody are closed
	Cause    string   `json:"cause"`    // why the event cannot be applied
}

func (CoinsClosed) Type() string   { return "coins.closed.v1" }
func (CoinsClosed) Stream() Stream { return coinHoldsStream }

func (e CoinsClosed) evolve(h CoinHolds) CoinHolds {
	hold := h.of(e.Position)
	hold.Position, hold.All = e.Position, hold.All || e.All
	hold.Users = append(slices.Clone(hold.Users), e.Users...)
	return CoinHolds{append(h.without(e.Position), hold)}
}

// without returns a copy of the holds without the one of the event at position.
func (h CoinHolds) without(position int64) []CoinHold {
	var others []CoinHold
	for _, hold := range h.Holds {
		if hold.Position != position {
			others = append(others, hold)
		}
	}
	return others
}

// OpenCoins opens the coins that the event at a position has closed, when the tables have applied everything that
// waited for them. Nothing changes if the event closes no coins.
type OpenCoins struct {
	Position int64 `json:"position"` // of the event that closed the coins
}

func (OpenCoins) Type() string { return "coins.open" }

func (OpenCoins) Reads(Actor) []Stream { return []Stream{coinHoldsStream} }

func (c OpenCoins) decide(view View) ([]Event, error) {
	if view.CoinHolds().of(c.Position).Position == 0 {
		return nil, nil
	}
	return []Event{CoinsOpened(c)}, nil
}

// CoinsOpened records that the coins that an event had closed are open again.
type CoinsOpened struct {
	Position int64 `json:"position"` // of the event that closed the coins
}

func (CoinsOpened) Type() string                   { return "coins.opened.v1" }
func (CoinsOpened) Stream() Stream                 { return coinHoldsStream }
func (e CoinsOpened) evolve(h CoinHolds) CoinHolds { return CoinHolds{h.without(e.Position)} }

// SetAside is the state of the decision about one event.
type SetAside struct {
	Done bool `json:"done"` // the event has no effect
}

func setAsideStream(position int64) Stream { return numberedStream("setaside-", position) }

// SetEventAside decides that an event that cannot be applied has no effect. Nothing changes if that is decided already.
// The caller has checked that the event is in table poison.
type SetEventAside struct {
	Position  int64  `json:"position"` // of the event that has no effect
	Of        Stream `json:"stream"`   // the stream of the event
	EventType string `json:"type"`     // the type of the event
	Reason    string `json:"reason"`   // stored in the event: 1–100 characters
}

func (SetEventAside) Type() string { return "event.set_aside" }

func (c SetEventAside) Reads(Actor) []Stream { return []Stream{setAsideStream(c.Position)} }

func (c SetEventAside) decide(view View) ([]Event, error) {
	reason, err := text("reason", c.Reason, 1, maxReason)
	switch {
	case err != nil:
		return nil, err
	case c.Position < 1:
		return nil, refuse(CodeNumberOutOfRange, "position must be at least 1")
	case look[SetAside](view, setAsideStream(c.Position)).Done:
		return nil, nil
	}
	return []Event{EventSetAside{c.Position, c.Of, c.EventType, reason}}, nil
}

func (c SetEventAside) serverTexts() []string { return []string{string(c.Of), c.EventType} }

// EventSetAside records that an event that cannot be applied has no effect: on no table, and on no state.
type EventSetAside struct {
	Position  int64  `json:"position"` // of the event that has no effect
	Of        Stream `json:"stream"`   // its stream
	EventType string `json:"type"`     // its type
	Reason    string `json:"reason"`   // why, not sealed
}

func (EventSetAside) Type() string             { return "event.set_aside.v1" }
func (e EventSetAside) Stream() Stream         { return setAsideStream(e.Position) }
func (EventSetAside) evolve(SetAside) SetAside { return SetAside{Done: true} }
