package pgsession_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/pooler"
	"roomlog/internal/pgsession"
)

func connect(t *testing.T, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func parameter(t *testing.T, conn *pgx.Conn, name string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func parse(t *testing.T, dsn string) *pgx.ConnConfig {
	t.Helper()
	config, err := pgsession.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestSet(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	for name, address := range map[string]string{"directly": dsn, "through PgBouncer": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if address == "" {
				address = pooler.Start(t, dsn, pooler.Session)
			}
			config := parse(t, address+"&work_mem=65kB&search_path=public&TimeZone=Asia/Shanghai")
			pgsession.Set(config, map[string]string{"search_path": "read,public", "lock_timeout": "4s"})
			derived := config.Copy()
			pgsession.Set(derived, map[string]string{"lock_timeout": "5s", "role": "roomlog_serving", "application_name": "it's roomlog"})
			for _, tt := range []struct {
				config                                      *pgx.ConnConfig
				lockTimeout, role, application, description string
			}{
				{config, "4s", "none", "", "the first configuration"},
				{derived, "5s", "roomlog_serving", "it's roomlog", "a derived configuration"},
			} {
				conn := connect(t, tt.config)
				for setting, want := range map[string]string{"work_mem": "65kB", "search_path": "read,public", "TimeZone": "Asia/Shanghai",
					"lock_timeout": tt.lockTimeout, "role": tt.role, "application_name": tt.application} {
					if got := parameter(t, conn, setting); got != want {
						t.Errorf("%s of %s: got %q, want %q", setting, tt.description, got, want)
					}
				}
			}
		})
	}
}

func TestParseOverridesTheDefaultsOfADatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for _, setting := range []string{"default_transaction_isolation = 'serializable'", "default_transaction_read_only = on", "statement_timeout = '1min'",
		"idle_in_transaction_session_timeout = '1min'", "idle_session_timeout = '1min'", "lock_timeout = '1min'", "standard_conforming_strings = off", "quote_all_identifiers = on", "client_encoding = 'LATIN1'"} {
		if _, err := db.Owner.Exec(t.Context(), "DO $do$ BEGIN EXECUTE format($$ALTER DATABASE %I SET "+setting+"$$, current_database()); END $do$"); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range []string{db.DSN, db.DSN + "&client_encoding=LATIN1", db.DSN + "&options=-cclient_encoding%3DLATIN1"} {
		conn := connect(t, parse(t, address))
		for name, want := range map[string]string{"transaction_isolation": "read committed", "transaction_read_only": "off", "statement_timeout": "0",
			"idle_in_transaction_session_timeout": "0", "idle_session_timeout": "0", "lock_timeout": "0", "standard_conforming_strings": "on", "quote_all_identifiers": "off", "client_encoding": "UTF8"} {
			if got := parameter(t, conn, name); got != want {
				t.Errorf("%s: %s: got %q, want %q", address, name, got, want)
			}
		}
	}
}

func TestConnectRefusesOtherEncodings(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		config := parse(t, pgtest.Encoded(t, encoding))
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err == nil {
			t.Errorf("%s: connected: %v", encoding, conn.Close(t.Context()))
		} else if !errors.Is(err, pgsession.ErrEncoding) || !strings.Contains(err.Error(), encoding) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

func TestSetReturnsTheErrorOfTheDatabase(t *testing.T) {
	t.Parallel()
	config := parse(t, pgtest.Blank(t))
	pgsession.Set(config, map[string]string{"role": "nobody-of-this-name"})
	if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Errorf("connected: %v", conn.Close(t.Context()))
	}
}

func TestCheckPooler(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		address  func(t *testing.T, dsn string) string
		pooled   bool
		want     error
		occupied int // number of sessions that other clients hold
		left     int // number of sessions whose clients have left
	}{
		{name: "accepts the database itself", address: func(_ *testing.T, dsn string) string { return dsn }},
		{name: "accepts session mode", pooled: true, address: behind(pooler.Session)},
		{name: "accepts session mode with other clients", pooled: true, address: behind(pooler.Session), occupied: 5},
		{name: "refuses transaction mode", pooled: true, want: pgsession.ErrTransactionPooling, address: behind(pooler.Transaction)},
		{name: "refuses transaction mode with one session", pooled: true, want: pgsession.ErrTransactionPooling, address: behind(pooler.Transaction, "default_pool_size = 1")},
		{name: "refuses transaction mode that takes turns", pooled: true, want: pgsession.ErrTransactionPooling, address: behind(pooler.Transaction, "server_round_robin = 1"), occupied: 5},
		{name: "refuses statement mode", pooled: true, want: pgsession.ErrTransactionPooling, address: behind(pooler.Statement)},
		{name: "refuses sessions that are not reset", pooled: true, want: pgsession.ErrNoReset, address: behind(pooler.Session, "server_reset_query =")},
		{name: "refuses sessions that are not reset and that take turns", pooled: true, want: pgsession.ErrNoReset, address: behind(pooler.Session, "server_reset_query =", "server_round_robin = 1"), left: 5},
		{name: "refuses transaction mode with a reset after each transaction", pooled: true, want: pgsession.ErrTransactionPooling, address: behind(pooler.Transaction, "server_reset_query_always = 1")},
		{name: "refuses a pool with one session", pooled: true, want: pgsession.ErrPoolTooSmall, address: behind(pooler.Session, "default_pool_size = 1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := tt.address(t, pgtest.Blank(t))
			for range tt.occupied {
				if _, err := connect(t, parse(t, address)).Exec(t.Context(), "SELECT 1", pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatal(err)
				}
			}
			var others []*pgx.Conn
			for range tt.left {
				others = append(others, connect(t, parse(t, address)))
				if _, err := others[len(others)-1].Exec(t.Context(), "SELECT 1", pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatal(err)
				}
			}
			for _, conn := range others {
				if err := conn.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 3 { // A check leaves nothing behind that disturbs the next one.
				pooled, err := pgsession.CheckPooler(t.Context(), parse(t, address))
				if pooled != tt.pooled || !errors.Is(err, tt.want) {
					t.Fatalf("got %v, %v; want %v, %v", pooled, err, tt.pooled, tt.want)
				}
				if errors.Is(tt.want, pgsession.ErrPoolTooSmall) || tt.left > 0 { // These checks take seconds.
					break
				}
			}
		})
	}
}

// behind returns a function that puts PgBouncer in front of a database.
func behind(mode pooler.Mode, settings ...string) func(*testing.T, string) string {
	return func(t *testing.T, dsn string) string { return pooler.Start(t, dsn, mode, settings...) }
}
