package erasure_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
	"roomlog/eventstore/erasure"
	"roomlog/eventstore/pgtest"
)

// filesWith returns the files in dir that contain secret.
func filesWith(t *testing.T, dir string, secret []byte) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // PostgreSQL removes files meanwhile
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, secret) {
			found = append(found, strings.TrimPrefix(path, dir))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRewriteLeavesNoKeyInTheFiles(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, pgtest.Setting("full_page_writes", "on"))
	db := server.Open()
	var dir string
	if err := db.Owner.QueryRow(t.Context(), "SHOW data_directory").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	key, kept, hash := bytes.Repeat([]byte("doomed-k"), 4), bytes.Repeat([]byte("kept-key"), 4), "a-doomed-password-hash"
	for _, sql := range []string{
		"INSERT INTO user_key SELECT n, sha256(n::text::bytea) FROM generate_series(10, 300) AS n",
		"CHECKPOINT",
	} {
		if _, err := db.Owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	id := eventstore.CredentialID(hash)
	for _, p := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO user_key VALUES (1, $1), (2, $2)", []any{key, kept}},
		{"INSERT INTO credential VALUES ($1, $2, now())", []any{id, hash}},
		{"DELETE FROM user_key WHERE user_id = 1", nil},
		{"DELETE FROM credential WHERE id = $1", []any{id}},
	} {
		if _, err := db.Owner.Exec(t.Context(), p.sql, p.args...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Owner.Exec(t.Context(), "CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	if found := filesWith(t, dir, key); len(found) < 2 {
		t.Fatalf("the key is only in %v: the test would prove nothing", found)
	}
	remains, err := erasure.Rewrite(t.Context(), db.Owner)
	if err != nil || len(remains) > 0 {
		t.Fatalf("%v, %q", err, remains)
	}
	for what, secret := range map[string][]byte{"key": key, "password hash": []byte(hash)} {
		if found := filesWith(t, dir, secret); len(found) > 0 {
			t.Errorf("the %s is in %v", what, found)
		}
	}
	if found := filesWith(t, dir, kept); len(found) == 0 {
		t.Error("the key of another user is lost")
	}
}

func TestRewriteReportsWhatRemains(t *testing.T) {
	t.Parallel()
	t.Run("without the rights of a superuser", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		if !db.Serving {
			t.Skip("the server has no serving role")
		}
		remains, err := erasure.Rewrite(t.Context(), db.Pool)
		if err != nil || len(remains) == 0 || !strings.Contains(remains[len(remains)-1], "the write-ahead log, until its segments are overwritten") {
			t.Errorf("%v, %q", err, remains)
		}
	})
	t.Run("while a transaction keeps deleted rows", func(t *testing.T) {
		t.Parallel()
		db := pgtest.Server(t).Open()
		if _, err := db.Owner.Exec(t.Context(), "INSERT INTO user_key VALUES (1, sha256(''))"); err != nil {
			t.Fatal(err)
		}
		tx, err := db.Owner.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		var n int
		if err := tx.QueryRow(t.Context(), "SELECT count(*) FROM store").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Owner.Exec(t.Context(), "DELETE FROM user_key"); err != nil {
			t.Fatal(err)
		}
		remains, err := erasure.Rewrite(t.Context(), db.Owner)
		if err != nil || len(remains) != 1 || !strings.HasPrefix(remains[0], "the files of the tables: an open transaction (process ") {
			t.Errorf("%v, %q", err, remains)
		}
	})
	t.Run("while a transaction of another database has written", func(t *testing.T) {
		t.Parallel()
		db := pgtest.Server(t).Open()
		config := db.Owner.Config().ConnConfig.Copy()
		config.Database = "postgres"
		other, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close(t.Context()) }()
		for _, statement := range []string{"BEGIN", "SELECT txid_current()"} {
			if _, err := other.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range []string{"INSERT INTO user_key VALUES (1, sha256(''))", "DELETE FROM user_key"} {
			if _, err := db.Owner.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		remains, err := erasure.Rewrite(t.Context(), db.Owner)
		if err != nil || len(remains) != 1 || !strings.HasPrefix(remains[0], "the files of the tables: an open transaction (process ") {
			t.Errorf("%v, %q", err, remains)
		}
	})
}
