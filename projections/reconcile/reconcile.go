package reconcile

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/eventstore/consumer"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections"
	"roomlog/projections/ledger"
)

//go:embed sql/select_open.sql
var selectOpen string

// State is the state of a check, or of all of them.
type State string

// The states, from the best to the worst.
const (
	OK      State = "ok"      // both sides agree
	Pending State = "pending" // one side is behind, which ends by itself
	Blocked State = "blocked" // both sides agree as far as they can, but somebody must decide about an event
	Fault   State = "fault"   // the two sides contradict each other
)

// severity orders the states.
var severity = []State{OK, Pending, Blocked, Fault}

// A Comparison compares two sides.
type Comparison struct {
	Name     string `json:"name" enum:"tables,ledger,payouts,coins,events,corrections,transparency,witnesses"`
	State    State  `json:"state" enum:"ok,pending,blocked,fault" doc:"ok: agrees; pending: one side is behind, which ends by itself; blocked: an operator must decide; fault: the two sides contradict each other"`
	Position int64  `json:"position" doc:"position of the log up to which the check holds; if the state is blocked, position of the first event to decide about"`
	Sentence string `json:"sentence" example:"All tables contain the log up to position 4711." doc:"what was compared, and what to do"`
}

// Unfinished counts what is not final.
type Unfinished struct {
	Events      int64        `json:"events" doc:"events that the tables do not contain yet"`
	Unsigned    int64        `json:"unsigned" doc:"events that no signed checkpoint covers yet"`
	Poisoned    int64        `json:"poisoned" doc:"events that a table could not apply, and that nobody has decided about"`
	SetAside    int64        `json:"set_aside" doc:"events that an operator has set aside: they have no effect"`
	Waiting     int64        `json:"waiting" doc:"coin events that wait because coins are closed"`
	Closed      int64        `json:"closed" doc:"users whose coins are closed"`
	Everybody   bool         `json:"everybody" doc:"whether the coins of all users are closed"`
	HeldPayouts int64        `json:"held_payouts" doc:"payouts that wait for the payment"`
	HeldCoins   domain.Coins `json:"held_coins" doc:"coins of these payouts"`
	Corrections int64        `json:"corrections" doc:"corrections that wait for an approval"`
}

// A Reconciliation is the state of all checks.
type Reconciliation struct {
	State      State        `json:"state" enum:"ok,pending,blocked,fault" doc:"the worst state of a check"`
	Position   int64        `json:"position" doc:"log, tables, ledger and signed transparency log agree up to this position, unless a check has a fault"`
	Head       int64        `json:"head" doc:"position of the newest event of the log"`
	At         time.Time    `json:"at" doc:"when this was compared; a server keeps a report for some seconds"`
	Checks     []Comparison `json:"checks"`
	Unfinished Unfinished   `json:"unfinished" doc:"what is not final"`
}

// reading contains the figures of a report. All of them belong to one state of the database.
type reading struct {
	Unfinished
	head, tables        int64 // positions of the newest event and of the tables
	firstPoison, since  int64 // position of the first event to decide about; position of the first event that closes coins
	asideCoins          int64 // coin events that were set aside
	lostPayouts         int64 // events that the table of payouts lacks, because it could not apply them
	unapplied, accounts int64
	sum, held           domain.Coins // sum of all accounts; sum of the accounts of held payouts
}

// Read compares everything in one snapshot of db. witnesses are those that the server knows; nil leaves out their check. now is
// the time that the report states.
func Read(ctx context.Context, db interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}, witnesses *transparency.Witnesses, now time.Time,
) (report Reconciliation, err error) {
	err = pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		r, err := read(ctx, tx)
		if err != nil {
			return err
		}
		tables, err := r.compareTables(ctx, tx)
		if err != nil {
			return err
		}
		signed, err := r.compareTree(ctx, tx, witnesses, now)
		if err != nil {
			return err
		}
		checks := []Comparison{tables, r.ledger(), r.payouts(), r.coins(), r.events(), r.corrections()}
		report = Reconciliation{State: OK, Head: r.head, At: now.UTC(), Checks: append(checks, signed...), Unfinished: r.Unfinished, Position: min(r.tables, signed[0].Position)}
		return nil
	})
	for _, c := range report.Checks {
		if slices.Index(severity, c.State) > slices.Index(severity, report.State) {
			report.State = c.State
		}
	}
	return report, err
}

