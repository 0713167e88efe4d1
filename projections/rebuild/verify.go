package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/eventstore/audit"
	"roomlog/eventstore/transparency/tree"
	"roomlog/migrations"
	"roomlog/projections"
)

// verifyAttempts is the maximum number of comparisons. A comparison is repeated if the tables were switched meanwhile.
const verifyAttempts = 3

// maxPoison is the maximum number of poison events in a report.
const maxPoison = 100

// Verify checks the log, the tables and the schema of the database, and puts every fault into Report.Faults. It checks
// that
//   - the positions of the log and the versions of each stream have no gap, and recorded times do not decrease;
//   - every event can be read, could follow the events before it, and could be caused by its actor (package invariant);
//   - every event can be applied to the tables, including events that the tables do not contain yet;
//   - every table has the rows that are derived from the log up to the position of the tables;
//   - the tables that belong to the log agree with it (package audit);
//   - every event is the one that the transparency log contains, and the tree is the one that was signed (package tree);
//   - tables, constraints, indexes, triggers and privileges are those that the migrations create, and the database
//     records each migration once and in order.
//
// Verify does not wait for the projector, and changes nothing, because its tables are temporary. Its memory does not
// grow with the log. An error means that Verify could not check.
func Verify(ctx context.Context, store *eventstore.Store, pool *pgxpool.Pool, c VerifyConfig) (Report, error) {
	started := c.Now()
	v := &verification{kept: c.Kept}
	err := withConns(ctx, pool, tempSchema, func(conn, auditing *pgx.Conn) error {
		v.auditor = audit.New(store, auditing, &v.faults)
		v.shadow = &shadow{
			applier: projections.NewApplier(store, c.Projections), store: store, conn: conn, schema: tempSchema,
			progress: newProgressReporter(c.Now, c.Progress), reader: v.read,
		}
		if err := v.honorSetAside(ctx); err != nil {
			return err
		}
		return v.run(ctx)
	})
	v.report.Took = c.Now().Sub(started)
	v.report.Faults, v.report.FaultCount = v.faults.Sorted()
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verification struct {
	*shadow
	auditor *audit.Auditor
	faults  audit.Faults
	halted  bool // whether the log has a gap; the later events are then only inspected
	kept    []tree.Kept
	report  Report
}

func (v *verification) run(ctx context.Context) error {
	if err := v.checkSchema(ctx); err != nil {
		return err
	}
	if err := v.create(ctx); err != nil {
		return err
	}
	if err := v.compareTables(ctx); err != nil {
		return err
	}
	if err := v.checkLog(ctx); err != nil {
		return err
	}
	if err := v.count(ctx, tempSchema, &v.report); err != nil {
		return err
	}
	return v.addPoison(ctx)
}

// checkSchema compares the schema of the database with the schema that the migrations create.
func (v *verification) checkSchema(ctx context.Context) error {
	v.progress.at("schema", 0, 0)
	differences, err := migrations.CompareSchema(ctx, v.conn)
	if err != nil {
		return err
	}
	for _, text := range differences {
		v.faults.Add(audit.Fault{Text: text})
	}
	return nil
}

// compareTables applies the events up to the position of the tables to the shadow, and compares the shadow with the
// tables.
func (v *verification) compareTables(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		before, err := projections.ReadCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		if err := v.apply(ctx, before.Position); err != nil {
			return err
		}
		if err := v.compareOnce(ctx); err != nil {
			return err
		}
		after, err := projections.ReadCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		v.report.Generation = after.Generation
		if before.Generation == after.Generation {
			break
		}
		if attempt == verifyAttempts {
			return errSwitched
		}
	}
	for _, d := range v.report.Differences {
		v.faults.Add(audit.Fault{Table: d.Table, Text: fmt.Sprintf("at position %d: %s", v.report.Position, d.Text)})
	}
	return nil
}

