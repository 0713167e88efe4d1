package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/localpg"
	"roomlog/internal/pgsession"
	"roomlog/migrations"
	"roomlog/projections"
	"roomlog/projections/rebuild"
)

// advice returns what an operator can do about err, or "" if there is no advice.
func advice(err error) string {
	var connect *pgconn.ConnectError
	var halt *projections.HaltError
	switch refusal := domain.AsRefusal(err); {
	case refusal != nil && refusal.Code == domain.CodeUserUnavailable:
		return "List the users: roomlog user list"
	case refusal != nil && refusal.Code == domain.CodeGiftNotFound:
		return "List the gifts: roomlog gift list --all"
	case refusal != nil && refusal.Code == domain.CodeNoBroadcast:
		return "List the streams: roomlog streams list"
	case errors.Is(err, localpg.ErrInUse):
		return "Another roomlog uses this data folder. Stop it, choose another folder (--data), or let both use one database (DATABASE_URL)."
	case errors.Is(err, localpg.ErrNoDatabase):
		return "Check --data (ROOMLOG_DATA), or set DATABASE_URL. To create a new database there: roomlog serve, or roomlog migrate"
	case errors.Is(err, cli.ErrRestoring):
		return "Run roomlog restore again with the same backup; it continues, or begins again."
	case errors.Is(err, migrations.ErrEmpty):
		return "Check DATABASE_URL. To make it a database of roomlog: roomlog serve, or roomlog migrate"
	case errors.Is(err, migrations.ErrOlder):
		return "Migrate it first: roomlog migrate, or start roomlog serve"
	case errors.Is(err, migrations.ErrNewer):
		return "Use the roomlog that migrated the database, or a newer one."
	case errors.Is(err, rebuild.ErrDifferent):
		return "The tables in use are kept. If they are the wrong ones (roomlog verify names the row): roomlog rebuild --force"
	case errors.Is(err, rebuild.ErrInProgress):
		return "Wait until the other rebuild is done."
	case errors.As(err, &halt):
		return "The tables are not updated until this is fixed; the log is not affected. For details: roomlog verify"
	case errors.Is(err, eventstore.ErrCursorLost):
		return "The log was restored to an earlier state, or this is another log. Name a position or a time instead of the cursor. An export begins again, to another file and without --after."
	case errors.Is(err, fs.ErrPermission):
		return "Run roomlog as the owner of the data folder, or choose another folder (--data)."
	case errors.Is(err, syscall.EADDRINUSE):
		return "Another process uses the port: stop it, or choose another address (--http-addr :7002, --rtmp-addr, --flv-addr)."
	case errors.Is(err, pgsession.ErrEncoding):
		return "" // the error says it
	case errors.As(err, &connect):
		return "Check that the database runs and that DATABASE_URL (or --data) is right."
	case errors.Is(err, context.Canceled):
		return "The command was stopped before it was done."
	}
	return ""
}
