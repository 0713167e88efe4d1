package fingerprint_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/eventstore/fingerprint"
	"roomlog/eventstore/pgtest"
)

// cheap is the memory of a fingerprint in tests, in KiB.
const cheap = 64

// servers returns the pool of a new database with the rights of a server.
func servers(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 4, Name: "servers"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestCheck(t *testing.T) {
	t.Parallel()
	pool := servers(t)
	for _, start := range []struct {
		jwt, sign        string // values of the two secrets, the newest first
		replace          bool
		replaced, differ string
	}{
		{jwt: "a", sign: "s"},
		{jwt: "a", sign: "s"},
		{jwt: "b", sign: "s", differ: "jwt"},
		{jwt: "b", sign: "r", differ: "jwt sign"},
		{jwt: "a b", sign: "s"},              // first step of a replacement
		{jwt: "b", sign: "s", differ: "jwt"}, // the old value is dropped too early
		{jwt: "b a", sign: "s", replaced: "jwt"},
		{jwt: "b a", sign: "s"},
		{jwt: "a b", sign: "s", replaced: "jwt"}, // a server that was late
		{jwt: "b a", sign: "s", replaced: "jwt"},
		{jwt: "b", sign: "s"},
		{jwt: "a", sign: "s", differ: "jwt"},
		{jwt: "c", sign: "r s", differ: "jwt"}, // nothing is stored
		{jwt: "b", sign: "s"},
		{jwt: "c", sign: "s", replace: true, replaced: "jwt"},
		{jwt: "c", sign: "s", replace: true},
		{jwt: "b", sign: "s", differ: "jwt"},
	} {
		c := fingerprint.Config{Log: "log", MemoryKiB: cheap, Replace: start.replace, Secrets: []fingerprint.Secret{
			{Name: "jwt", NewestFirst: strings.Fields(start.jwt)}, {Name: "sign", NewestFirst: strings.Fields(start.sign)}}}
		replaced, err := fingerprint.Check(t.Context(), pool, c)
		var differ []string
		var mismatch *fingerprint.MismatchError
		if errors.As(err, &mismatch) {
			differ = mismatch.Names
		} else if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(replaced, strings.Fields(start.replaced)) || !slices.Equal(differ, strings.Fields(start.differ)) {
			t.Errorf("%+v: replaced %q, refused because of %q", start, replaced, differ)
		}
	}
}

// TestServersStartAtTheSameTime checks that exactly one of several servers with different secrets starts.
func TestServersStartAtTheSameTime(t *testing.T) {
	t.Parallel()
	pool := servers(t)
	var started [4]error
	var g errgroup.Group
	for i := range started {
		g.Go(func() error {
			_, started[i] = fingerprint.Check(t.Context(), pool, fingerprint.Config{Log: "log", MemoryKiB: cheap,
				Secrets: []fingerprint.Secret{{Name: "jwt", NewestFirst: []string{string(rune('a' + i))}}}})
			return nil
		})
	}
	_ = g.Wait()
	n := 0
	for _, err := range started {
		var mismatch *fingerprint.MismatchError
		switch {
		case err == nil:
			n++
		case !errors.As(err, &mismatch):
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d servers have started", n)
	}
}

// TestFingerprintsDoNotTellSecrets checks that equal secrets of two names or logs have different fingerprints, which do not contain
// the secrets.
func TestFingerprintsDoNotTellSecrets(t *testing.T) {
	t.Parallel()
	const secret = "a secret that nobody may read"
	var all [][]byte
	for _, log := range []string{"first", "second"} {
		pool := servers(t)
		c := fingerprint.Config{Log: log, MemoryKiB: cheap, Secrets: []fingerprint.Secret{{Name: "jwt", NewestFirst: []string{secret}}, {Name: "sign", NewestFirst: []string{secret}}}}
		if _, err := fingerprint.Check(t.Context(), pool, c); err != nil {
			t.Fatal(err)
		}
		rows, err := pool.Query(t.Context(), "SELECT fingerprint FROM secret_fingerprint")
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil || len(found) != 2 {
			t.Fatalf("%d fingerprints, %v", len(found), err)
		}
		all = append(all, found...)
	}
	for i, f := range all {
		if bytes.Contains(f, []byte("secret")) || slices.ContainsFunc(all[:i], func(other []byte) bool { return bytes.Equal(f, other) }) {
			t.Errorf("fingerprint %d: %x", i, f)
		}
	}
}

// TestGuessesAreExpensive checks that a guess at a secret takes much memory, and that a later version computes the same fingerprint.
// It is not parallel, because it measures the memory that the process allocates.
func TestGuessesAreExpensive(t *testing.T) {
	pool := servers(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := fingerprint.Check(t.Context(), pool, fingerprint.Config{Log: "log", Secrets: []fingerprint.Secret{{Name: "jwt", NewestFirst: []string{"a"}}}})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated < 32<<20 {
		t.Errorf("a fingerprint takes %d bytes of memory, want at least 32 MiB", allocated)
	}
	var stored []byte
	if err := pool.QueryRow(t.Context(), "SELECT fingerprint FROM secret_fingerprint").Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(stored), "2238a82545d01ec161d293aab1578f175e8774682054485b6e33c9852da52fcd"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}
