package domain

// PostComment posts a comment in a live.
type PostComment struct {
	Live LiveID `json:"live"`
	Text string `json:"text"` // 1–200 characters
}

func (PostComment) Type() string { return "comment.post" }

func (c PostComment) Reads(Actor) []Stream {
	return []Stream{liveStream(c.Live), commentStream(c.Live)}
}

func (c PostComment) decide(view View) ([]Event, error) {
	if _, err := view.openLive(c.Live); err != nil {
		return nil, err
	}
	comment, err := text("comment", c.Text, 1, maxComment)
	if err != nil {
		return nil, err
	}
	return []Event{CommentPosted{c.Live, view.Actor.User, comment}}, nil
}

// CommentPosted records a comment in a live.
type CommentPosted struct {
	Live LiveID `json:"live"`
	User UserID `json:"user"` // the author
	Text string `json:"text"` // as typed, without surrounding space
}

func (CommentPosted) Type() string                     { return "comment.posted.v1" }
func (e CommentPosted) Stream() Stream                 { return commentStream(e.Live) }
func (e CommentPosted) EventLive() LiveID              { return e.Live }
func (e CommentPosted) EventUser() UserID              { return e.User }
func (CommentPosted) evolve(Stateless) Stateless       { return Stateless{} }
func (e *CommentPosted) personal() (UserID, []*string) { return e.User, []*string{&e.Text} }
