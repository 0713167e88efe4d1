package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
)

// How a shadow is filled.
const (
	readAtOnce = 5_000  // events of one look at the log
	foldAtOnce = 20_000 // events of one transaction: most rows of a busy room are written once, not a thousand times
	readAhead  = 4      // looks that wait to be folded
	serving    = "read"
	tempSchema = "pg_temp"
	nextSchema = "read_next"
)

// shadow is a second set of read tables, filled from the log beside the ones in use.
type shadow struct {
	folder *folder
	store  *eventstore.Store
	conn   *pgx.Conn // finds the shadow's tables first
	schema string
	teller *teller
	check  func([]eventstore.Record) error // hears every event in order; may be nil

	tables []tableOf
	at     int64 // its tables have everything up to here
}

// tableOf is a read table: its name, and the columns of its primary key.
type tableOf struct {
	Name    string
	Options string
	Key     []string
}

// appended says whether the table only ever gets new rows while it is folded: its key is the position.
func (t tableOf) appended() bool { return len(t.Key) > 0 && t.Key[0] == "position" }

// create makes the shadow's tables like the ones in use, with those keys that folding needs, and without
// other indexes: a filled table is indexed faster than an indexed one is filled.
func (s *shadow) create(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, selectTables, serving)
	if err != nil {
		return fmt.Errorf("look at the tables in use: %w", err)
	}
	if s.tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[tableOf]); err != nil {
		return fmt.Errorf("look at the tables in use: %w", err)
	}
	var statements []string
	for _, t := range s.tables {
		table := fmt.Sprintf("CREATE TABLE %s.%s (LIKE %s.%s INCLUDING ALL EXCLUDING INDEXES)", s.schema, t.Name, serving, t.Name)
		if t.Options != "" {
			table += " WITH (" + t.Options + ")"
		}
		statements = append(statements, table)
	}
	keys, err := s.keys(ctx, false)
	if err != nil {
		return err
	}
	for _, k := range keys {
		statements = append(statements, k.sql)
	}
	if _, err := s.conn.Exec(ctx, strings.Join(statements, ";\n")); err != nil {
		return fmt.Errorf("make the tables of %s: %w", s.schema, err)
	}
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error { return s.folder.claim(ctx, tx) })
}

// statement is one that concerns one table of the shadow.
type statement struct {
	table, sql string
}

// keys answers what makes the keys of the shadow's tables: of those that folding only appends to, or of the others.
func (s *shadow) keys(ctx context.Context, appended bool) ([]statement, error) {
	wanted := make(map[string]bool)
	for _, t := range s.tables {
		wanted[t.Name] = t.appended() == appended
	}
	var keys []statement
	var table, name, definition string
	rows, err := s.conn.Query(ctx, selectKeys, serving)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&table, &name, &definition}, func() error {
			if wanted[table] {
				keys = append(keys, statement{table, fmt.Sprintf("ALTER TABLE %s.%s ADD CONSTRAINT %s %s", s.schema, table, name, definition)})
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("look at the keys of the tables in use: %w", err)
	}
	return keys, nil
}

// index makes the keys and indexes that create left out, two tables at a time.
func (s *shadow) index(ctx context.Context, pool *pgxpool.Pool) error {
	s.teller.at("index", s.at, s.at)
	todo, err := s.keys(ctx, true)
	if err != nil {
		return err
	}
	var table, definition string
	rows, err := s.conn.Query(ctx, selectIndexes, serving)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&table, &definition}, func() error {
			todo = append(todo, statement{table, strings.Replace(definition, " ON "+serving+".", " ON "+s.schema+".", 1)})
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("look at the indexes of the tables in use: %w", err)
	}
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
	g.Go(func() error { return runAll(ctx, s.conn, work) })
	g.Go(func() error {
		return apart(ctx, pool, s.schema, func(conn *pgx.Conn) error { return runAll(ctx, conn, work) })
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("index the tables of %s: %w", s.schema, err)
	}
	return nil
}

// runAll runs the statements of one table after another.
func runAll(ctx context.Context, conn *pgx.Conn, work <-chan []string) error {
	for statements := range work {
		for _, sql := range statements {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// decoded is some events on their way from the log to the tables.
type decoded struct {
	events []eventstore.Record
	aside  []poison
}

// fill brings the shadow up to a position, in transactions of its own.
func (s *shadow) fill(ctx context.Context, upTo int64) error {
	return s.through(ctx, upTo, func(d decoded) error {
		return pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{BeginQuery: "BEGIN; " + byIndex}, func(tx pgx.Tx) error { return s.take(ctx, tx, d) })
	})
}

// fillIn brings the shadow up to a position within tx.
func (s *shadow) fillIn(ctx context.Context, tx pgx.Tx, upTo int64) error {
	if _, err := tx.Exec(ctx, byIndex); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if err := s.through(ctx, upTo, func(d decoded) error { return s.take(ctx, tx, d) }); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = on"); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

// byIndex keeps the plans that were made while the tables were empty from reading them through when they are large.
const byIndex = "SET LOCAL enable_seqscan = off"

func (s *shadow) take(ctx context.Context, tx pgx.Tx, d decoded) error {
	_, err := s.folder.apply(ctx, tx, d.events, d.aside)
	return err
}

// through reads the log up to a position and gives it to take, while it reads on.
func (s *shadow) through(ctx context.Context, upTo int64, take func(decoded) error) error {
	if s.at >= upTo {
		return nil
	}
	s.teller.at("fold", s.at, upTo)
	g, ctx := errgroup.WithContext(ctx)
	ahead := make(chan decoded, readAhead)
	g.Go(func() error {
		defer close(ahead)
		return s.read(ctx, upTo, ahead)
	})
	g.Go(func() error {
		for d := range ahead {
			if err := take(d); err != nil {
				return err
			}
			s.at = d.events[len(d.events)-1].Position
			s.teller.at("fold", s.at, upTo)
		}
		return ctx.Err()
	})
	return g.Wait()
}

// read decodes the log from where the shadow is up to a position.
func (s *shadow) read(ctx context.Context, upTo int64, ahead chan<- decoded) error {
	for after := s.at; after < upTo; {
		events, err := s.store.ReadRaw(ctx, 0, after, upTo, foldAtOnce)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return &HaltError{Position: after + 1, Err: errors.New("the log has a hole: this position is missing")}
		}
		if err := whole(events, after); err != nil {
			return err
		}
		aside, err := s.folder.decode(ctx, events)
		if err != nil {
			return err
		}
		if s.check != nil {
			if err := s.check(events); err != nil {
				return err
			}
		}
		select {
		case ahead <- decoded{events, aside}:
		case <-ctx.Done():
			return ctx.Err()
		}
		after = events[len(events)-1].Position
	}
	return nil
}