// compareOnce compares the tables, in one transaction with one snapshot. If the log has a gap, it only reads the position of
// the tables.
func (v *verification) compareOnce(ctx context.Context) error {
	return pgx.BeginTxFunc(ctx, v.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		now, err := projections.ReadCheckpoint(ctx, tx)
		if err != nil {
			return err
		}
		if v.report.Position = now.Position; now.Position < v.at {
			return nil // a rollback has switched to older tables; the caller checks for this and tries again
		}
		if err := v.applyIn(ctx, tx, now.Position); err != nil {
			return err
		}
		if v.report.Compared = !v.halted; v.halted {
			return nil
		}
		v.report.Differences, err = v.compareIn(ctx, tx, now.Position)
		return err
	})
}

// checkLog reads the rest of the log and checks the tables that belong to it, in one transaction with one database
// snapshot. It also applies the events that the tables do not contain yet, to find those that will stop the projector.
func (v *verification) checkLog(ctx context.Context) error {
	head, err := v.store.Head(ctx)
	if err != nil {
		return err
	}
	if err := v.apply(ctx, head); err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, v.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(position), 0) FROM events").Scan(&v.report.Head); err != nil {
			return fmt.Errorf("read the head of the log: %w", err)
		}
		if err := v.applyIn(ctx, tx, v.report.Head); err != nil {
			return err
		}
		v.report.Events, v.report.SetAside = v.at, v.auditor.SetAside()
		v.progress.at("tables of the log", v.at, v.at)
		if err := v.checkSetAsides(ctx, tx); err != nil {
			return err
		}
		if err := v.checkCheckpoint(ctx, tx); err != nil {
			return err
		}
		if err := v.checkMigrations(ctx, tx); err != nil {
			return err
		}
		if err := v.auditor.CheckTables(ctx, tx); err != nil {
			return err
		}
		return v.checkTree(ctx, tx)
	})
}

// checkTree compares the log with the transparency log.
func (v *verification) checkTree(ctx context.Context, tx pgx.Tx) error {
	v.progress.at("transparency log", v.at, v.at)
	return tree.Verify(ctx, tx, v.store.ID(), v.kept, func(f tree.Fault) {
		v.faults.Add(audit.Fault{Position: f.Position, Table: f.Table, Text: f.Text})
	})
}

// checkSetAsides checks each event that sets another event aside. The other event must be recorded in table poison of
// the shadow, and the tables in use must not have applied it. checkSetAsides does nothing if the log cannot be applied
// to its end, which is already a fault.
func (v *verification) checkSetAsides(ctx context.Context, tx pgx.Tx) error {
	if v.halted {
		return nil
	}
	by := make(map[int64]int64)
	rows, err := tx.Query(ctx, `SELECT position, set_aside FROM poison WHERE set_aside IS NOT NULL
		AND (cause <> $1 OR position IN (SELECT position FROM read.poison))`, projections.CauseSetAside)
	if err == nil {
		var position, setAside int64
		_, err = pgx.ForEachRow(rows, []any{&position, &setAside}, func() error { by[position] = setAside; return nil })
	}
	if err != nil {
		return fmt.Errorf("read the poison that was set aside: %w", err)
	}
	return v.auditor.CheckSetAsides(ctx, by)
}

// checkMigrations compares the migrations that the database records with those of this program.
func (v *verification) checkMigrations(ctx context.Context, tx pgx.Tx) error {
	differences, err := migrations.CompareVersions(ctx, tx)
	for _, text := range differences {
		v.faults.Add(audit.Fault{Table: "goose_db_version", Text: text})
	}
	return err
}

// checkCheckpoint checks the row of table checkpoint. It compares the generation with the comment on the schema of the
// tables. Package audit compares the position with the log.
func (v *verification) checkCheckpoint(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "SELECT consumer_group FROM checkpoint WHERE consumer_group <> $1", projections.ConsumerGroup)
	if err != nil {
		return fmt.Errorf("check table checkpoint: %w", err)
	}
	unknown, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("check table checkpoint: %w", err)
	}
	for _, group := range unknown {
		v.faults.Add(audit.Fault{Table: "checkpoint", Text: fmt.Sprintf("row consumer_group %s: nothing reads the log under this name", group)})
	}
	now, err := projections.ReadCheckpoint(ctx, tx)
	if err != nil {
		return err
	}
	comment, err := projections.ReadGenerationComment(ctx, tx)
	if err != nil {
		return err
	}
	if want := projections.GenerationComment(now.Generation); comment != want {
		v.faults.Add(audit.Fault{Table: "checkpoint", Text: fmt.Sprintf("row consumer_group %s: generation is %d, but the comment on schema %s is %q, expected %q",
			projections.ConsumerGroup, now.Generation, projections.Schema, comment, want)})
	}
	return nil
}

