package serve

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestLayersStopInReverseOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := newLayers(slog.New(slog.DiscardHandler))
	var order []string
	l.add("first", func() error { order = append(order, "first"); return errors.New("broken") })
	l.run(ctx, "second", func(ctx context.Context) error {
		<-ctx.Done()
		order = append(order, "second")
		return nil
	})
	l.add("third", func() error { order = append(order, "third"); return nil })
	cancel()
	if err := l.wait(ctx); err != nil {
		t.Errorf("wait returned %v after an ordered stop", err)
	}
	if err := l.stop(); err == nil || err.Error() != "stop first: broken" {
		t.Errorf("stop returned %v", err)
	}
	if want := []string{"third", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("stopped in the order %v, want %v", order, want)
	}
}

func TestALayerThatEndsByItselfEndsTheProcess(t *testing.T) {
	t.Parallel()
	l := newLayers(slog.New(slog.DiscardHandler))
	l.run(t.Context(), "first", func(ctx context.Context) error { <-ctx.Done(); return nil })
	l.run(t.Context(), "second", func(context.Context) error { return errors.New("worn out") })
	err := l.wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "second ended by itself: worn out") {
		t.Errorf("wait returned %v", err)
	}
	if err := l.stop(); err != nil {
		t.Errorf("stop repeats the error: %v", err)
	}
}
