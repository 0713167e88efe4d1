package eventstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"roomlog/domain"
)

// format is the layout of the log that this program writes and reads.
const format = 1

// Config says how a store works; the zero value is usable but for Now.
type Config struct {
	Now          func() time.Time   // the clock of recorded_at; required
	Log          *slog.Logger       // nil: silent
	Events       []domain.EventSpec // nil: domain.Events
	PollInterval time.Duration      // how often a tail looks without being woken; default 1 s
}

// Store is one log. It is safe for concurrent use.
type Store struct {
	id        uuid.UUID
	nameKey   []byte
	pool      *pgxpool.Pool
	codec     *codec
	now       func() time.Time
	log       *slog.Logger
	poll      time.Duration
	appended  *Signal
	projected *Signal
	whispers  whispers
}

// Open opens the log behind pool, which must be migrated.
func Open(ctx context.Context, pool *pgxpool.Pool, c Config) (*Store, error) {
	if c.Now == nil {
		return nil, fmt.Errorf("open the log: Config.Now is required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Events == nil {
		c.Events = domain.Events
	}
	if c.PollInterval <= 0 {
		c.PollInterval = time.Second
	}
	s := &Store{pool: pool, now: c.Now, log: c.Log, poll: c.PollInterval, appended: newBell(), projected: newBell()}
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
	end, err := s.Head(ctx) // no key is remembered yet: whoever was forgotten before is no concern
	s.codec.keys.knows(end)
	return s, err
}

// ID names this log for ever; clients know it as the epoch of positions.
func (s *Store) ID() string { return s.id.String() }

// Pool answers the connections that the store reads with.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Appended rings when the log has grown: after every commit of this process, and when another
// process says so while Listen runs.
func (s *Store) Appended() *Signal { return s.appended }

// Projected rings when the read tables may have moved on.
func (s *Store) Projected() *Signal { return s.projected }

// NameKey is the keyed hash under which a username is claimed. Names that differ only in case,
// width, surrounding space or characters that nobody sees have the same.
func (s *Store) NameKey(username string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // zero-width, direction marks and the like
			return -1
		}
		return r
	}, norm.NFKC.String(username))
	mac := hmac.New(sha256.New, s.nameKey)
	mac.Write([]byte(norm.NFKC.String(cases.Fold().String(strings.TrimSpace(seen)))))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
