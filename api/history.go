package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/place"
	"roomlog/projections"
	"roomlog/projections/past"
)

// Window selects the items of a page by their cursors. Without a cursor, the page begins with the newest item.
type Window struct {
	After  string `query:"after" doc:"cursor: return what follows it, oldest first; 0 is the beginning"`
	Before string `query:"before" doc:"cursor: return what precedes it, newest first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// history is a page with items in the order of the log. Cursor is the cursor of its last item. To get the next page,
// the client sends Cursor in the same parameter, after or before, that it used for this page.
type history[T any] struct {
	Items  []T     `json:"items"`
	Cursor *string `json:"cursor" example:"4711.5f0c2a77" doc:"null when the part is empty"`
}

// Period selects the events of a range of the log. A page begins and ends within it.
type Period struct {
	From string `query:"from" example:"2026-01-01" doc:"position or cursor of the first event, or time or day of the first event; default: the beginning of the log"`
	To   string `query:"to" example:"2026-02-01" doc:"position or cursor of the last event, or time or day before which it was recorded; default: the end of the log"`
}

// bounds returns the positions of the period: its events have after < position ≤ upTo. head is the position of the end of the
// log. If open is true, the period may end in the future.
func (p Period) bounds(ctx context.Context, store *eventstore.Store, head int64, open bool) (after, upTo int64, err error) {
	after, upTo, err = place.Bounds{From: p.From, To: p.To, Names: [2]string{"from", "to"}, Open: open}.Find(ctx, store, head)
	if wrong := (*place.Error)(nil); errors.As(err, &wrong) {
		err = badPlace(wrong.Error())
	}
	return after, upTo, err
}

// windowIn returns the part of a period that a page selects. If there is a period, it first waits until the tables contain
// everything that is in the log, so that the page lacks no event of the period.
func (s *server) windowIn(ctx context.Context, p Period, w Window) (projections.Window, error) {
	found, err := s.window(ctx, w)
	if err != nil || p == (Period{}) {
		return found, err
	}
	head, err := s.Store.Head(ctx)
	if err != nil {
		return found, err
	}
	after, upTo, err := p.bounds(ctx, s.Store, head, true)
	if err != nil {
		return found, err
	}
	found.After = max(found.After, after)
	if found.Before == 0 || found.Before > upTo {
		found.Before = upTo + 1
	}
	return found, s.waitForHead(ctx)
}

func (s *server) window(ctx context.Context, w Window) (projections.Window, error) {
	if w.After != "" && w.Before != "" {
		return projections.Window{}, badRequest("send either after or before, not both")
	}
	after, err := s.Store.ParseCursor(ctx, w.After)
	if err != nil {
		return projections.Window{}, err
	}
	before, err := s.Store.ParseCursor(ctx, w.Before)
	return projections.Window{After: after, Before: before, OldestFirst: w.After != "", Limit: w.Limit}, err
}

// newHistory returns a page with the items of the found rows. convert converts a row to an item, and also returns the
// position of the row in the log.
func newHistory[R, T any](ctx context.Context, s *server, found []R, convert func(R) (T, int64)) (history[T], error) {
	h := history[T]{Items: make([]T, 0, len(found))}
	var position int64
	for _, r := range found {
		var item T
		item, position = convert(r)
		h.Items = append(h.Items, item)
	}
	if len(found) == 0 {
		return h, nil
	}
	cursor, err := s.Store.Cursor(ctx, position)
	h.Cursor = &cursor
	return h, err
}

// viewer is a user who is or was a viewer of a live, in a response. Lists of viewers are ordered by first visit.
type viewer struct {
	User     PublicUser        `json:"user"`
	Present  bool              `json:"present"`
	JoinedAt time.Time         `json:"joined_at" doc:"time of the newest visit"`
	LeftAt   *time.Time        `json:"left_at" doc:"null while present"`
	Cause    domain.LeaveCause `json:"cause,omitempty" doc:"cause of leaving"`
}

type viewersInput struct {
	LivePath
	Present bool `query:"present" doc:"only viewers who are present now"`
	Window
}

func (s *server) listViewers(ctx context.Context, in *viewersInput) (history[viewer], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[viewer]{}, err
	}
	found, err := s.Queries.Viewers(ctx, projections.ViewerFilter{Live: in.ID, Present: in.Present, Window: w})
	if err != nil {
		return history[viewer]{}, err
	}
	return newHistory(ctx, s, found, func(v projections.Viewer) (viewer, int64) {
		item := viewer{User: newPublicUser(v.Profile), Present: v.Present, JoinedAt: v.JoinedAt, Cause: v.Cause}
		if !v.LeftAt.IsZero() {
			item.LeftAt = &v.LeftAt
		}
		return item, v.FirstPosition
	})
}

// comment is one comment of a live, in a response.
type comment struct {
	ID       string     `json:"id" example:"09a791fff0"`
	Position int64      `json:"position"`
	User     PublicUser `json:"user"`
	Content  string     `json:"content" example:"hello"`
	At       time.Time  `json:"at"`
}

type commentsInput struct {
	LivePath
	User domain.UserID `query:"user" minimum:"1" doc:"only comments of this user"`
	Window
}

func (s *server) listComments(ctx context.Context, in *commentsInput) (history[comment], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[comment]{}, err
	}
	found, err := s.Queries.Comments(ctx, projections.CommentFilter{Live: in.ID, User: in.User, Window: w})
	if err != nil {
		return history[comment]{}, err
	}
	return newHistory(ctx, s, found, newComment)
}

// newComment returns a comment for a response, and its position.
func newComment(c projections.Comment) (comment, int64) {
	return comment{c.ID, c.Position, newPublicUser(c.User), c.Text, c.At}, c.Position
}

// replayInput is the input of the endpoints with the chat of a recorded live.
type replayInput struct {
	ID domain.LiveID `path:"id"`
	Window
}

// replayedLive returns nil if the caller may watch the recordings of a live, and one of them has ended and has parts. What was
// written at the times of these parts is then visible, too. All else in the chat of the live is private.
func (s *server) replayedLive(ctx context.Context, id domain.LiveID) error {
	live, err := s.live(ctx, id)
	if err == nil {
		err = s.checkRestricted(ctx, live)
	}
	if err != nil {
		return err
	}
	recorded, err := s.Queries.Recorded(ctx, id)
	if err == nil && !recorded {
		err = refusal(domain.CodeRecordingNotFound, "live %d has no finished recording", id)
	}
	return err
}

// replayedComments returns a page with the comments that were posted while finished recordings of a live ran. It has neither
// removed comments nor those of users who were forgotten.
func (s *server) replayedComments(ctx context.Context, in *replayInput) (history[comment], error) {
	if err := s.replayedLive(ctx, in.ID); err != nil {
		return history[comment]{}, err
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[comment]{}, err
	}
	found, err := s.Queries.Comments(ctx, projections.CommentFilter{Live: in.ID, Known: true, Recorded: true, Window: w})
	if err != nil {
		return history[comment]{}, err
	}
	return newHistory(ctx, s, found, newComment)
}

// replayedGift is a gift that was sent while a recording of its live ran. It has no coins of the streamer and the platform.
type replayedGift struct {
	ID       string        `json:"id" example:"09a791fff0"`
	Position int64         `json:"position"`
	Sender   PublicUser    `json:"sender"`
	Gift     domain.GiftID `json:"gift"`
	Name     string        `json:"name" example:"Rose"`
	Image    string        `json:"image" example:"https://live.example/uploads/rose.png"`
	Num      int           `json:"num"`
	At       time.Time     `json:"at"`
}

// replayedGifts returns a page with the gifts that were sent while finished recordings of a live ran. The sender of a gift who
// was forgotten has no name.
func (s *server) replayedGifts(ctx context.Context, in *replayInput) (history[replayedGift], error) {
	if err := s.replayedLive(ctx, in.ID); err != nil {
		return history[replayedGift]{}, err
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[replayedGift]{}, err
	}
	found, err := s.Queries.GiftHistory(ctx, projections.GiftFilter{Live: in.ID, Recorded: true, Window: w})
	if err != nil {
		return history[replayedGift]{}, err
	}
	return newHistory(ctx, s, found, func(g projections.GiftRecord) (replayedGift, int64) {
		return replayedGift{g.ID, g.Position, newPublicUser(g.Sender), g.Gift, g.Name, g.Image, g.Num, g.At}, g.Position
	})
}

type liveAtInput struct {
	LivePath
	Position int64  `query:"position" minimum:"1" doc:"position of the last event to include"`
	Time     string `query:"time" example:"2026-01-31T15:04:05Z" doc:"include the events before this time; a day like 2026-01-31 is its beginning in UTC"`
}

// liveAt is a live as it was. Texts of people who were forgotten since are erased.
type liveAt struct {
	ID        domain.LiveID `json:"id"`
	Position  int64         `json:"position" doc:"position of the newest included event of the live"`
	At        time.Time     `json:"at" doc:"time of that event"`
	Streamer  domain.UserID `json:"streamer"`
	Title     string        `json:"title,omitempty"`
	Cover     string        `json:"cover,omitempty"`
	Status    domain.Status `json:"status" enum:"0,1,2,3" doc:"0 not started, 1 on air, 2 paused, 3 ended"`
	Online    int           `json:"online" doc:"number of present viewers"`
	LookCount int64         `json:"look_count" doc:"number of different users who had joined"`
	Gifts     int64         `json:"gifts" doc:"number of gifts"`
	Coins     domain.Coins  `json:"coins"`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at" doc:"time of the last change of the status"`
	Media     *LiveMedia    `json:"media" doc:"codecs and size of the running stream; null when there was none"`
	Viewers   []presentAt   `json:"viewers" doc:"at most 500 present viewers, newest join first"`
	Posted    int64         `json:"comment_count" doc:"number of comments that had been posted, also of those that were removed"`
	Comments  []commentAt   `json:"comments" doc:"at most 50, newest first"`

	Moderators []domain.UserID `json:"moderators" doc:"in the order of their appointments"`
	Modes      []liveMode      `json:"modes" doc:"what restricted comments"`

	Withheld []string `json:"withheld,omitempty" doc:"private fields that are left out, because the reader is an analyst without the role personal"`
}

