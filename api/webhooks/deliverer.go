package webhooks

import (
	"context"
	"hash/fnv"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"roomlog/domain"
	"roomlog/internal/pgsession"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
	"roomlog/internal/webhook"
	"roomlog/projections"
)

const (
	application  = "roomlog webhooks" // name of the database session that holds the lock
	electionWait = 5 * time.Second    // maximum time between two attempts to take the lock
	idleWait     = 15 * time.Second   // maximum time between two looks for the first webhook
)

// lock is the key of the advisory lock of the process that sends.
func lock() int64 {
	h := fnv.New64a()
	h.Write([]byte("roomlog webhooks"))
	return int64(h.Sum64())
}

// Deliverer sends events to webhooks while this process holds the lock.
type Deliverer struct {
	c       Config
	guard   *webhook.Guard
	tables  *Tables
	metrics *metrics
}

// New returns a Deliverer.
func New(c Config) (*Deliverer, error) {
	settings.Defaults(&c.Settings)
	if c.Store == nil || c.Queries == nil || len(c.Keys) == 0 {
		return nil, errConfig
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Poll == 0 {
		c.Poll = time.Second
	}
	guard, err := c.guard()
	if err != nil {
		return nil, err
	}
	return &Deliverer{c, guard, NewTables(c.Store.Pool()), newMetrics()}, nil
}

// Run sends until ctx ends, and then returns nil. While there is no webhook, it holds no lock.
func (d *Deliverer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		seen := d.c.Store.Projected().Count()
		found, err := d.c.Queries.Webhooks(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			d.c.Log.WarnContext(ctx, "webhooks cannot be read, trying again", slog.Any("error", err))
			wait.Sleep(ctx, electionWait)
		case len(found) == 0:
			d.c.Store.Projected().Wait(ctx, seen, idleWait)
			wait.Sleep(ctx, d.c.Poll)
		default:
			d.elect(ctx)
			wait.Sleep(ctx, min(d.c.Poll, electionWait))
		}
	}
	return nil
}

// Register registers the metrics of the webhooks.
func (d *Deliverer) Register(r prometheus.Registerer) { r.MustRegister(d.metrics.collectors()...) }

// readMetrics reads the metrics of some webhooks from the tables.
func (d *Deliverer) readMetrics(ctx context.Context, webhooks []projections.Webhook) {
	all, err := d.tables.Cursors(ctx)
	if err != nil {
		d.c.Log.WarnContext(ctx, "metrics of webhooks cannot be read", slog.Any("error", err))
		return
	}
	d.metrics.set(webhooks, all)
}

// elect sends to all webhooks if this process can take the lock, until it loses the lock or there are no webhooks.
func (d *Deliverer) elect(ctx context.Context) {
	lease, err := pgsession.TakeLease(ctx, d.c.Store.Pool().Config().ConnConfig, lock(), application, d.c.Store.Now)
	if err != nil {
		d.c.Log.WarnContext(ctx, "lock of the webhooks not available, trying again", slog.Any("error", err))
		return
	}
	if lease == nil { // another process sends
		return
	}
	defer lease.Release(ctx)
	d.c.Log.InfoContext(ctx, "sending webhooks")
	d.metrics.sending.Set(1)
	defer func() {
		d.metrics.sending.Set(0)
		d.metrics.reset()
	}()
	holding, stop := context.WithCancel(ctx)
	defer stop()
	held := make(chan error, 1)
	go func() {
		held <- lease.Hold(holding)
		stop()
	}()
	d.supervise(holding, lease)
	stop()
	if err := <-held; err != nil {
		d.c.Log.WarnContext(ctx, "lock of the webhooks lost, another process sends", slog.Any("error", err))
	}
}

// running is the sender of one webhook that was started, with the function that stops it.
type running struct {
	webhook projections.Webhook
	stop    func()
}

// supervise runs a sender for each webhook until ctx ends or there is no webhook. It starts the sender of a changed webhook again.
func (d *Deliverer) supervise(ctx context.Context, lease *pgsession.Lease) {
	senders := map[domain.WebhookID]running{}
	stop := func(id domain.WebhookID) {
		senders[id].stop()
		delete(senders, id)
	}
	defer func() {
		var all sync.WaitGroup
		for _, s := range senders {
			all.Go(s.stop)
		}
		all.Wait()
	}()
	var measured time.Time
	for {
		found, err := d.c.Queries.Webhooks(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.c.Log.WarnContext(ctx, "webhooks cannot be read, trying again", slog.Any("error", err))
		} else {
			exists := map[domain.WebhookID]bool{}
			for _, w := range found {
				exists[w.ID] = true
				if s, ok := senders[w.ID]; ok && reflect.DeepEqual(s.webhook, w) {
					continue
				} else if ok {
					stop(w.ID)
				}
				senders[w.ID] = running{w, d.start(ctx, w, lease)}
			}
			for id := range senders {
				if !exists[id] {
					stop(id)
				}
			}
			if len(senders) == 0 {
				return
			}
			if now := d.c.Store.Now(); now.Sub(measured) >= min(metricsInterval, 10*d.c.Poll) {
				measured = now
				d.readMetrics(ctx, found)
			}
		}
		if !wait.Sleep(ctx, d.c.Poll) {
			return
		}
	}
}

// start runs a sender until ctx ends or stop is called, which waits for it.
func (d *Deliverer) start(ctx context.Context, w projections.Webhook, lease *pgsession.Lease) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	s := &sender{
		c: d.c, webhook: w, tables: d.tables, metrics: d.metrics, lease: lease, wake: wait.NewSignal(),
		client: webhook.NewClient(webhook.Config{Timeout: d.c.WebhookTimeout, MaxRequests: 2 * requests, Guard: d.guard}),
		log:    d.c.Log.With(slog.String("webhook", string(w.ID))),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx)
	}()
	return func() { cancel(); <-done }
}