// read reads the counts and the sums.
func read(ctx context.Context, tx pgx.Tx) (r reading, err error) {
	o := &r.Unfinished
	if err := tx.QueryRow(ctx, selectOpen, projections.ConsumerGroup).Scan(&r.head, &r.tables, &o.Poisoned, &r.firstPoison, &o.SetAside, &r.asideCoins, &r.lostPayouts,
		&o.Closed, &o.Everybody, &r.since, &o.Waiting, &o.HeldPayouts, &o.HeldCoins, &o.Corrections); err != nil {
		return r, fmt.Errorf("read what is not final: %w", err)
	}
	o.Events = max(0, r.head-r.tables)
	l, err := ledger.In(ctx, tx)
	if err != nil {
		return r, err
	}
	r.unapplied = l.Unapplied
	totals, err := l.Totals(ctx, l.Head)
	for _, t := range totals {
		r.sum, r.accounts = r.sum+t.Balance, r.accounts+t.Accounts
		if t.Kind == domain.HeldKind {
			r.held = t.Balance
		}
	}
	return r, err
}

// compareTables compares the checkpoint of the tables with the log.
func (r *reading) compareTables(ctx context.Context, tx pgx.Tx) (Comparison, error) {
	err := consumer.VerifyCheckpoint(ctx, tx, projections.ConsumerGroup)
	wrong := (*consumer.CheckpointError)(nil)
	switch {
	case errors.As(err, &wrong):
		return Comparison{"tables", Fault, r.tables, sentence("%s", wrong)}, nil
	case err != nil:
		return Comparison{}, err
	case r.Events > 0:
		return Comparison{"tables", Pending, r.tables, sentence("the tables contain the log up to position %d of %d; if this lasts, check that a process with the role projector runs", r.tables, r.head)}, nil
	}
	return Comparison{"tables", OK, r.tables, sentence("all tables contain the log up to position %d", r.tables)}, nil
}

// ledger checks that the balances of all accounts add up to 0.
func (r *reading) ledger() Comparison {
	if r.sum != 0 {
		return Comparison{"ledger", Fault, r.tables, sentence("the balances of all accounts add up to %d, not to 0: run roomlog verify, which names the rows", r.sum)}
	}
	return Comparison{"ledger", OK, r.tables, sentence("the balances of %s add up to 0", count(r.accounts, "account"))}
}

// payouts compares the payouts that wait for the payment with the accounts of held coins. Events that wait or were set aside
// may have moved coins for one side only.
func (r *reading) payouts() Comparison {
	found := count(r.HeldPayouts, "payout") + " of " + count(int64(r.HeldCoins), "coin")
	switch {
	case r.unapplied > 0 || r.asideCoins > 0:
		return Comparison{"payouts", OK, r.tables, sentence("%s wait for the payment; they are not compared with the ledger, because %s and %s", found,
			count(r.unapplied, "coin event waits", "coin events wait"), count(r.asideCoins, "is set aside", "are set aside"))}
	case r.lostPayouts > 0:
		return Comparison{"payouts", OK, r.tables, sentence("%s wait for the payment; they are not compared with the ledger, because %s", found,
			count(r.lostPayouts, "event about payouts could not be applied", "events about payouts could not be applied"))}
	case r.HeldCoins != r.held:
		return Comparison{"payouts", Fault, r.tables, sentence("%s wait for the payment, but the ledger holds %d: run roomlog verify, which names the rows", found, r.held)}
	}
	return Comparison{"payouts", OK, r.tables, sentence("%s wait for the payment, and the ledger holds as many coins", found)}
}

// coins reports whose coins are closed, and the coin events that wait.
func (r *reading) coins() Comparison {
	if r.since == 0 {
		return Comparison{"coins", OK, r.tables, sentence("the coins of all users are open; %s set aside", count(r.asideCoins, "coin event is", "coin events are"))}
	}
	whom := count(r.Closed, "user")
	if r.Everybody {
		whom = "all users"
	}
	return Comparison{"coins", Blocked, r.since, sentence("the coins of %s are closed since position %d, and %s without postings: run roomlog events list, and decide about the event", whom, r.since,
		count(r.unapplied, "coin event is", "coin events are"))}
}

