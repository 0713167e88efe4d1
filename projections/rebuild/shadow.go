package rebuild

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/projections"
)

var (
	//go:embed sql/select_constraints.sql
	selectConstraints string
	//go:embed sql/select_indexes.sql
	selectIndexes string
)

const (
	// foldSize is the number of events in one transaction. It is large, so that most rows of a busy live are written
	// once instead of a thousand times. Three batches are in memory at a time: one is being decoded, one waits, and one
	// is being folded.
	foldSize  = 5_000
	readAhead = 1
)

// keepIndexPlans makes statements that were planned while the tables were empty use indexes, so that they do not scan
// the tables when these are large.
const keepIndexPlans = "SET LOCAL enable_seqscan = off"

// shadow is a second set of read tables. It is in its own schema and is filled from the log.
type shadow struct {
	applier  *projections.Applier
	store    *eventstore.Store
	conn     *pgx.Conn // connection whose search_path begins with schema
	schema   string
	progress *progressReporter
	reader   func(ctx context.Context, upTo int64, ahead chan<- decoded) error // reads the log for fold; nil: the method read

	tables []table
	at     int64 // position of the tables
}

// honorSetAside keeps the events that operators have set aside without effect in the shadow.
func (s *shadow) honorSetAside(ctx context.Context) error {
	aside, err := s.store.SetAside(ctx)
	s.applier.HonorSetAside(aside)
	return err
}

// create creates the tables of the shadow with the columns of the tables in use. It creates only the keys and indexes
// that folding needs, because creating the others after the tables are filled is faster.
func (s *shadow) create(ctx context.Context) (err error) {
	if s.tables, err = readTables(ctx, s.conn, projections.Schema); err != nil {
		return err
	}
	var statements []string
	if s.schema != tempSchema {
		statements = append(statements, "CREATE SCHEMA "+s.schema)
	}
	for _, t := range s.tables {
		create := fmt.Sprintf("CREATE TABLE %s.%s (LIKE %s.%s INCLUDING ALL EXCLUDING INDEXES)", s.schema, t.Name, projections.Schema, t.Name)
		if t.Options != "" {
			create += " WITH (" + t.Options + ")"
		}
		statements = append(statements, create)
	}
	keys, err := s.keys(ctx, false)
	if err != nil {
		return err
	}
	indexes, err := s.indexes(ctx)
	if err != nil {
		return err
	}
	for _, k := range append(keys, slices.DeleteFunc(indexes, func(i statement) bool { return !i.erases() })...) {
		statements = append(statements, k.sql)
	}
	grants, err := s.grants(ctx)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error { // in one transaction, so that a killed rebuild leaves either all tables with their rights, or nothing
		if _, err := tx.Exec(ctx, strings.Join(append(statements, grants...), ";\n")); err != nil {
			return fmt.Errorf("create the tables of %s: %w", s.schema, err)
		}
		return s.applier.WriteVersions(ctx, tx)
	})
}

// grants returns the statements that grant the serving role its rights on the shadow, including the right to erase
// texts there. Temporary tables need none.
func (s *shadow) grants(ctx context.Context) ([]string, error) {
	if s.schema == tempSchema {
		return nil, nil
	}
	var exists bool
	if err := s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", eventstore.ServingRole).Scan(&exists); err != nil {
		return nil, fmt.Errorf("look for role %s: %w", eventstore.ServingRole, err)
	}
	if !exists {
		return nil, nil
	}
	return []string{
		fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", s.schema, eventstore.ServingRole),
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s", s.schema, eventstore.ServingRole),
	}, nil
}

// statement is a statement about one table of the shadow.
type statement struct {
	table, sql string
}

// erases reports whether a statement creates an index that is used to erase the texts of a user or participant. Without
// the index, each batch with an event that forgets somebody would read the whole table.
func (s statement) erases() bool {
	return slices.Contains([]string{"comment", "live", "message", "participant"}, s.table) &&
		(strings.Contains(s.sql, s.table+"_of_user ") || strings.Contains(s.sql, s.table+"_of_participant "))
}

// indexedSchema matches the definition of an index up to its table. A switch may rename the schema of the tables at any time.
var indexedSchema = regexp.MustCompile(`^(CREATE (?:UNIQUE )?INDEX \S+ ON )[^\s.]+\.`)

// indexes returns the statements that create the indexes that are not keys.
func (s *shadow) indexes(ctx context.Context) ([]statement, error) {
	var all []statement
	var table, definition string
	rows, err := s.conn.Query(ctx, selectIndexes, projections.Schema)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&table, &definition}, func() error {
			all = append(all, statement{table, indexedSchema.ReplaceAllString(definition, "${1}"+s.schema+".")})
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the indexes of the tables in use: %w", err)
	}
	return all, nil
}

// keys returns the statements that create the primary keys. If appendOnly is true, it returns those of the append-only
// tables, otherwise those of the other tables.
func (s *shadow) keys(ctx context.Context, appendOnly bool) ([]statement, error) {
	wanted := make(map[string]bool)
	for _, t := range s.tables {
		wanted[t.Name] = t.isAppendOnly() == appendOnly
	}
	var keys []statement
	var table, name, definition string
	rows, err := s.conn.Query(ctx, selectConstraints, projections.Schema)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&table, &name, &definition}, func() error {
			if wanted[table] {
				keys = append(keys, statement{table, fmt.Sprintf("ALTER TABLE %s.%s ADD CONSTRAINT %s %s", s.schema, table, name, definition)})
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of the tables in use: %w", err)
	}
	return keys, nil
}

