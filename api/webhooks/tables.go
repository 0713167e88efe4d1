package webhooks

import (
	"context"
	_ "embed" // for the statements
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/projections"
)

var (
	//go:embed sql/select_cursor.sql
	selectCursor string
	//go:embed sql/select_cursors.sql
	selectCursors string
	//go:embed sql/lock_cursor.sql
	lockCursor string
	//go:embed sql/upsert_cursor.sql
	upsertCursor string
	//go:embed sql/update_cursor.sql
	updateCursor string
	//go:embed sql/update_halted.sql
	updateHalted string
	//go:embed sql/select_blocked.sql
	selectBlocked string
	//go:embed sql/upsert_blocked.sql
	upsertBlocked string
	//go:embed sql/insert_waiting.sql
	insertWaiting string
	//go:embed sql/delete_blocked.sql
	deleteBlocked string
	//go:embed sql/delete_all_blocked.sql
	deleteAllBlocked string
	//go:embed sql/insert_dead.sql
	insertDead string
	//go:embed sql/delete_old_dead.sql
	deleteOldDead string
	//go:embed sql/delete_replayed_dead.sql
	deleteReplayedDead string
	//go:embed sql/select_dead.sql
	selectDead string
	//go:embed sql/select_marked_dead.sql
	selectMarkedDead string
	//go:embed sql/update_dead_marked.sql
	updateDeadMarked string
	//go:embed sql/update_all_dead_marked.sql
	updateAllDeadMarked string
	//go:embed sql/update_dead_failed.sql
	updateDeadFailed string
	//go:embed sql/delete_dead.sql
	deleteDead string
)

// maxDead is the maximum number of dead letters of a webhook that are stored. The oldest are deleted.
const maxDead = 10_000

// maxMarked is the maximum number of dead letters that are sent again in one round.
const maxMarked = 64

// errMoved means that the cursor of a webhook is not where it was: operators have replayed it, or another process sends.
var errMoved = errors.New("the cursor of the webhook was moved by another process or by a replay")

// Cursor is the place in the log up to which a webhook has handled events.
type Cursor struct {
	Webhook  domain.WebhookID
	Start    uuid.UUID // the start of the webhook to which the cursor belongs
	Position int64     // position up to which every selected event was accepted, is in a blocked live, or is dead
	Cursor   string    // cursor of the event at Position
	Halted   string    // why the webhook sends nothing until it is replayed; "": it sends
}

// Blocked is a live whose next event the receiver has not accepted.
type Blocked struct {
	Live     domain.LiveID // live of the events; 0: events that belong to no live
	Position int64         // position of the next event
	Since    time.Time     // time of the first failed attempt since the last success
	Attempts int           // number of attempts to send the next event
	RetryAt  time.Time
	Status   int // HTTP status of the last response; 0: none
	Error    string
}

// Dead is an event that the receiver has not accepted in time.
type Dead struct {
	Position int64
	Cursor   string
	Live     domain.LiveID
	Type     string // event type, as stored in the log
	Status   int    // HTTP status of the last response; 0: none
	Error    string
	DiedAt   time.Time
	Retry    bool // whether an operator wants the event sent again
}

// outcome is the result of a series of events of one live.
type outcome struct {
	live    domain.LiveID
	blocked *Blocked // the event that blocks the live; nil: every event was accepted, or is dead
	dead    []Dead
}

// state is the state of one webhook.
type state struct {
	Cursor
	blocked map[domain.LiveID]Blocked
}

// Tables reads and writes the tables of this package. It is safe for concurrent use.
type Tables struct{ pool *pgxpool.Pool }

// NewTables returns the tables in a database.
func NewTables(pool *pgxpool.Pool) *Tables { return &Tables{pool} }

// read returns the state of a webhook. It returns errMoved if there is no state, or if the state belongs to an earlier
// start.
func (t *Tables) read(ctx context.Context, w projections.Webhook) (s state, err error) {
	b := &pgx.Batch{}
	b.Queue(selectCursor, w.ID, w.Start).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.Webhook, &s.Start, &s.Position, &s.Cursor.Cursor, &s.Halted)
	})
	b.Queue(selectBlocked, w.ID).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Blocked])
		s.blocked = make(map[domain.LiveID]Blocked, len(all))
		for _, one := range all {
			s.blocked[one.Live] = one
		}
		return err
	})
	err = t.pool.SendBatch(ctx, b).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return s, errMoved
	}
	return s, wrap(err, "read the cursor of webhook %s", w.ID)
}

// start creates the cursor of a webhook at its start. It removes what belongs to an earlier start.
func (t *Tables) start(ctx context.Context, w projections.Webhook, cursor, halted string) error {
	return t.change(ctx, w.ID, func(b *pgx.Batch) {
		b.Queue(deleteAllBlocked, w.ID)
		b.Queue(deleteReplayedDead, w.ID, w.After, w.AddedAt)
		b.Queue(upsertCursor, w.ID, w.Start, w.After, cursor, halted)
	})
}

// halt stores why a webhook sends nothing.
func (t *Tables) halt(ctx context.Context, s state, reason string) error {
	return t.change(ctx, s.Webhook, func(b *pgx.Batch) {
		moved(b.Queue(updateHalted, s.Webhook, s.Start, s.Position, reason))
	})
}

