package eventstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"roomlog/domain"
	"roomlog/internal/coalesce"
	"roomlog/internal/names"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

// Config configures a Store. Now is required. A zero field means its default.
type Config struct {
	Now          func() time.Time   // clock of this process; it is compared with the clock of the database
	Clock        func() time.Time   // replaces the clock of the database in tests; nil: the clock of the database
	Log          *slog.Logger       // receives the messages of the program; nil: none
	Events       []domain.EventSpec // event types that the store knows; nil: domain.Events
	SnapshotKeys [][]byte           // keys of the checksums of snapshots, newest first; nil: no snapshots
	PollInterval time.Duration      `default:"1s" min:"1ms" max:"1h"` // interval at which Follow looks for new events without a notification
}

// Store is an open log. It is safe for concurrent use.
type Store struct {
	id        uuid.UUID
	nameKey   []byte
	pool      *pgxpool.Pool
	codec     *codec
	now       func() time.Time
	fixed     func() time.Time // Config.Clock
	clock     clock
	history   history
	recent    recent
	log       *slog.Logger
	poll      time.Duration
	appended  *wait.Signal
	projected *wait.Signal

	listening        atomic.Bool  // whether Listen uses notifications of the database
	listeningChanged *wait.Signal // notified when listening changes

	historyChanged *wait.Signal
	snapshotKeys   snapshotKeys
	cursors        *coalesce.Reads[int64, eventID] // ids for cursors that are requested at the same time are read together
}

// format is the number of the storage format that this program reads and writes.
const format = 1

// Open opens the log in the database of pool. The database must be migrated.
func Open(ctx context.Context, pool *pgxpool.Pool, c Config) (*Store, error) {
	if c.Now == nil {
		return nil, errors.New("open the log: Config.Now is required")
	}
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Events == nil {
		c.Events = domain.Events
	}
	s := &Store{
		pool: pool, now: c.Now, fixed: c.Clock, clock: clock{log: c.Log}, log: c.Log, poll: c.PollInterval, snapshotKeys: c.SnapshotKeys,
		appended: wait.NewSignal(), projected: wait.NewSignal(),
		historyChanged: wait.NewSignal(), listeningChanged: wait.NewSignal(), history: history{now: History{Number: 1}},
	}
	s.listening.Store(true)
	s.cursors = coalesce.New(s.eventIDs)
	s.history.onChange = func(now History) {
		s.codec.keys.drop(now.Head)
		s.recent.clear(now.Number)
		pool.Reset() // an old connection may belong to the former server
	}
	var found int
	err := pool.QueryRow(ctx, "SELECT id, format, name_key FROM store").Scan(&s.id, &found, &s.nameKey)
	if err != nil {
		return nil, fmt.Errorf("open the log (has it been migrated?): %w", err)
	}
	if found != format {
		return nil, fmt.Errorf("the log has format %d, this program reads format %d: use the roomlog that fits it", found, format)
	}
	if s.codec, err = newCodec(c.Events, pool); err != nil {
		return nil, err
	}
	_, err = s.CheckHistory(ctx)
	s.codec.keys.drop(s.history.known().position) // no key is cached yet, so the keys of users forgotten so far need not be dropped
	return s, err
}

// ID returns the id of the log, which never changes. A backup keeps it: a restored log has the same id, but may have
// another history. The epoch that clients see identifies the log and its history.
func (s *Store) ID() string { return s.id.String() }

// History returns the history of the log as this process knows it. It does no I/O.
func (s *Store) History() History { return s.history.current() }

// HistoryChanged returns a signal that is notified after each change of the history. Before that, the store has dropped
// everything that belongs to the former history.
func (s *Store) HistoryChanged() *wait.Signal { return s.historyChanged }

// CheckHistory compares the log with the newest event that this process knows, and returns the current history.
// Appends, Read and Listen do the same comparison.
func (s *Store) CheckHistory(ctx context.Context) (History, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.History(), fmt.Errorf("check the history of the log: %w", err)
	}
	var h head
	expected := s.history.known()
	begun := s.now()
	err = h.scan(conn.QueryRow(ctx, selectHead, expected.position))
	ended := s.now()
	conn.Release()
	if err != nil {
		return s.History(), fmt.Errorf("check the history of the log: %w", err)
	}
	s.clock.measure(ctx, begun, ended, h.clock)
	if err := s.compare(ctx, expected, h); err != nil && !errors.Is(err, ErrCursorLost) {
		return s.History(), fmt.Errorf("check the history of the log: %w", err)
	}
	return s.History(), nil
}

