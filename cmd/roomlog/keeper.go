package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/eventstore/localpg"
)

const (
	restartSoonest = 100 * time.Millisecond
	restartLatest  = 10 * time.Second // however long it is away, it is back soon after its cause is gone
	restartCalm    = time.Minute      // what ran for so long did not die of how it was started
)

// keeper runs a private PostgreSQL and starts it again whenever it dies, at the same address: the
// pools find it there by themselves.
type keeper struct {
	config   localpg.Config
	log      *slog.Logger
	restarts atomic.Int64

	mu     sync.Mutex
	server *localpg.Server // the newest, perhaps dead
}

// keep starts the PostgreSQL of a data folder; Run watches it.
func keep(ctx context.Context, c localpg.Config, log *slog.Logger) (*keeper, error) {
	server, err := localpg.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	return &keeper{config: c, log: log, server: server}, nil
}

// DSN is the address of the database as its owner. It stays the same.
func (k *keeper) DSN() string { return k.current().DSN(localpg.Database) }

func (k *keeper) current() *localpg.Server {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.server
}

// Run starts PostgreSQL again whenever it has gone, until ctx ends. It never gives up: what is wrong is
// said in the log and by /readyz, and may be put right without ending this process.
func (k *keeper) Run(ctx context.Context) error {
	pause := restartSoonest
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			return nil
		case <-k.current().Done():
		}
		if time.Since(began) > restartCalm {
			pause = restartSoonest
		}
		k.log.ErrorContext(ctx, "the private postgresql has died, starting it again")
		for {
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return nil
			case <-timer.C:
			}
			pause = min(2*pause, restartLatest)
			if err := k.restart(ctx); err == nil {
				break
			} else if ctx.Err() == nil {
				k.log.ErrorContext(ctx, "the private postgresql cannot be started, trying again",
					slog.Any("err", err), slog.Duration("after", pause))
			}
		}
	}
}

func (k *keeper) restart(ctx context.Context) error {
	server, err := localpg.Start(ctx, k.config)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.server = server
	k.mu.Unlock()
	k.restarts.Add(1)
	return nil
}

// Stop ends PostgreSQL. Run must have returned.
func (k *keeper) Stop() error {
	if err := k.current().Stop(); err != nil {
		return fmt.Errorf("stop the private postgresql: %w", err)
	}
	return nil
}