// apply applies the events up to position upTo to the shadow, in several transactions.
func (v *verification) apply(ctx context.Context, upTo int64) error {
	return v.fold(ctx, upTo, func(d decoded) error {
		return pgx.BeginTxFunc(ctx, v.conn, pgx.TxOptions{BeginQuery: "BEGIN; " + keepIndexPlans}, func(tx pgx.Tx) error { return v.applyBatch(ctx, tx, d) })
	})
}

// applyIn applies the events up to position upTo to the shadow, in tx.
func (v *verification) applyIn(ctx context.Context, tx pgx.Tx, upTo int64) error {
	if _, err := tx.Exec(ctx, keepIndexPlans); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if err := v.fold(ctx, upTo, func(d decoded) error { return v.applyBatch(ctx, tx, d) }); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = on")
	return err
}

// applyBatch applies a batch. A gap in the log, before which the projector stops, is a fault: the events before the gap are
// applied, those after it are only inspected.
func (v *verification) applyBatch(ctx context.Context, tx pgx.Tx, d decoded) error {
	if v.halted {
		return nil
	}
	if halt := d.halt; halt != nil {
		v.halted = true
		v.faults.AddAt(halt.Position, "the projector stops before this event: "+halt.Err.Error())
		n := slices.IndexFunc(d.events, func(r eventstore.Record) bool { return r.Position > halt.Position })
		if d.events = d.events[:n]; n == 0 {
			return nil
		}
		d.poison = slices.DeleteFunc(d.poison, func(p projections.PoisonEvent) bool { return p.Position > halt.Position })
	}
	return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return v.shadow.apply(ctx, tx, d) })
}

// read reads the log for the shadow. It inspects the events and continues after faults.
func (v *verification) read(ctx context.Context, upTo int64, ahead chan<- decoded) error {
	for after := v.at; after < upTo; {
		events, err := v.auditor.Read(ctx, v.store.Pool(), after, upTo, foldSize)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		d := decoded{events: events}
		if err := projections.CheckContiguous(events, after); err != nil && !errors.As(err, &d.halt) {
			return err
		}
		if d.poison, err = v.applier.Decode(ctx, events); err != nil {
			return err
		}
		if err := v.auditor.Inspect(ctx, events); err != nil {
			return err
		}
		select {
		case ahead <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
		after = events[len(events)-1].Position
	}
	return nil
}

// selectOpenPoison selects the poison events that no operator has set aside.
const selectOpenPoison = `SELECT position, projection, type, cause FROM poison p WHERE set_aside IS NULL
	ORDER BY position, projection LIMIT $1`

// addPoison reports the events that a projection could not apply, except those that an operator has set aside.
func (v *verification) addPoison(ctx context.Context) error {
	rows, err := v.conn.Query(ctx, selectOpenPoison, maxPoison)
	if err != nil {
		return fmt.Errorf("read the poison: %w", err)
	}
	poison, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p projections.PoisonEvent, err error) {
		err = row.Scan(&p.Position, &p.Projection, &p.Type, &p.Cause)
		return p, err
	})
	if err != nil {
		return fmt.Errorf("read the poison: %w", err)
	}
	for i, p := range poison {
		if i == 0 || p.Position != poison[i-1].Position {
			v.report.OpenPoison++
		}
		v.faults.AddAt(p.Position, fmt.Sprintf("projection %s cannot apply %s: %s", p.Projection, p.Type, p.Cause))
	}
	return nil
}
