package consumer

import (
	"strings"
	"testing"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
)

// TestRowsReturnTheirError checks that an error after the first rows is not mistaken for the end of the rows.
// Watermill-sql never calls the method that returns this error.
func TestRowsReturnTheirError(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Blank(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	found, err := conn.Query(t.Context(), `SELECT n::bigint, 'username-x', 1, gen_random_uuid(), 'username.claimed.v1', '{}'::json, NULL::bigint, now(), 0::bigint, 0::bigint, NULL::uuid, NULL::uuid
		FROM generate_series(1, 10000) AS n WHERE 1 / (n - 9999) IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	r := &rows{rows: found, tx: &transaction{}}
	if !r.Next() {
		t.Fatal("the error looks like the end of the rows")
	}
	_, err = schema{}.UnmarshalMessage(wsql.UnmarshalMessageParams{Row: r})
	if err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("got %v", err)
	}
	if r.Next() {
		t.Error("more than one row")
	}
}
