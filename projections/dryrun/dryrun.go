package dryrun

import (
	"context"
	"fmt"
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

const (
	eventsPerRead = 1000

	// MaxItems is the maximum number of comments in a Result.
	MaxItems = 10_000
)

// Outcome is the result of the decision about a comment.
type Outcome string

// The outcomes of a comment.
const (
	Posted  Outcome = "posted"
	Masked  Outcome = "masked"
	Held    Outcome = "held"
	Refused Outcome = "refused"
)

// Item is a comment that was not simply posted: the rules would mask, hold or refuse it, or it was held or removed at
// that time.
type Item struct {
	Position int64         `json:"position"`
	At       time.Time     `json:"at"`
	User     domain.UserID `json:"user"`
	Text     string        `json:"text"` // text in the log; words that were masked at that time are not known
	Would    Outcome       `json:"would"`
	Code     domain.Code   `json:"code,omitempty"`        // code of the refusal with the rules of the dry run
	Masked   string        `json:"masked_text,omitempty"` // the text that the rules would have posted or held
	Was      Outcome       `json:"was"`                   // outcome at that time: posted or held
	Then     string        `json:"then,omitempty"`        // later act on the comment: removed, cleared, released or dropped
}

// Result is the result of a dry run.
type Result struct {
	Live     domain.LiveID   `json:"live"`
	From     int64           `json:"from"` // the dry run covers the comments after this position
	UpTo     int64           `json:"up_to"`
	Comments int             `json:"comments"`
	Erased   int             `json:"erased"` // number of comments that were left out because their texts are erased
	Would    map[Outcome]int `json:"would"`
	Was      map[Outcome]int `json:"was"`
	Taken    int             `json:"taken"`  // number of comments that were removed, cleared or dropped
	Missed   int             `json:"missed"` // number of the Taken comments that the rules would have posted
	Items    []Item          `json:"items"`  // the items, at most MaxItems
	More     int             `json:"more"`   // number of items that are left out
}

// Run decides the comments of a live after the position from, up to the position upTo, with rules. Each comment that
// would be held counts as released at once. Comments that were refused at that time are not in the log, so Run does
// not know them.
func Run(ctx context.Context, store *eventstore.Store, live domain.LiveID, from, upTo int64, rules Rules) (Result, error) {
	r := Result{Live: live, From: from, UpTo: upTo, Would: map[Outcome]int{}, Was: map[Outcome]int{}, Items: []Item{}}
	aside, err := store.SetAside(ctx)
	if err != nil {
		return r, err
	}
	past := &past{store: store, live: live, aside: aside, rules: rules, streams: map[domain.Stream]*stream{}, visits: map[domain.UserID]any{}}
	if err := past.prepare(); err != nil {
		return r, err
	}
	found, err := past.comments(ctx, from, upTo)
	if err != nil {
		return r, err
	}
	for _, c := range found {
		if c.Text == eventstore.ErasedText {
			r.Erased++
			continue
		}
		if err := past.decide(ctx, c); err != nil {
			return r, fmt.Errorf("decide comment %d: %w", c.Position, err)
		}
		r.add(*c)
	}
	return r, nil
}

// add counts a comment. It keeps the comment unless it was posted, would be posted and was not removed.
func (r *Result) add(c Item) {
	r.Comments++
	r.Would[c.Would]++
	r.Was[c.Was]++
	taken := c.Then != "" && c.Then != "released"
	if taken {
		r.Taken++
		if c.Would == Posted {
			r.Missed++
		}
	}
	switch {
	case c.Would == Posted && c.Was == Posted && !taken:
	case len(r.Items) < MaxItems:
		r.Items = append(r.Items, c)
	default:
		r.More++
	}
}

// past is a live of the past while its comments are decided again.
type past struct {
	store   *eventstore.Store
	live    domain.LiveID
	aside   map[int64]domain.Stream
	rules   Rules
	streams map[domain.Stream]*stream

	modes  []domain.Mode
	words  map[domain.Stream]any
	visits map[domain.UserID]any // states of visits after the comments that were decided
}

func (s *past) prepare() (err error) {
	s.words = map[domain.Stream]any{}
	if s.modes, err = s.rules.modes(); err != nil {
		return err
	}
	if s.rules.Words != nil {
		if s.words[domain.WordsAdded{Live: s.live}.Stream()], err = list("words", s.rules.Words); err != nil {
			return err
		}
	}
	if s.rules.ServiceWords != nil {
		s.words[domain.WordsAdded{}.Stream()], err = list("service_words", s.rules.ServiceWords)
	}
	return err
}

// comments returns the comments that were posted or held in a range, with what happened to them later.
func (s *past) comments(ctx context.Context, from, upTo int64) (all []*Item, err error) {
	posted, held := map[int64]*Item{}, map[int64]*Item{}
	var released domain.CommentReleased
	var releasedAt int64
	query := eventstore.Query{Live: s.live, After: from, Limit: eventsPerRead, History: s.store.History().Number}
	for {
		page, err := s.store.Read(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Events {
			if _, ignored := s.aside[r.Position]; ignored || r.Fault != nil {
				continue
			}
			inRange := upTo == 0 || r.Position <= upTo
			switch e := r.Event.(type) {
			case domain.CommentHeld:
				if inRange {
					held[e.Held] = &Item{Position: r.Position, At: r.RecordedAt, User: e.User, Text: e.Text, Was: Held}
					all = append(all, held[e.Held])
				}
			case domain.CommentPosted:
				if c := held[released.Held]; c != nil && releasedAt == r.Position-1 && e.User == released.User {
					posted[r.Position] = c // the comment was decided when it was held
				} else if inRange {
					posted[r.Position] = &Item{Position: r.Position, At: r.RecordedAt, User: e.User, Text: e.Text, Was: Posted}
					all = append(all, posted[r.Position])
				}
			case domain.CommentReleased:
				released, releasedAt = e, r.Position
				if c := held[e.Held]; c != nil {
					c.Then = "released"
				}
			case domain.CommentDropped:
				if c := held[e.Held]; c != nil {
					c.Then = "dropped"
				}
			case domain.CommentRemoved:
				if c := posted[e.Comment]; c != nil {
					c.Then = "removed"
				}
			case domain.CommentsCleared:
				for position, c := range posted {
					if c.User == e.User && position < r.Position {
						c.Then = "cleared"
					}
				}
			}
		}
		if query.After = page.Next; page.Next >= page.Head {
			return all, nil
		}
	}
}

// session is the sign-in session of every author. A dry run does not check again whether the session was current.
const session = "dry run"

// decide decides a comment again with the rules, and sets its outcome.
func (s *past) decide(ctx context.Context, c *Item) error {
	request := domain.Request{Command: domain.PostComment{Live: s.live, Text: c.Text}, Actor: domain.AuthenticatedActor(c.User, session)}
	visit := domain.ViewerCommented{Live: s.live, User: c.User}.Stream()
	states := map[domain.Stream]any{}
	for _, name := range request.Reads() {
		state, err := s.stateAt(ctx, name, c.Position)
		if err != nil {
			return err
		}
		states[name] = state
	}
	states[domain.UserSignedIn{User: c.User}.Stream()] = domain.Session{ID: session}
	states[domain.CommentHeld{Live: s.live}.Stream()] = domain.Review{} // comments that were held before count as released
	if s.rules.Modes != nil {                                           // with results of these modes instead of those of that time
		of, _ := states[visit].(domain.Visit)
		known, _ := s.visits[c.User].(domain.Visit)
		of.Reviewed, of.CommentedAt = known.Reviewed, known.CommentedAt
		states[visit] = of
	}
	if s.rules.Modes != nil {
		name := domain.LiveCreated{Live: s.live}.Stream()
		live, _ := states[name].(domain.Live)
		live.Modes = s.modes
		states[name] = live
	}
	for name, words := range s.words {
		states[name] = words
	}
	events, err := domain.Decide(request, c.At, states)
	if refusal := domain.AsRefusal(err); refusal != nil {
		c.Would, c.Code = Refused, refusal.Code
		return nil //nolint:nilerr // the refusal is the result
	}
	if err != nil {
		return err
	}
	for _, e := range events {
		switch e := e.(type) {
		case domain.CommentPosted:
			c.setText(Posted, e.Text)
		case domain.CommentHeld:
			c.setText(Held, e.Text)
			events = append(events, domain.ViewerReviewed{Live: s.live, User: c.User})
		}
	}
	for _, e := range events {
		if e.Stream() == visit {
			if states[visit], err = domain.Fold(visit, states[visit], e); err != nil {
				return err
			}
		}
	}
	if s.rules.Modes != nil {
		s.visits[c.User] = states[visit]
	}
	return nil
}

// setText sets the outcome of a comment that would be posted or held with a text.
func (c *Item) setText(outcome Outcome, text string) {
	c.Would = outcome
	if text != c.Text {
		if c.Masked = text; outcome == Posted {
			c.Would = Masked
		}
	}
}

// stream is a stream of the log, with its state up to a position.
type stream struct {
	events []eventstore.Record
	state  any
	read   bool // whether events contains the rest of the stream
	after  int  // version of the newest event that was read
}

// stateAt returns the state of a stream before the event at a position. Calls for the same stream must have positions
// that do not decrease.
func (s *past) stateAt(ctx context.Context, name domain.Stream, position int64) (any, error) {
	if spec, ok := domain.StateSpecOf(name); !ok || spec.Stateless {
		return nil, nil
	}
	of := s.streams[name]
	if of == nil {
		of = &stream{}
		s.streams[name] = of
	}
	for {
		for len(of.events) > 0 && of.events[0].Position < position {
			r := of.events[0]
			of.events = of.events[1:]
			if _, ignored := s.aside[r.Position]; ignored {
				continue
			}
			var err error
			if of.state, err = domain.FoldAt(name, of.state, r.Event, r.RecordedAt); err != nil {
				return nil, fmt.Errorf("fold event %d: %w", r.Position, err)
			}
		}
		if len(of.events) > 0 || of.read {
			return of.state, nil
		}
		page, err := s.store.ReadStream(ctx, name, of.after, eventsPerRead)
		if err != nil {
			return nil, err
		}
		of.events, of.read = slices.Clip(page), len(page) < eventsPerRead
		if len(page) > 0 {
			of.after = page[len(page)-1].Version
		}
	}
}
