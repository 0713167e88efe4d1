package domain

// maxAge bounds an age, so that every client can tell it.
const maxAge = 1_000_000

// IncrementAge asks to be a year older.
type IncrementAge struct{}

// Type implements Command.
func (IncrementAge) Type() string { return "user.increment_age" }

// Reads implements Command.
func (IncrementAge) Reads(by Actor) []Stream { return []Stream{userOf(by.User)} }

func (IncrementAge) decide(see View) ([]Event, error) {
	age := see.User(see.Actor.User).Age + 1
	if age > maxAge {
		return nil, refuse(CodeNumberOutOfRange, "nobody is older than %d", maxAge)
	}
	return []Event{UserAgeChanged{see.Actor.User, age}}, nil
}

// UserAgeChanged says how old a person is from now on.
type UserAgeChanged struct {
	User UserID `json:"user"`
	Age  int    `json:"age"` // in years
}

// Type implements Event.
func (UserAgeChanged) Type() string { return "user.age_changed.v1" }

// Stream implements Event.
func (e UserAgeChanged) Stream() Stream { return userOf(e.User) }

// EventUser implements UserEvent.
func (e UserAgeChanged) EventUser() UserID { return e.User }

func (e UserAgeChanged) evolve(u User) User { u.Age = e.Age; return u }
