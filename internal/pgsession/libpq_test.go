package pgsession_test

import (
	"slices"
	"testing"

	"roomlog/internal/pgsession"
)

func TestLibpqEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dsn  string
		want []string
	}{
		{"postgres://anna:s%20ecret@db:5433/rooms?sslmode=verify-full&statement_timeout=60s",
			[]string{"PGDATABASE=rooms", "PGHOST=db", "PGPASSWORD=s ecret", "PGPORT=5433", "PGSSLMODE=verify-full", "PGUSER=anna"}},
		{"postgresql://a,b:2/rooms?target_session_attrs=read-write", []string{"PGDATABASE=rooms", "PGHOST=a,b", "PGPORT=,2", "PGTARGETSESSIONATTRS=read-write"}},
		{"postgres://roomlog@/roomlog?host=%2Frun%2Fa+b&port=5432&sslmode=disable", []string{"PGDATABASE=roomlog", "PGHOST=/run/a b", "PGPORT=5432", "PGSSLMODE=disable", "PGUSER=roomlog"}},
		{"postgres://[::1]:5433/rooms", []string{"PGDATABASE=rooms", "PGHOST=::1", "PGPORT=5433"}},
		{`host=db  port = 5433 user='the owner' password='it\'s \\ ' database=rooms work_mem=8MB`,
			[]string{"PGDATABASE=rooms", "PGHOST=db", `PGPASSWORD=it's \ `, "PGPORT=5433", "PGUSER=the owner"}},
		{"", nil},
	} {
		got, err := pgsession.LibpqEnvironment(tt.dsn)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v", tt.dsn, got, err)
		}
	}
	for _, dsn := range []string{"postgres://u:geheim@h:port/d", "host"} {
		if env, err := pgsession.LibpqEnvironment(dsn); err == nil {
			t.Errorf("%s: %q", dsn, env)
		}
	}
}
