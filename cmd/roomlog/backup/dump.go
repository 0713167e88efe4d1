package backup

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/transparency/tree"
	"roomlog/internal/pgsession"
	"roomlog/migrations"
)

//go:embed sql/select_state.sql
var selectState string

//go:embed sql/count_files.sql
var countFiles string

// partBytes is the size of a part of the dump. A part is kept in memory until it is complete, because a tar stream contains the
// size of a file before its content.
const partBytes = 16 << 20

// connect opens a connection with the rights of the owner of the database.
func connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := pgsession.Parse(dsn)
	if err != nil {
		return nil, err
	}
	if _, err := pgsession.CheckPooler(ctx, config); err != nil {
		return nil, err
	}
	pgsession.Set(config, map[string]string{"application_name": "roomlog backup", "search_path": "public", "idle_in_transaction_session_timeout": "0"})
	return pgx.ConnectConfig(ctx, config)
}

// snapshot is a transaction that sees the database of one moment.
type snapshot struct {
	tx pgx.Tx
	id string // name of the snapshot, with which other sessions can read it
}

// begin begins a snapshot and writes the state of the log to the manifest.
func begin(ctx context.Context, conn *pgx.Conn, m *Manifest) (s snapshot, err error) {
	if s.tx, err = conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err != nil {
		return s, err
	}
	if err := migrations.CheckMigrated(ctx, conn); err != nil {
		return s, err
	}
	if err := s.tx.QueryRow(ctx, selectState).Scan(&s.id, &m.Postgres, &m.Log, &m.Position, &m.EventID); err != nil {
		return s, fmt.Errorf("read the state of the log: %w", err)
	}
	if m.Migration, err = migrations.Version(ctx, conn); err != nil {
		return s, err
	}
	switch newest := migrations.Newest(); {
	case m.Migration > newest:
		return s, fmt.Errorf("%w: its migration is %d, the newest known one is %d", migrations.ErrNewer, m.Migration, newest)
	case m.Migration < newest:
		return s, nil // an older database has other tables of the transparency log
	}
	state, err := tree.ReadState(ctx, s.tx)
	m.Checkpoint = string(state.Signed)
	return s, err
}

// listedFiles are the numbers of files that the log lists.
type listedFiles struct{ uploads, recordings int }

// files returns the numbers of uploads and of finished recordings that are not deleted. Old databases have no such tables.
func (s snapshot) files(ctx context.Context) (n listedFiles, err error) {
	var found bool
	err = s.tx.QueryRow(ctx, "SELECT to_regclass('read.upload') IS NOT NULL AND to_regclass('read.recording') IS NOT NULL").Scan(&found)
	if err != nil || !found {
		return n, err
	}
	err = s.tx.QueryRow(ctx, countFiles).Scan(&n.uploads, &n.recordings)
	return n, err
}

// dump runs pg_dump on the snapshot and calls add with each part of the dump.
func (s snapshot) dump(ctx context.Context, tool localpg.Tool, dsn string, lockTimeout time.Duration, add func(part []byte) error) error {
	env, err := pgsession.LibpqEnvironment(dsn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := tool.Run(ctx, nil, w, env, "--format=custom", "--snapshot="+s.id, "--no-owner", "--no-privileges", "--no-tablespaces", "--no-security-labels",
			"--no-publications", "--no-subscriptions", "--exclude-schema=read_next", "--exclude-schema=read_old_*", "--exclude-schema=analytics",
			"--lock-wait-timeout="+strconv.FormatInt(lockTimeout.Milliseconds(), 10), "--no-password")
		_ = w.CloseWithError(err) // nil: the end of the dump
		ended <- err
	}()
	err = parts(r, add)
	if err != nil {
		cancel(err)
	}
	_ = r.Close()
	if runErr := <-ended; runErr != nil {
		return runErr
	}
	return err
}

// parts splits r into parts of at most partBytes.
func parts(r io.Reader, add func(part []byte) error) error {
	for {
		var part bytes.Buffer
		n, err := io.Copy(&part, io.LimitReader(r, partBytes))
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := add(part.Bytes()); err != nil {
			return err
		}
	}
}