// Remember records that the log contains an event that another process has reported. number is the number of the
// history in which the other process has read the event. Later comparisons with the log, such as CheckHistory, then
// notice if the database of this process does not have the event.
func (s *Store) Remember(number, position int64, id uuid.UUID) {
	s.history.remember(number, event{position, id})
}

// compare returns nil if the log contains the expected event, and remembers the head. Otherwise it returns
// ErrCursorLost and begins a new history, unless another caller has done so since the expectation was made. A standby
// may not have the event yet; then compare changes nothing and returns errStandby.
func (s *Store) compare(ctx context.Context, expected expectation, h head) error {
	switch {
	case h.has(expected):
		s.history.remember(expected.number, h.event)
		return nil
	case h.standby:
		return errStandby
	case s.history.change(expected, h.event):
		s.announce(ctx)
	}
	return ErrCursorLost
}

// verify returns ErrAnotherLog if db contains another log. It is called after each change of the history.
func (s *Store) verify(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) error {
	var id uuid.UUID
	if err := db.QueryRow(ctx, "SELECT id FROM store").Scan(&id); err != nil {
		return fmt.Errorf("read the id of the log: %w", err)
	}
	if id != s.id {
		return fmt.Errorf("the id of the log is %s, and was %s: %w", id, s.id, ErrAnotherLog)
	}
	return nil
}

// announce logs a change of the history and notifies everybody who waits for one.
func (s *Store) announce(ctx context.Context) {
	now := s.History()
	s.log.ErrorContext(ctx, "log has another history: the database has fallen back to an earlier state, what was remembered of the lost events is dropped",
		slog.Int64("lost_position", now.Lost), slog.String("lost_event_id", now.LostID.String()),
		slog.Int64("position", now.Head), slog.String("event_id", now.HeadID.String()))
	s.historyChanged.Notify()
	s.appended.Notify()
	s.projected.Notify()
}

// Now returns the time of the database as far as this process knows it: the clock of the process, corrected by
// ClockSkew. It does no I/O. Compare times in the log with Now, and not with the clock of the process.
func (s *Store) Now() time.Time {
	if s.fixed != nil {
		return s.fixed()
	}
	if skew := s.clock.ahead(); skew != 0 {
		return s.now().Round(0).Add(-skew) // drops the monotonic reading, to which the skew does not apply
	}
	return s.now()
}

// ClockSkew returns how far the clock of this process is ahead of the database's clock. It is negative if the clock of
// the process is behind. Listen measures it at intervals.
func (s *Store) ClockSkew() time.Duration { return s.clock.ahead() }

// Pool returns the connection pool of the store.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Appended returns a signal that is notified when events were appended: after every commit of this process, and, while
// Listen runs, after commits of other processes.
func (s *Store) Appended() *wait.Signal { return s.appended }

// Projected returns a signal that is notified when the read tables may have changed.
func (s *Store) Projected() *wait.Signal { return s.projected }

// NameKey returns the keyed hash under which a username is claimed. Names that differ only in case, width, surrounding
// spaces or invisible characters have the same hash.
func (s *Store) NameKey(username string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width characters, direction marks and similar
			return -1
		}
		return r
	}, norm.NFKC.String(username))
	return s.keyed(norm.NFKC.String(cases.Fold().String(strings.TrimSpace(visible))))
}

// LookalikeKey returns the keyed hash of the lookalike form of a name (see package names). It equals NameKey if the
// lookalike form is the case-folded name itself.
func (s *Store) LookalikeKey(name string) string { return s.keyed(names.Lookalike(name)) }

func (s *Store) keyed(text string) string {
	mac := hmac.New(sha256.New, s.nameKey)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// eventID is the id of the event at a position.
type eventID struct {
	id      *uuid.UUID // id of the event at the position; nil: the log has no event there
	standby bool       // whether the database is a standby, which may receive the event later
}

// eventIDs returns the ids of the events at positions.
func (s *Store) eventIDs(ctx context.Context, positions []int64) (map[int64]eventID, error) {
	rows, err := s.pool.Query(ctx, selectEventIDs, positions)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]eventID, len(positions))
	var position int64
	var e eventID
	_, err = pgx.ForEachRow(rows, []any{&position, &e.id, &e.standby}, func() error {
		found[position] = e
		return nil
	})
	return found, err
}