// advance moves the cursor of a webhook from before to after, and stores the outcomes of the events between them. waiting contains
// the first position of each live whose events were left out because the live was blocked.
func (t *Tables) advance(ctx context.Context, before state, after Cursor, outcomes []outcome, waiting map[domain.LiveID]int64) error {
	return t.change(ctx, after.Webhook, func(b *pgx.Batch) {
		moved(b.Queue(updateCursor, after.Webhook, after.Start, before.Position, after.Position, after.Cursor))
		for _, o := range outcomes {
			t.queue(b, after.Webhook, o)
		}
		for live, position := range waiting { // the live may have been unblocked meanwhile
			b.Queue(insertWaiting, after.Webhook, live, position)
		}
	})
}

// finish stores the outcome of a blocked live, whose events up to the position of s were sent. If the cursor has moved meanwhile,
// the later events of the live still have to be sent.
func (t *Tables) finish(ctx context.Context, s state, o outcome, now time.Time) error {
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		var position int64
		if err := tx.QueryRow(ctx, lockCursor, s.Webhook, s.Start).Scan(&position); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return errMoved
			}
			return err
		}
		if o.blocked == nil && position != s.Position {
			o.blocked = &Blocked{Live: o.live, Position: s.Position + 1, Since: now, RetryAt: now}
		}
		b := &pgx.Batch{}
		if o.blocked == nil {
			b.Queue(deleteBlocked, s.Webhook, o.live)
		}
		t.queue(b, s.Webhook, o)
		return tx.SendBatch(ctx, b).Close()
	})
	return wrap(err, "store the outcome of webhook %s", s.Webhook)
}

// queue queues the statements that store the blocked live and the dead letters of an outcome.
func (*Tables) queue(b *pgx.Batch, id domain.WebhookID, o outcome) {
	if l := o.blocked; l != nil {
		b.Queue(upsertBlocked, id, l.Live, l.Position, l.Since, l.Attempts, l.RetryAt, l.Status, l.Error)
	}
	for _, d := range o.dead {
		b.Queue(insertDead, id, d.Position, d.Cursor, d.Live, d.Type, d.Status, d.Error, d.DiedAt)
	}
	if len(o.dead) > 0 {
		b.Queue(deleteOldDead, id, maxDead)
	}
}

// change executes statements in one transaction.
func (t *Tables) change(ctx context.Context, id domain.WebhookID, queue func(*pgx.Batch)) error {
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		queue(b)
		return tx.SendBatch(ctx, b).Close()
	})
	return wrap(err, "store how far webhook %s is", id)
}

// wrap adds what was done to an error of the database.
func wrap(err error, format string, args ...any) error {
	if err == nil || errors.Is(err, errMoved) {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// Cursors returns the cursor of each webhook, by name.
func (t *Tables) Cursors(ctx context.Context) (map[domain.WebhookID]Progress, error) {
	rows, err := t.pool.Query(ctx, selectCursors)
	found := map[domain.WebhookID]Progress{}
	if err == nil {
		var all []Progress
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Progress, err error) {
			err = row.Scan(&p.Webhook, &p.Start, &p.Position, &p.Cursor.Cursor, &p.Halted, &p.Blocked, &p.Dead, &p.Status, &p.Error)
			return p, err
		})
		for _, p := range all {
			found[p.Webhook] = p
		}
	}
	return found, wrap(err, "read how far webhooks are")
}

// Progress describes for operators how far the sending of a webhook is.
type Progress struct {
	Cursor
	Blocked int64  // number of lives whose next event was not accepted
	Dead    int64  // number of dead letters
	Status  int    // HTTP status of the newest attempt of a blocked live; 0: none
	Error   string // error of the newest attempt of a blocked live
}

// Dead returns at most limit dead letters of a webhook after a position, in the order of the log.
func (t *Tables) Dead(ctx context.Context, id domain.WebhookID, after int64, limit int) ([]Dead, error) {
	return t.dead(ctx, selectDead, id, after, limit)
}

// marked returns the dead letters that operators want sent again.
func (t *Tables) marked(ctx context.Context, id domain.WebhookID) ([]Dead, error) {
	return t.dead(ctx, selectMarkedDead, id, maxMarked)
}

func (t *Tables) dead(ctx context.Context, statement string, args ...any) ([]Dead, error) {
	rows, err := t.pool.Query(ctx, statement, args...)
	var found []Dead
	if err == nil {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Dead])
	}
	for i := range found {
		found[i].DiedAt = found[i].DiedAt.UTC()
	}
	return found, wrap(err, "read dead letters")
}

// Retry marks dead letters of a webhook, which are then sent again once: the one at a position, or all if position is 0. It returns
// their number.
func (t *Tables) Retry(ctx context.Context, id domain.WebhookID, position int64) (int64, error) {
	statement, args := updateAllDeadMarked, []any{id}
	if position != 0 {
		statement, args = updateDeadMarked, append(args, position)
	}
	tag, err := t.pool.Exec(ctx, statement, args...)
	return tag.RowsAffected(), wrap(err, "mark dead letters of webhook %s", id)
}

// bury removes a dead letter.
func (t *Tables) bury(ctx context.Context, id domain.WebhookID, position int64) error {
	_, err := t.pool.Exec(ctx, deleteDead, id, position)
	return wrap(err, "remove a dead letter of webhook %s", id)
}

// unmark stores that another attempt to send a dead letter failed, and removes the mark.
func (t *Tables) unmark(ctx context.Context, id domain.WebhookID, d Dead) error {
	_, err := t.pool.Exec(ctx, updateDeadFailed, id, d.Position, d.Status, d.Error, d.DiedAt)
	return wrap(err, "store an attempt of webhook %s", id)
}

// moved makes a statement fail with errMoved unless it changes one row.
func moved(q *pgx.QueuedQuery) {
	q.Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != 1 {
			return errMoved
		}
		return nil
	})
}
