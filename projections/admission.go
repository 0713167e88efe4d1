package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/coalesce"
	"roomlog/internal/settings"
)

// ErrBehind means that the tables are behind the log and did not catch up in time. The caller may retry in a second.
var ErrBehind = errors.New("the tables are behind the log")

// A TablesFollower follows the position of the tables. *feed.Feed implements it.
type TablesFollower interface {
	// Checkpoint returns the position up to which deltas were released. The tables may be behind it for a moment.
	Checkpoint() int64
	// WaitFor blocks until the tables have reached position.
	WaitFor(ctx context.Context, position int64) error
}

// AdmissionConfig configures an Admission.
type AdmissionConfig struct {
	Queries *Queries // must wait for what was released, see Queries.After
	Tables  TablesFollower
	Head    func(ctx context.Context) (int64, error) // returns the position of the newest event of the log: eventstore.Store.Head
	Now     func() time.Time
	Timeout time.Duration `default:"5s"` // maximum time that a check waits for tables that are behind the log
}

// Admission checks sign-in sessions and owners of lives by the rules of package domain, using the tables. It is safe
// for concurrent use.
//
// The tables may be behind the log, for example just after a sign-in, the creation of a live or the end of a ban. If a
// check fails, an Admission therefore waits until the tables have reached the position of the sign-in or the head of
// the log, and checks once more. It returns ErrBehind after AdmissionConfig.Timeout.
type Admission struct {
	c        AdmissionConfig
	accounts *coalesce.Reads[domain.UserID, signedIn] // users who sign in at the same time are read together
}

// signedIn is a user with the id of the current sign-in session.
type signedIn struct {
	User
	session string // current sign-in session; "" if the user is signed out
}

// NewAdmission returns an Admission. All fields of c except Timeout are required.
func NewAdmission(c AdmissionConfig) (*Admission, error) {
	if c.Queries == nil || c.Tables == nil || c.Head == nil || c.Now == nil {
		return nil, errors.New("projections: Queries, Tables, Head and Now of an AdmissionConfig are required")
	}
	settings.Defaults(&c)
	return &Admission{c, coalesce.New(c.Queries.signedIn)}, nil
}

// SessionRef identifies a sign-in session by the data in a token.
type SessionRef struct {
	User     domain.UserID
	Session  string
	Position int64 // position of the sign-in event; 0 if unknown
}

// CheckSession returns the user of a sign-in session, if the session is current and the user may act now. Otherwise it
// returns a *domain.Refusal with one of the codes user_unavailable, banned and session_ended, or ErrBehind, or an error
// of the database.
func (a *Admission) CheckSession(ctx context.Context, s SessionRef) (User, error) {
	return check(ctx, a, s.Position, func() (User, error) {
		found, _, err := a.accounts.Get(ctx, s.User)
		if err != nil {
			return found.User, err
		}
		if err := found.Status().Check(s.User, a.c.Now()); err != nil {
			return found.User, err
		}
		return found.User, domain.CheckSession(found.session, s.Session)
	})
}

// signedIn returns those users that exist, by id.
func (q *Queries) signedIn(ctx context.Context, ids []domain.UserID) (map[domain.UserID]signedIn, error) {
	all, err := many(ctx, q, "accounts", scanSignedIn, selectAccounts, ids)
	found := make(map[domain.UserID]signedIn, len(all))
	for _, s := range all {
		found[s.ID] = s
	}
	return found, err
}

func scanSignedIn(row pgx.CollectableRow) (s signedIn, err error) {
	s.User, err = scanUser(row, &s.session)
	return s, err
}

// CurrentSession returns the id of the current session of a user, as of the head of the log. It returns ErrBehind if the
// tables do not catch up in time, or if the session has just ended.
func (a *Admission) CurrentSession(ctx context.Context, user domain.UserID) (string, error) {
	if err := a.waitForHead(ctx); err != nil {
		return "", err
	}
	current, err := a.c.Queries.Session(ctx, user)
	if err == nil && current == "" {
		err = ErrBehind
	}
	return current, err
}

// CurrentProfile returns the profile of a user, as of the head of the log. It returns ErrBehind if the tables do not catch
// up in time.
func (a *Admission) CurrentProfile(ctx context.Context, user domain.UserID) (Profile, error) {
	if err := a.waitForHead(ctx); err != nil {
		return Profile{}, err
	}
	return a.c.Queries.Profile(ctx, user)
}

// waitForHead blocks until the tables have reached the head of the log.
func (a *Admission) waitForHead(ctx context.Context) error {
	head, err := a.c.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the head of the log: %w", err)
	}
	return a.waitFor(ctx, head)
}

// waitFor blocks until the tables have reached position.
func (a *Admission) waitFor(ctx context.Context, position int64) error {
	waiting, cancel := context.WithTimeout(ctx, a.c.Timeout)
	defer cancel()
	if err := a.c.Tables.WaitFor(waiting, position); err != nil {
		return fmt.Errorf("%w: %v", ErrBehind, err) //nolint:errorlint // the end of the wait is not the end of the caller
	}
	return nil
}

// CheckOwner returns the live with a stream key, if the owner may broadcast now. Otherwise it returns ErrNotFound, a
// *domain.Refusal with the code user_unavailable or banned, ErrBehind, or an error of the database. It does not check
// the status of the live.
func (a *Admission) CheckOwner(ctx context.Context, streamKey string) (Live, error) {
	return check(ctx, a, 0, func() (Live, error) {
		live, err := a.c.Queries.LiveByStreamKey(ctx, streamKey)
		if err != nil {
			return live, err
		}
		return live, live.OwnerStatus.Check(live.UserID, a.c.Now())
	})
}

// check calls look, which reads the tables. If look returns a refusal, check waits until the tables have reached
// position and calls look again. It does not wait if the tables had reached position before the first call. If position
// is 0 or after the head of the log, check uses the head instead.
func check[T any](ctx context.Context, a *Admission, position int64, look func() (T, error)) (T, error) {
	current := position > 0 && a.c.Tables.Checkpoint() >= position // read before look reads the tables
	found, err := look()
	if current || domain.AsRefusal(err) == nil && !errors.Is(err, ErrNotFound) {
		return found, err
	}
	head, err := a.c.Head(ctx)
	if err != nil {
		return found, fmt.Errorf("read the head of the log: %w", err)
	}
	if position == 0 || position > head { // a restore may have removed the sign-in event from the log
		position = head
	}
	if err := a.waitFor(ctx, position); err != nil {
		return found, err
	}
	return look()
}
