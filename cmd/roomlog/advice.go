package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/localpg"
	"roomlog/migrations"
	"roomlog/projections"
)

// advice says what an operator can do about err, or nothing.
func advice(err error) string {
	var connect *pgconn.ConnectError
	var halt *projections.HaltError
	switch no := domain.AsRefusal(err); {
	case no != nil && no.Code == domain.CodeUserUnavailable:
		return "See who there is: roomlog user list"
	case no != nil && no.Code == domain.CodeGiftNotFound:
		return "See which there are: roomlog gift list --all"
	case no != nil && no.Code == domain.CodeNoBroadcast:
		return "See which there are: roomlog streams list"
	case errors.Is(err, localpg.ErrInUse):
		return "A roomlog serves from this folder already. Stop it, give this one a folder of its own (--data), or let both use one database (DATABASE_URL)."
	case errors.Is(err, migrations.ErrNewer):
		return "Use the roomlog that migrated it, or a newer one."
	case errors.Is(err, projections.ErrDifferent):
		return "The ones in use are kept. If they are the wrong ones (roomlog verify names the row): roomlog rebuild --force"
	case errors.Is(err, projections.ErrRebuilding):
		return "Wait until it is done."
	case errors.As(err, &halt):
		return "Until that is put right the tables stand still; the log is safe. roomlog verify says more."
	case errors.Is(err, eventstore.ErrCursorLost):
		return "The log was restored to an earlier day, or this is another log: begin anew, with another file and without --after."
	case errors.Is(err, fs.ErrPermission):
		return "Run it as the user who owns the data folder, or choose another one (--data)."
	case errors.Is(err, syscall.EADDRINUSE):
		return "Something else listens there: stop it, or choose another address (--http-addr :7002, --rtmp-addr, --flv-addr)."
	case errors.As(err, &connect):
		return "Is the database running, and is DATABASE_URL (or --data) right?"
	case errors.Is(err, context.Canceled):
		return "Stopped before it was done."
	}
	return ""
}
