package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// layers are what a serving process is made of. Each is started on top of those before it, and stopped
// before them: whatever a layer uses is there for as long as the layer is.
type layers struct {
	log   *slog.Logger
	stack []layer
	lost  chan error // why a layer ended that nobody had stopped; the first one only
}

type layer struct {
	name string
	stop func() error
}

func newLayers(log *slog.Logger) *layers { return &layers{log: log, lost: make(chan error, 1)} }

// add puts a layer on top that is stopped by stop.
func (l *layers) add(name string, stop func() error) { l.stack = append(l.stack, layer{name, stop}) }

// run puts a layer on top that is a running function: stopping it ends its context and waits for its
// return. It does not end with ctx: the order in which layers stop is theirs.
func (l *layers) run(ctx context.Context, name string, f func(context.Context) error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := f(own)
		if own.Err() == nil {
			err = fmt.Errorf("%s has ended by itself: %w", name, errors.Join(err, errEnded))
			select {
			case l.lost <- err:
			default:
			}
		}
		ended <- err
	}()
	l.add(name, func() error {
		cancel()
		return <-ended
	})
}

var errEnded = errors.New("the process cannot go on")

// wait returns nil when ctx ends, and otherwise why the process cannot go on.
func (l *layers) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.lost:
		return err
	}
}

// stop stops all layers, the newest first.
func (l *layers) stop() error {
	var all error
	for _, layer := range slices.Backward(l.stack) {
		err := layer.stop()
		l.log.Debug("stopped", slog.String("part", layer.name), slog.Any("err", err))
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errEnded) {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", layer.name, err))
		}
	}
	l.stack = nil
	return all
}
