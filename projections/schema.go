package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// The schemas of the read tables.
const (
	Schema     = "read"      // the tables in use
	NextSchema = "read_next" // the tables that a rebuild fills
)

// RebuildLock is the key of the advisory lock that a rebuild holds ("rebuld" in ASCII).
const RebuildLock int64 = 0x726562756c64

// replacedPrefix begins the name of a schema that a rebuild has replaced. The generation of its tables follows.
const replacedPrefix = "read_old_"

// A ReplacedSchema is a schema with read tables that a rebuild has replaced.
type ReplacedSchema struct {
	Name       string
	Generation int64     // generation of the tables
	Position   int64     // position of the tables
	ReplacedAt time.Time // time at which a rebuild replaced the schema
}

// replacedComment is the content of the comment on a replaced schema.
type replacedComment struct {
	Position int64     `json:"position"`
	Replaced time.Time `json:"replaced"`
}

// NewReplacedSchema describes the schema that a rebuild replaces at the time at.
func NewReplacedSchema(generation, position int64, at time.Time) ReplacedSchema {
	return ReplacedSchema{replacedPrefix + strconv.FormatInt(generation, 10), generation, position, at.UTC()}
}

// Comment returns the JSON that the database stores as the comment on s. ReplacedSchemas reads it.
func (s ReplacedSchema) Comment() (string, error) {
	text, err := json.Marshal(replacedComment{s.Position, s.ReplacedAt})
	return string(text), err
}

// GenerationComment returns the comment on Schema whose tables have a generation. It lets a verification find an edited
// generation.
func GenerationComment(generation int64) string {
	return fmt.Sprintf(`{"generation" : %d}`, generation) // as json_build_object of PostgreSQL writes it
}

// ReadGenerationComment returns the comment on Schema, or "" if it has none.
func ReadGenerationComment(ctx context.Context, db RowQuerier) (comment string, err error) {
	if err := db.QueryRow(ctx, selectGenerationComment).Scan(&comment); err != nil {
		return "", fmt.Errorf("read the comment on schema %s: %w", Schema, err)
	}
	return comment, nil
}

// Querier executes queries. A connection, a pool and a transaction implement it.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// ReplacedSchemas returns the schemas that rebuilds have replaced and that were not dropped yet, oldest first.
func ReplacedSchemas(ctx context.Context, db Querier) ([]ReplacedSchema, error) {
	rows, err := db.Query(ctx, selectReplacedSchemas)
	if err != nil {
		return nil, fmt.Errorf("read the replaced schemas: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ReplacedSchema, err error) {
		var text string
		if err := row.Scan(&s.Name, &text); err != nil {
			return s, err
		}
		if s.Generation, err = strconv.ParseInt(strings.TrimPrefix(s.Name, replacedPrefix), 10, 64); err != nil {
			return s, err
		}
		var comment replacedComment
		if err := json.Unmarshal([]byte(text), &comment); err != nil {
			return s, fmt.Errorf("the comment on schema %s: %w", s.Name, err)
		}
		s.Position, s.ReplacedAt = comment.Position, comment.Replaced
		return s, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the replaced schemas: %w", err)
	}
	return all, nil
}

// eraseOthers erases personal data of forgotten users and participants from all schemas that are not in use: the
// replaced schemas, and the schema that a killed rebuild has left. A running rebuild erases them itself when it applies
// the same events.
func eraseOthers(ctx context.Context, tx pgx.Tx, events []eventstore.Record) error {
	var forgotten []int64
	for _, r := range events {
		if e, ok := r.Event.(domain.ForgetEvent); ok {
			forgotten = append(forgotten, int64(e.ForgottenKeyOwner()))
		}
	}
	if len(forgotten) == 0 {
		return nil
	}
	replaced, err := ReplacedSchemas(ctx, tx)
	if err != nil {
		return err
	}
	for _, s := range replaced {
		if err := eraseIn(ctx, tx, s.Name, forgotten); err != nil {
			return err
		}
	}
	var left bool
	if err := tx.QueryRow(ctx, selectLeftSchema, NextSchema, RebuildLock).Scan(&left); err != nil {
		return fmt.Errorf("look for schema %s: %w", NextSchema, err)
	}
	if left {
		return eraseIn(ctx, tx, NextSchema, forgotten)
	}
	return nil
}

// eraseIn erases personal data of forgotten users and participants from the tables of a schema.
func eraseIn(ctx context.Context, tx pgx.Tx, schema string, forgotten []int64) error {
	b := &pgx.Batch{}
	b.Queue("SELECT set_config('search_path', $1, true)", schema+",public")
	for _, erase := range []string{eraseUserAccount, eraseLive, eraseComment, eraseEmail, eraseParticipant, eraseMessage} {
		b.Queue(erase, forgotten)
	}
	b.Queue("SELECT set_config('search_path', $1, true)", Schema+",public")
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("erase personal data in schema %s (drop it if it is too old for this program): %w", schema, err)
	}
	return nil
}
