package eventstore

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"roomlog/internal/wait"
)

const (
	heartbeatName = "roomlog heartbeat" // of the connection

	beat       = 3 * time.Second
	deadAfter  = 10 * time.Second // silence after which the database ends the connection
	beatRepeat = time.Second      // after the connection was lost
)

// processKey is the lock of a process.
func processKey(process string) int64 {
	h := fnv.New64a()
	h.Write([]byte("roomlog process " + process))
	return int64(h.Sum64())
}

// Beat makes a process known as alive until ctx ends: it holds an advisory lock on a connection of its own, and
// takes it again whenever it was lost. The lock is free at once when the process dies, after some seconds when
// it is frozen or cut off, and taking it leaves no trace in the database.
func (s *Store) Beat(ctx context.Context, process string) error {
	for ctx.Err() == nil {
		if err := s.hold(ctx, processKey(process)); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "this process is not known as alive, trying again", slog.Any("error", err))
			wait.Sleep(ctx, beatRepeat)
		}
	}
	return nil
}

// hold takes the lock and holds it until the connection breaks or ctx ends.
func (s *Store) hold(ctx context.Context, key int64) error {
	conn, err := s.connectToBeat(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return fmt.Errorf("take the lock of this process: %w", err)
	}
	for ctx.Err() == nil {
		if err := beatOnce(ctx, conn); err != nil {
			return fmt.Errorf("hold the lock of this process: %w", err)
		}
	}
	return nil
}

// beatOnce waits for a while, shorter if the connection breaks, and shows that this process is alive.
func beatOnce(ctx context.Context, conn *pgx.Conn) error {
	listening, stop := context.WithTimeout(ctx, beat)
	defer stop()
	if _, err := conn.WaitForNotification(listening); err != nil && listening.Err() == nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	return conn.Ping(within)
}

func (s *Store) connectToBeat(ctx context.Context) (*pgx.Conn, error) {
	c := s.pool.Config().ConnConfig.Copy()
	for name, value := range map[string]string{
		"application_name":        heartbeatName,
		"idle_session_timeout":    fmt.Sprint(deadAfter.Milliseconds()), // a frozen process does not beat
		"tcp_keepalives_idle":     "5",                                  // nor does one behind a cut line
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	} {
		c.RuntimeParams[name] = value
	}
	within, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	conn, err := pgx.ConnectConfig(within, c)
	if err != nil {
		return nil, fmt.Errorf("connect for the lock of this process: %w", err)
	}
	return conn, nil
}

// Beats answers how many processes beat, as of now.
func (s *Store) Beats(ctx context.Context) (n int, err error) {
	if err := s.pool.QueryRow(ctx, selectBeats, heartbeatName).Scan(&n); err != nil {
		return 0, fmt.Errorf("count who is alive: %w", err)
	}
	return n, nil
}

// Alive answers who beats, as of now.
func (s *Store) Alive(ctx context.Context) (alive func(process string) bool, err error) {
	rows, err := s.pool.Query(ctx, selectHeldLocks)
	if err != nil {
		return nil, fmt.Errorf("read who is alive: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read who is alive: %w", err)
	}
	held := make(map[int64]bool, len(keys))
	for _, key := range keys {
		held[key] = true
	}
	return func(process string) bool { return held[processKey(process)] }, nil
}

// ChannelWhispers carries what processes tell each other beside the log. Unlike the other channels it has
// something to say, and nobody finds it elsewhere.
const ChannelWhispers = "roomlog_whispers"

// MaxWhisper bounds a whisper, in bytes.
const MaxWhisper = 2048

// whispers are those who hear what processes tell each other.
type whispers struct {
	mu      sync.Mutex
	hearers []*func(string)
}

// Whisper tells something to every process that listens, this one included: for what is true for a moment
// only. It is in no table and no log, and who does not listen at that moment never hears it. A whisper is text of
// up to MaxWhisper bytes.
func (s *Store) Whisper(ctx context.Context, text string) error {
	if len(text) > MaxWhisper || !utf8.ValidString(text) {
		return fmt.Errorf("whisper: %d bytes are too many, or no text", len(text))
	}
	if _, err := s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", ChannelWhispers, text); err != nil {
		return fmt.Errorf("whisper: %w", err)
	}
	return nil
}

// Overhear has hear called with every whisper while Listen runs, one after another, until stop is called.
// It must not wait.
func (s *Store) Overhear(hear func(text string)) (stop func()) {
	w := &s.whispers
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hearers = append(w.hearers, &hear)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hearers = slices.DeleteFunc(w.hearers, func(other *func(string)) bool { return other == &hear })
	}
}

// pass hands a whisper to who hears them.
func (w *whispers) pass(text string) {
	w.mu.Lock()
	hearers := slices.Clone(w.hearers)
	w.mu.Unlock()
	for _, hear := range hearers {
		(*hear)(text)
	}
}
