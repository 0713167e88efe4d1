package eventstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"roomlog/domain"
	"roomlog/internal/wait"
)

// Config configures a Store. Now is required. A zero field means its default.
type Config struct {
	Now          func() time.Time   // the clock of recorded_at
	Log          *slog.Logger       // nil: silent
	Events       []domain.EventSpec // nil: domain.Events
	SnapshotKeys [][]byte           // keys of the checksums of snapshots, the newest first; nil: no snapshots
	PollInterval time.Duration      `default:"1s" min:"1ms" max:"1h"` // interval at which Follow looks for events without a signal
}

// Store is an open log. It is safe for concurrent use.
type Store struct {
	id      uuid.UUID
	nameKey []byte
	pool    *pgxpool.Pool
	codec   *codec

	snapshotKeys snapshotKeys
	now          func() time.Time
	log          *slog.Logger
	poll         time.Duration
	appended     *wait.Signal
	projected    *wait.Signal
}

// ID returns the id of the log, which never changes. In the protocols of clients it is called the epoch.
func (s *Store) ID() string { return s.id.String() }

// Pool returns the connection pool of the store.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Appended returns the signal that is notified when events were appended: after every commit of this process, and after
// commits of other processes while Listen runs.
func (s *Store) Appended() *wait.Signal { return s.appended }

// Projected returns the signal that is notified when the read tables may have changed.
func (s *Store) Projected() *wait.Signal { return s.projected }

// NameKey returns the keyed hash under which a username is claimed. Names that differ only in case, width, surrounding
// space or invisible characters have the same hash.
func (s *Store) NameKey(username string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width characters, direction marks and the like
			return -1
		}
		return r
	}, norm.NFKC.String(username))
	mac := hmac.New(sha256.New, s.nameKey)
	mac.Write([]byte(norm.NFKC.String(cases.Fold().String(strings.TrimSpace(visible)))))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