// index creates the keys and indexes that create has left out, for two tables at a time.
func (s *shadow) index(ctx context.Context, pool *pgxpool.Pool) error {
	s.progress.at("index", s.at, s.at)
	todo, err := s.keys(ctx, true)
	if err != nil {
		return err
	}
	indexes, err := s.indexes(ctx)
	if err != nil {
		return err
	}
	todo = append(todo, slices.DeleteFunc(indexes, statement.erases)...)
	work := make(chan []string, len(s.tables))
	for _, t := range s.tables {
		var statements []string
		for _, i := range todo {
			if i.table == t.Name {
				statements = append(statements, i.sql)
			}
		}
		work <- append(statements, fmt.Sprintf("ANALYZE %s.%s", s.schema, t.Name))
	}
	close(work)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return execAll(ctx, s.conn, work) })
	g.Go(func() error {
		return withConn(ctx, pool, s.schema, func(conn *pgx.Conn) error { return execAll(ctx, conn, work) })
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("index the tables of %s: %w", s.schema, err)
	}
	return nil
}

// execAll executes the statements of work, one table after another.
func execAll(ctx context.Context, conn *pgx.Conn, work <-chan []string) error {
	for statements := range work {
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// decoded is a batch of decoded events that will be applied.
type decoded struct {
	events []eventstore.Record
	poison []projections.PoisonEvent
	halt   *projections.HaltError // why the batch cannot be applied; nil if it can. Only a verification continues to read after such a batch.
}

// fill applies the events up to position upTo to the shadow, in several transactions.
func (s *shadow) fill(ctx context.Context, upTo int64) error {
	return s.fold(ctx, upTo, func(d decoded) error {
		return pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{BeginQuery: "BEGIN; " + keepIndexPlans}, func(tx pgx.Tx) error { return s.apply(ctx, tx, d) })
	})
}

// fillIn applies the events up to position upTo to the shadow, in tx.
func (s *shadow) fillIn(ctx context.Context, tx pgx.Tx, upTo int64) error {
	if _, err := tx.Exec(ctx, keepIndexPlans); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if err := s.fold(ctx, upTo, func(d decoded) error { return s.apply(ctx, tx, d) }); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = on"); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

func (s *shadow) apply(ctx context.Context, tx pgx.Tx, d decoded) error {
	_, err := s.applier.Apply(ctx, tx, d.events, d.poison)
	return err
}

// fold reads the log up to position upTo and calls apply with each batch of events. While apply runs, fold decodes the
// next batches.
func (s *shadow) fold(ctx context.Context, upTo int64, apply func(decoded) error) error {
	if s.at >= upTo {
		return nil
	}
	s.progress.at("fold", s.at, upTo)
	g, ctx := errgroup.WithContext(ctx)
	ahead := make(chan decoded, readAhead)
	read := s.reader
	if read == nil {
		read = s.read
	}
	g.Go(func() error {
		defer close(ahead)
		return read(ctx, upTo, ahead)
	})
	g.Go(func() error {
		for d := range ahead {
			if err := apply(d); err != nil {
				return err
			}
			s.at = d.events[len(d.events)-1].Position
			s.progress.at("fold", s.at, upTo)
		}
		return ctx.Err()
	})
	return g.Wait()
}

// read reads and decodes the events after the position of the shadow up to position upTo, and sends them to ahead.
func (s *shadow) read(ctx context.Context, upTo int64, ahead chan<- decoded) error {
	for after := s.at; after < upTo; {
		events, err := s.store.ReadRaw(ctx, 0, after, upTo, foldSize)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return projections.GapError(after + 1)
		}
		if err := projections.CheckContiguous(events, after); err != nil {
			return err
		}
		poison, err := s.applier.Decode(ctx, events)
		if err != nil {
			return err
		}
		select {
		case ahead <- decoded{events: events, poison: poison}:
		case <-ctx.Done():
			return ctx.Err()
		}
		after = events[len(events)-1].Position
	}
	return nil
}

// compareAt applies the events up to the checkpoint to the shadow and compares it with the tables in use, in one
// transaction with one database snapshot. It returns the position of the checkpoint.
func (s *shadow) compareAt(ctx context.Context, report *Report) (at int64, err error) {
	err = pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		now, err := projections.ReadCheckpoint(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.fillIn(ctx, tx, now.Position); err != nil {
			return err
		}
		at = now.Position
		report.Differences, err = s.compareIn(ctx, tx, at)
		return err
	})
	return at, err
}

// compareIn compares the shadow with the tables in use. Both are at position at of the log.
func (s *shadow) compareIn(ctx context.Context, tx pgx.Tx, at int64) ([]Difference, error) {
	s.progress.at("compare", s.at, s.at)
	tables := slices.Clone(s.tables)
	if at == 0 { // no projector has recorded its versions yet
		tables = slices.DeleteFunc(tables, func(t table) bool { return t.Name == "projection" })
	}
	return compare(ctx, tx, tables, projections.Schema, s.schema)
}

// count counts the rows of the tables in a schema.
func (s *shadow) count(ctx context.Context, schema string, report *Report) error {
	report.Rows = make(map[string]int64)
	for _, t := range s.tables {
		var n int64
		if err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s.%s", schema, t.Name)).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", t.Name, err)
		}
		report.Rows[t.Name] = n
	}
	report.Poisoned = report.Rows["poison"]
	return nil
}