// events reports the events that a table could not apply.
func (r *reading) events() Comparison {
	aside := count(r.SetAside, "event is", "events are") + " set aside"
	if r.Poisoned == 0 {
		return Comparison{"events", OK, r.tables, sentence("every other event was applied; %s", aside)}
	}
	return Comparison{"events", Blocked, r.firstPoison, sentence("%s not be applied, the first at position %d; %s: run roomlog events list, and decide about each",
		count(r.Poisoned, "event could", "events could"), r.firstPoison, aside)}
}

// corrections reports the corrections that wait for an approval. Their coins have not moved.
func (r *reading) corrections() Comparison {
	return Comparison{"corrections", OK, r.tables, sentence("%s for an approval; their coins have not moved", count(r.Corrections, "correction waits", "corrections wait"))}
}

// compareTree compares the transparency log with the log: it proves two events with the signed checkpoint, the newest one and
// one that depends on now, so that many reports compare many events. The second check is about witnesses, if there are any.
func (r *reading) compareTree(ctx context.Context, tx pgx.Tx, witnesses *transparency.Witnesses, now time.Time) ([]Comparison, error) {
	s, err := tree.ReadState(ctx, tx)
	if err != nil {
		return nil, err
	}
	signed := min(s.SignedSize, r.head)
	r.Unsigned = r.head - signed
	check := Comparison{"transparency", OK, signed, sentence("the log and the transparency log are empty")}
	switch {
	case s.Halted != "":
		check.State, check.Sentence = Fault, sentence("the transparency log is halted: %s; run roomlog audit status", s.Halted)
	case s.SignedSize > r.head:
		check.State, check.Sentence = Fault, sentence("a checkpoint over %d events was signed, but the log has %d: events were lost; run roomlog verify", s.SignedSize, r.head)
	case signed == 0 && r.head > 0:
		check.State, check.Sentence = Pending, "No checkpoint is signed yet; if this lasts, check that a server with the role projector runs and has a secret for the transparency log."
	case signed > 0:
		sample := 1 + now.UnixNano()%signed
		check.Sentence = sentence("the signed tree contains the log up to position %d of %d, and proves the events at positions %[1]d and %[3]d", signed, r.head, sample)
		if r.Unsigned > 0 {
			check.State = Pending
		}
		for _, position := range []int64{signed, sample} {
			if _, err := tree.Prove(ctx, tx, position); isUnread(ctx, err) {
				return nil, err
			} else if err != nil {
				check.State, check.Sentence = Fault, sentence("the signed tree does not prove the event at position %d: %s; run roomlog verify", position, err)
				break
			}
		}
	}
	checks := []Comparison{check}
	if witnesses == nil {
		return checks, nil
	}
	_, anchored, err := tree.ReadWitnesses(ctx, tx, s.Number, witnesses)
	if err != nil {
		return nil, err
	}
	cosigned := Comparison{"witnesses", OK, anchored, sentence("witnesses have cosigned the log up to position %d", anchored)}
	if anchored < signed {
		cosigned.State, cosigned.Sentence = Pending, sentence("witnesses have cosigned the log up to position %d of the %d that are signed; if this lasts, check the witnesses: roomlog audit status", anchored, signed)
	}
	return append(checks, cosigned), nil
}

// isUnread reports whether an error says nothing about the log, because the database could not be read.
func isUnread(ctx context.Context, err error) bool {
	refused, lost := (*pgconn.PgError)(nil), (*pgconn.ConnectError)(nil)
	return err != nil && (ctx.Err() != nil || errors.As(err, &refused) || errors.As(err, &lost) || pgconn.Timeout(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed))
}

// sentence formats a sentence, which begins with a capital letter and ends with a full stop.
func sentence(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if c := text[0]; c >= 'a' && c <= 'z' {
		text = string(c-'a'+'A') + text[1:]
	}
	if text[len(text)-1] != '.' {
		text += "."
	}
	return text
}

// count returns a number with a noun, such as "1 event" or "2 events".
func count(n int64, one string, more ...string) string {
	switch {
	case n == 1:
	case len(more) > 0:
		one = more[0]
	default:
		one += "s"
	}
	return fmt.Sprintf("%d %s", n, one)
}
