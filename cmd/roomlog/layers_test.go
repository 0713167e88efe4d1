package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestLayersStopInTheReverseOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := newLayers(slog.New(slog.DiscardHandler))
	var order []string
	l.add("below", func() error { order = append(order, "below"); return errors.New("broken") })
	l.run(ctx, "middle", func(ctx context.Context) error {
		<-ctx.Done()
		order = append(order, "middle")
		return nil
	})
	l.add("above", func() error { order = append(order, "above"); return nil })
	cancel()
	if err := l.wait(ctx); err != nil {
		t.Errorf("wait answered %v to an ordered stop", err)
	}
	if err := l.stop(); err == nil || err.Error() != "stop below: broken" {
		t.Errorf("stop answered %v", err)
	}
	if want := []string{"above", "middle", "below"}; !slices.Equal(order, want) {
		t.Errorf("stopped in the order %v, want %v", order, want)
	}
}

func TestALayerThatEndsByItselfEndsTheProcess(t *testing.T) {
	t.Parallel()
	l := newLayers(slog.New(slog.DiscardHandler))
	l.run(t.Context(), "first", func(ctx context.Context) error { <-ctx.Done(); return nil })
	l.run(t.Context(), "second", func(context.Context) error { return errors.New("worn out") })
	err := l.wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "second has ended by itself: worn out") {
		t.Errorf("wait answered %v", err)
	}
	if err := l.stop(); err != nil {
		t.Errorf("stop says it again: %v", err)
	}
}
