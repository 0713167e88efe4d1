package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
)

// format is the layout of the log that this program reads and writes.
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
	s := &Store{pool: pool, now: c.Now, log: c.Log, poll: c.PollInterval, snapshotKeys: c.SnapshotKeys, appended: wait.NewSignal(), projected: wait.NewSignal()}
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
	head, err := s.Head(ctx) // no key is cached yet, so that no key of a user forgotten up to head has to be dropped
	s.codec.keys.forgottenUpTo(head)
	return s, err
}
