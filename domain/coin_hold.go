package domain

import "slices"

// coinHoldsStream is the stream of the events that close and open coins.
const coinHoldsStream Stream = "coins"

// CoinHolds is the state of closed coins: the events that cannot be applied, and the users whose coins they close.
// While coins are closed, no command may move them.
type CoinHolds struct {
	Holds []CoinHold `json:"holds,omitempty"`
}

// CoinHold is one event that cannot be applied and therefore closes coins.
type CoinHold struct {
	Position int64    `json:"position"`        // position of the event
	Users    []UserID `json:"users,omitempty"` // the users whose coins are closed
	All      bool     `json:"all,omitempty"`   // whether the coins of everybody are closed
}

// CoinHolds returns the state of closed coins.
func (v View) CoinHolds() CoinHolds { return look[CoinHolds](v, coinHoldsStream) }

// of returns the hold that the event at position causes, or the zero CoinHold.
func (h CoinHolds) of(position int64) CoinHold {
	for _, hold := range h.Holds {
		if hold.Position == position {
			return hold
		}
	}
	return CoinHold{}
}

// coinsOpen returns nil if commands may move the coins of a user, and otherwise a refusal with CodeCoinsClosed. User 0
// stands for commands that concern all users, such as a change of a price.
func (v View) coinsOpen(user UserID) error {
	for _, hold := range v.CoinHolds().Holds {
		if hold.All || slices.Contains(hold.Users, user) {
			return CoinsClosedRefusal()
		}
	}
	return nil
}

// CoinsClosedRefusal returns the refusal of a command about closed coins.
func CoinsClosedRefusal() *Refusal {
	return &Refusal{Code: CodeCoinsClosed, Text: "coins are closed while an event about them is examined: try again later"}
}

// ConcernsCoins reports whether decisions about coins read the state of s. If such a state cannot be loaded, a command
// that reads it is refused with CodeCoinsClosed.
func ConcernsCoins(s Stream) bool {
	switch s.Prefix() {
	case "wallet", "earnings", "order", "gift", "giftrecord", "correction", "payout", "share", coinHoldsStream.Prefix():
		return true
	}
	return false
}

// maxCause is the maximum length of a cause in bytes.
const maxCause = 500

// CloseCoins closes the coins of users, because an event that concerns these coins cannot be applied. While coins are
// closed, no command may move them. Nothing changes if the same event has already closed them.
type CloseCoins struct {
	Position int64    `json:"position"` // position of the event that cannot be applied
	Users    []UserID `json:"users"`    // the users whose coins the event concerns
	All      bool     `json:"all"`      // whether the event may concern the coins of everybody
	Cause    string   `json:"cause"`    // the error that occurs when the event is applied: at most 500 bytes
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

// CoinsClosed records which event cannot be applied, and which users' coins are closed because of it.
type CoinsClosed struct {
	Position int64    `json:"position"` // position of the event that cannot be applied
	Users    []UserID `json:"users"`    // the users whose coins are closed
	All      bool     `json:"all"`      // whether the coins of everybody are closed
	Cause    string   `json:"cause"`    // the error that occurs when the event is applied
}

func (CoinsClosed) Type() string   { return "coins.closed.v1" }
func (CoinsClosed) Stream() Stream { return coinHoldsStream }

func (e CoinsClosed) evolve(h CoinHolds) CoinHolds {
	hold := h.of(e.Position)
	hold.Position, hold.All = e.Position, hold.All || e.All
	hold.Users = append(slices.Clone(hold.Users), e.Users...)
	return CoinHolds{append(h.without(e.Position), hold)}
}

// without returns a copy of the holds without that of the event at position.
func (h CoinHolds) without(position int64) []CoinHold {
	var others []CoinHold
	for _, hold := range h.Holds {
		if hold.Position != position {
			others = append(others, hold)
		}
	}
	return others
}

// OpenCoins opens the coins that an event has closed. The caller has checked that the tables have applied everything
// that waited for these coins. Nothing changes if the event closes no coins.
type OpenCoins struct {
	Position int64 `json:"position"` // position of the event that closed the coins
}

func (OpenCoins) Type() string { return "coins.open" }

func (OpenCoins) Reads(Actor) []Stream { return []Stream{coinHoldsStream} }

func (c OpenCoins) decide(view View) ([]Event, error) {
	if view.CoinHolds().of(c.Position).Position == 0 {
		return nil, nil
	}
	return []Event{CoinsOpened(c)}, nil
}

// CoinsOpened records that coins which an event had closed are open again.
type CoinsOpened struct {
	Position int64 `json:"position"` // position of the event that closed the coins
}

func (CoinsOpened) Type() string                   { return "coins.opened.v1" }
func (CoinsOpened) Stream() Stream                 { return coinHoldsStream }
func (e CoinsOpened) evolve(h CoinHolds) CoinHolds { return CoinHolds{h.without(e.Position)} }

// SetAside is the state of one event that operators may set aside.
type SetAside struct {
	Done bool `json:"done"` // whether operators have decided that the event has no effect
}

func setAsideStream(position int64) Stream { return numberedStream("setaside-", position) }

// SetEventAside decides that an event that cannot be applied has no effect. Nothing changes if this has been decided
// already. The caller has checked that the event is in table poison.
type SetEventAside struct {
	Position  int64  `json:"position"` // position of the event that has no effect
	Of        Stream `json:"stream"`   // the stream of the event
	EventType string `json:"type"`     // the type of the event
	Reason    string `json:"reason"`   // the operator's reason, stored in the event: 1–100 characters
}

func (SetEventAside) Type() string { return "event.set_aside" }

func (c SetEventAside) Reads(Actor) []Stream { return []Stream{setAsideStream(c.Position)} }

func (c SetEventAside) decide(view View) ([]Event, error) {
	reason, err := text("reason", c.Reason, 1, MaxReason)
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

// EventSetAside records the decision that an event that cannot be applied has no effect: it changes no table and no
// state.
type EventSetAside struct {
	Position  int64  `json:"position"` // position of the event that has no effect
	Of        Stream `json:"stream"`   // stream of the event that has no effect
	EventType string `json:"type"`     // type of the event that has no effect
	Reason    string `json:"reason"`   // the operator's reason; not sealed
}

func (EventSetAside) Type() string             { return "event.set_aside.v1" }
func (e EventSetAside) Stream() Stream         { return setAsideStream(e.Position) }
func (EventSetAside) evolve(SetAside) SetAside { return SetAside{Done: true} }
