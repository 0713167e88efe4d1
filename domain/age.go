package domain

// maxAge bounds an age, so that every client can tell it.
const maxAge = 1_000_000

// GrowOlder asks to be a year older.
type GrowOlder struct{}

// Type implements Command.
func (GrowOlder) Type() string { return "user.grow_older" }

// Reads implements Command.
func (GrowOlder) Reads(by Actor) []Stream { return []Stream{userOf(by.User)} }

func (GrowOlder) decide(see View) ([]Event, error) {
	age := see.User(see.By.User).Age + 1
	if age > maxAge {
		return nil, refuse(CodeNumber, "nobody is older than %d", maxAge)
	}
	return []Event{UserAgeChanged{see.By.User, age}}, nil
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

// ByUser implements UserEvent.
func (e UserAgeChanged) ByUser() UserID { return e.User }

func (e UserAgeChanged) evolve(u User) User { u.Age = e.Age; return u }
