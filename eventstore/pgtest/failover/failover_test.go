package failover_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/waittest"
)

// notes is a table of the database behind an address.
type notes struct {
	t   testing.TB
	d   *failover.Database
	dsn string // "": that of the address
}

func (n notes) do(sql string) {
	n.t.Helper()
	if err := n.try(sql); err != nil {
		n.t.Fatal(err)
	}
}

func (n notes) try(sql string) error {
	conn, err := pgx.Connect(n.t.Context(), cmp.Or(n.dsn, n.d.DSN()))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(n.t.Context()))
	_, err = conn.Exec(n.t.Context(), sql)
	return err
}

func (n notes) add(number int) {
	n.t.Helper()
	n.do("INSERT INTO note VALUES (" + strconv.Itoa(number) + ")")
}

func (n notes) want(numbers ...int) {
	n.t.Helper()
	conn, err := pgx.Connect(n.t.Context(), cmp.Or(n.dsn, n.d.DSN()))
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(n.t.Context()))
	rows, err := conn.Query(n.t.Context(), "SELECT number FROM note ORDER BY number")
	if err != nil {
		n.t.Fatal(err)
	}
	if got, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || !slices.Equal(got, numbers) {
		n.t.Errorf("the database has %v, want %v (%v)", got, numbers, err)
	}
}

func TestDatabaseFallsBackToAnEarlierState(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	n := notes{t: t, d: d}
	n.do("CREATE TABLE note (number int)")
	n.add(1)
	dump, backup := d.Dump(), d.Backup()
	n.add(2)
	point := d.Point("two")
	n.add(3)
	standby := d.Standby()
	n.add(4)
	standby.CatchUp()
	standby.HoldBack()
	n.add(5)
	n.want(1, 2, 3, 4, 5)
	d.Promote(standby)
	n.want(1, 2, 3, 4)
	n.add(6)
	d.RestoreTo(backup, point)
	n.want(1, 2)
	n.add(7)
	d.Restore(backup)
	n.want(1)
	n.add(8)
	d.RestoreDump(dump)
	n.want(1)
	n.add(9)
	n.want(1, 9)
}

func TestSynchronousStandbyHasEveryCommit(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	n := notes{t: t, d: d}
	n.do("CREATE TABLE note (number int)")
	standby := d.Standby()
	standby.Synchronous()
	n.add(1)
	d.Promote(standby)
	n.add(2)
	n.want(1, 2)
}

func TestFormerPrimaryComesBackAsAStandby(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	first := d.Standby()
	n := notes{t, d, d.HostsDSN(first)}
	n.do("CREATE TABLE note (number int)")
	first.Synchronous()
	n.add(1)
	first.Kill()
	committed := make(chan error, 1)
	go func() { committed <- n.try("INSERT INTO note VALUES (2)") }()
	d.AwaitCommit()
	first.Start()
	if err := waittest.Receive(t, committed, "the commit"); err != nil {
		t.Fatal(err)
	}
	d.Promote(first)
	n.add(3)
	second := d.Rejoin()
	second.Synchronous()
	n.add(4)
	d.Promote(second)
	n.add(5)
	n.want(1, 2, 3, 4, 5)
}
