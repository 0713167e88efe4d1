package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// layers contains the running parts of a process, in the order in which they were started. A layer is stopped before
// the layers that were started earlier, because it may use them.
type layers struct {
	log    *slog.Logger
	stack  []layer
	failed chan error // receives the first reason for which a layer ended by itself
}

type layer struct {
	name string
	stop func() error
}

func newLayers(log *slog.Logger) *layers { return &layers{log: log, failed: make(chan error, 1)} }

// add adds a layer that is stopped by calling stop.
func (l *layers) add(name string, stop func() error) { l.stack = append(l.stack, layer{name, stop}) }

// run starts f in a goroutine as a layer. Stopping the layer cancels the context of f and waits for f to return. The
// layer does not end with ctx, because layers must stop in order.
func (l *layers) run(ctx context.Context, name string, f func(context.Context) error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := f(own)
		if own.Err() == nil {
			err = fmt.Errorf("%s ended by itself: %w", name, errors.Join(err, errEnded))
			select {
			case l.failed <- err:
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

var errEnded = errors.New("the process cannot continue")

// wait blocks until ctx ends, and then returns nil, or until a layer ends by itself, and then returns the reason.
func (l *layers) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.failed:
		return err
	}
}

// stop stops all layers, the newest first, and returns their errors.
func (l *layers) stop() error {
	var all error
	for _, layer := range slices.Backward(l.stack) {
		err := layer.stop()
		l.log.Debug("stopped layer", slog.String("layer", layer.name), slog.Any("error", err))
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errEnded) {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", layer.name, err))
		}
	}
	l.stack = nil
	return all
}
