package main_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
)

// idleTime is the duration of the measurement.
const idleTime = 10 * time.Second

// BenchmarkFigureIdle measures what an idle server writes to the database. It has a live on air and viewers who send
// nothing.
func BenchmarkFigureIdle(b *testing.B) {
	data := dataDir(b)
	at := serve(b, nil, "--data", data)
	live := join(b, at, "streamer").open("a quiet evening")
	for _, name := range []string{"anna", "bert", "carl"} {
		enter(b, join(b, at, name).connect(""), live, "")
	}
	dsn, err := localpg.Attach(data)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	written := func() (xids, wal int64) {
		err := conn.QueryRow(b.Context(),
			"SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&xids, &wal)
		if err != nil {
			b.Fatal(err)
		}
		return xids, wal
	}
	settled := 0
	for xids, wal := written(); settled < 20; { // waits until nothing was written for two seconds
		<-time.After(100 * time.Millisecond)
		now, nowWAL := written()
		if now == xids && nowWAL == wal {
			settled++
		} else {
			settled = 0
		}
		xids, wal = now, nowWAL
	}
	for b.Loop() {
		xids, wal := written()
		<-time.After(idleTime)
		afterXids, afterWAL := written()
		b.ReportMetric(float64(afterXids-xids), "idle_xids")
		b.ReportMetric(float64(afterWAL-wal), "idle_wal_bytes")
	}
}
