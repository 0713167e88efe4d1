package api

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"roomlog/api/meters"
	"roomlog/api/password"
	"roomlog/api/signin"
	"roomlog/api/upload"
	"roomlog/internal/memo"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/projections/reconcile"
)

const (
	maxOnAir      = 500             // maximum number of lives on air in a list
	onAirLife     = time.Second     // time for which all visitors share a list
	agreementLife = 2 * time.Second // time for which all auditors share a reconciliation
)

// server holds the state that the handlers share.
type server struct {
	Config
	reporter
	log       *slog.Logger
	timeZone  *time.Location
	passwords *password.Hasher
	uploads   *upload.Store

	deliveries *delivery.Tables

	rates     *rates
	signIns   *signin.Guard
	guesses   *signin.Guard // limits guesses of the passwords of lives
	running   *runningRecordings
	meters    *meters.Meters
	onAir     *memo.Value[[]projections.Live]
	agreement *memo.Value[reconcile.Reconciliation]
	openAPI   func() ([]byte, error) // see API.Document

	streams     chan struct{} // contains one element for each open event stream
	settlements chan struct{} // contains one element for each settlement that is made or sent
	draining    chan struct{} // closed by drain
	drain       func()

	failedChecks sync.Map // name of a readiness check → *loglimit.Cause, why it failed last time
}

// maxSettlements is the maximum number of settlements that are made or sent at the same time. Each holds a connection of the
// database and up to ledger.MaxSettlement events.
const maxSettlements = 2

// newServer returns a server. It returns an error if c is invalid.
func newServer(c Config) (*server, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	draining := make(chan struct{})
	s := &server{
		Config: c, reporter: reporter{c.Log}, log: c.Log, passwords: password.NewHasher(c.Password), rates: newRates(c), deliveries: delivery.NewTables(c.Store.Pool()),
		streams: make(chan struct{}, c.EventStreams), settlements: make(chan struct{}, maxSettlements), draining: draining, drain: sync.OnceFunc(func() { close(draining) }),
	}
	s.onAir = memo.New(onAirLife, c.Now, func(ctx context.Context) ([]projections.Live, error) {
		return s.Queries.LivesStreaming(ctx, maxOnAir)
	})
	s.agreement = memo.New(agreementLife, c.Now, func(ctx context.Context) (reconcile.Reconciliation, error) {
		return reconcile.Read(ctx, s.Store.Pool(), s.Witnesses, s.Now())
	})
	var err error
	if s.timeZone, err = time.LoadLocation(c.TimeZone); err != nil {
		return nil, fmt.Errorf("api: load the time zone: %w", err)
	}
	quota := c.UploadQuota
	if c.RefuseUploads {
		quota = 1
	}
	if s.uploads, err = upload.Open(upload.Config{Folder: c.Uploads, MaxBytes: c.UploadBytes, Quota: quota, Settings: c.Settings}); err != nil {
		return nil, err
	}
	s.signIns, err = signin.NewGuard(signin.Config{PerDevice: c.WrongPasswordsPerDevice, PerName: c.WrongPasswordsPerName, Now: c.Now})
	if err != nil {
		return nil, err
	}
	if s.guesses, err = signin.NewGuard(signin.Config{PerDevice: c.WrongPasswordsPerDevice, PerName: c.WrongPasswordsPerName, Now: c.Now}); err != nil {
		return nil, err
	}
	if s.running, err = newRunningRecordings(c.Streams, c.Now, c.Log); err != nil {
		return nil, err
	}
	s.meters, err = meters.New(c.Metrics)
	return s, err
}