type presentAt struct {
	User     domain.UserID `json:"user"`
	JoinedAt time.Time     `json:"joined_at"`
}

type commentAt struct {
	Position int64         `json:"position"`
	User     domain.UserID `json:"user"`
	Content  string        `json:"content,omitempty"`
	Removed  bool          `json:"removed,omitempty" doc:"whether the comment was removed later; its content is left out"`
	At       time.Time     `json:"at"`
}

// maxViewersAt is the maximum number of viewers in a liveAt.
const maxViewersAt = 500

func (s *server) readLiveAt(ctx context.Context, in *liveAtInput) (liveAt, error) {
	position, err := s.positionOf(ctx, in)
	if err != nil {
		return liveAt{}, err
	}
	if err := s.waitForHead(ctx); err != nil { // the tables contain the comments that were removed later
		return liveAt{}, err
	}
	live, err := past.LiveAt(ctx, s.Store, s.Events, in.ID, position)
	if isNotFound(err) {
		err = refusal(domain.CodeLiveNotFound, "live %d was created later", in.ID)
	}
	if err != nil {
		return liveAt{}, err
	}
	user := requestOf(ctx).user
	personal := user.ID == live.Streamer || hasRole(user, domain.RoleAuditor) || hasRole(user, domain.RolePersonal)
	return newLiveAt(live, personal), nil
}

