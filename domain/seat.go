package domain

import "slices"

// JoinRoom asks for a guest to be in a chat room. Nothing follows when the guest is there already.
type JoinRoom struct {
	Room  RoomID  `json:"room"`
	Guest GuestID `json:"-"`
}

// Type implements Command.
func (JoinRoom) Type() string { return "guest.join" }

// Reads implements Command.
func (c JoinRoom) Reads(Actor) []Stream { return []Stream{guestOf(c.Guest), roomOf(c.Room)} }

func (c JoinRoom) decide(see View) ([]Event, error) {
	guest, err := see.guest(c.Guest)
	if err != nil {
		return nil, err
	}
	if err := see.Room(c.Room).open(); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(guest.Rooms, c.Room):
		return nil, nil
	case len(guest.Rooms) >= MaxGuestRooms:
		return nil, refuse(CodeNumber, "a guest is in %d rooms at most", MaxGuestRooms)
	}
	return []Event{GuestJoined{c.Guest, guest.Connection, guest.User, c.Room}}, nil
}

// GuestJoined says that a guest is in a chat room.
type GuestJoined struct {
	Guest      GuestID `json:"guest"`
	Connection string  `json:"connection"` // its public id
	User       UserID  `json:"user"`       // who it is; 0 for somebody who is not signed in
	Room       RoomID  `json:"room"`
}

// Type implements Event.
func (GuestJoined) Type() string { return "guest.joined.v1" }

// Stream implements Event.
func (e GuestJoined) Stream() Stream { return guestOf(e.Guest) }

// ByUser implements UserEvent.
func (e GuestJoined) ByUser() UserID { return e.User }

func (e GuestJoined) evolve(g Guest) Guest {
	g.Rooms = append(slices.Clone(g.Rooms), e.Room)
	return g
}

// PartRoom asks for a guest to be in a chat room no more. Nothing follows when the guest is not there.
type PartRoom struct {
	Room  RoomID  `json:"room"`
	Guest GuestID `json:"-"`
}

// Type implements Command.
func (PartRoom) Type() string { return "guest.part" }

// Reads implements Command.
func (c PartRoom) Reads(Actor) []Stream { return []Stream{guestOf(c.Guest)} }

func (c PartRoom) decide(see View) ([]Event, error) {
	guest, err := see.guest(c.Guest)
	if err != nil || !slices.Contains(guest.Rooms, c.Room) {
		return nil, err
	}
	return []Event{GuestParted{c.Guest, guest.Connection, guest.User, c.Room, LeftAsked}}, nil
}

// GuestParted says that a guest is not in a chat room any more.
type GuestParted struct {
	Guest      GuestID    `json:"guest"`
	Connection string     `json:"connection"` // its public id
	User       UserID     `json:"user"`       // who it is; 0 for somebody who is not signed in
	Room       RoomID     `json:"room"`
	Cause      LeaveCause `json:"cause"` // why
}

// Type implements Event.
func (GuestParted) Type() string { return "guest.parted.v1" }

// Stream implements Event.
func (e GuestParted) Stream() Stream { return guestOf(e.Guest) }

// ByUser implements UserEvent.
func (e GuestParted) ByUser() UserID { return e.User }

func (e GuestParted) evolve(g Guest) Guest {
	left := slices.DeleteFunc(slices.Clone(g.Rooms), func(r RoomID) bool { return r == e.Room })
	g.Rooms = nil
	if len(left) > 0 {
		g.Rooms = left
	}
	return g
}
