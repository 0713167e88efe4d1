package domain

// PostComment asks to say something in a room.
type PostComment struct {
	Live LiveID `json:"live"`
	Text string `json:"text"` // 1–200 characters
}

// Type implements Command.
func (PostComment) Type() string { return "comment.post" }

// Reads implements Command.
func (c PostComment) Reads(Actor) []Stream { return []Stream{liveOf(c.Live), chatOf(c.Live)} }

func (c PostComment) decide(see View) ([]Event, error) {
	if err := see.Live(c.Live).openTo(see, c.Live); err != nil {
		return nil, err
	}
	said, err := text("comment", c.Text, 1, maxComment)
	if err != nil {
		return nil, err
	}
	return []Event{CommentPosted{c.Live, see.Actor.User, said}}, nil
}

// CommentPosted says what somebody said in a room.
type CommentPosted struct {
	Live LiveID `json:"live"`
	User UserID `json:"user"`
	Text string `json:"text"` // as it was typed, without space around it
}

// Type implements Event.
func (CommentPosted) Type() string { return "comment.posted.v1" }

// Stream implements Event.
func (e CommentPosted) Stream() Stream { return chatOf(e.Live) }

// EventLive implements LiveEvent.
func (e CommentPosted) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e CommentPosted) EventUser() UserID { return e.User }

func (CommentPosted) evolve(Stateless) Stateless { return Stateless{} }

func (e *CommentPosted) personal() (UserID, []*string) { return e.User, []*string{&e.Text} }