// positionOf returns the position of the last event to include.
func (s *server) positionOf(ctx context.Context, in *liveAtInput) (int64, error) {
	name, text := "position", strconv.FormatInt(in.Position, 10)
	if in.Time != "" {
		name, text = "time", in.Time
	}
	if p, ok := place.Parse(text); in.Position != 0 && in.Time != "" || in.Position == 0 && (!ok || p.Time.IsZero()) {
		return 0, badRequest("send either position, or a time like 2026-01-31T15:04:05Z or a day like 2026-01-31; write + as %2B")
	}
	head, err := s.Store.Head(ctx)
	if err != nil {
		return 0, err
	}
	position, err := place.UpTo(ctx, s.Store, text, head)
	return position, placeFailure(name, err)
}

// newLiveAt returns a live as it was. If personal is false, it leaves out the private fields.
func newLiveAt(l past.Live, personal bool) liveAt {
	at := liveAt{
		ID: l.ID, Position: l.Position, At: l.At, Streamer: l.Streamer, Status: l.Status, Online: len(l.Viewers), LookCount: l.LookCount,
		Gifts: l.Gifts, Coins: l.Coins, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, Posted: l.CommentCount,
		Viewers: []presentAt{}, Comments: []commentAt{}, Moderators: append([]domain.UserID{}, l.Moderators...), Modes: newLiveModes(l.Modes),
	}
	if l.Broadcast.ID != "" {
		at.Media = &LiveMedia{l.Broadcast.Media, l.Broadcast.StartedAt}
	}
	for _, v := range l.Viewers[:min(len(l.Viewers), maxViewersAt)] {
		at.Viewers = append(at.Viewers, presentAt{v.User, v.JoinedAt})
	}
	for _, c := range l.Comments {
		at.Comments = append(at.Comments, commentAt{c.Position, c.User, c.Text, c.Removed, c.At})
	}
	if personal {
		at.Title, at.Cover = l.Title, l.Cover
		return at
	}
	at.Withheld = []string{"title", "cover", "content"}
	for i := range at.Comments {
		at.Comments[i].Content = ""
	}
	return at
}
