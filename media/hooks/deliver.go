package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// errBody is that a notice cannot be told at all.
var errBody = errors.New("hooks: no JSON")

// tell queues a post or done hook. One that finds no room is lost, and its number with it.
func (h *Hooks) tell(n Notification) {
	n.Args = short(n.Args)
	most := h.cfg.QueueLength
	if n.Broadcast == "" { // not of a publish
		most = (most + 1) / 2
	}
	h.mu.Lock()
	h.seq++
	n.Seq = h.seq
	full := len(h.queue) >= most
	first := full && !h.losing
	if full {
		h.losing = true
	} else {
		h.queue = append(h.queue, n)
	}
	h.mu.Unlock()
	if first {
		h.cfg.Log.Warn("hooks are lost because too many wait", slog.String("hook", n.Hook), slog.Uint64("seq", n.Seq))
	}
	if full {
		h.lost.Add(1)
		return
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
}

// Run delivers what is told until ctx ends, and what still waits then for a moment longer.
func (h *Hooks) Run(ctx context.Context) error {
	defer h.client.CloseIdleConnections()
	for ctx.Err() == nil {
		h.empty(ctx)
		select {
		case <-h.more:
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	h.empty(ctx)
	if left := h.Stats().Waiting; left > 0 {
		h.lost.Add(uint64(left))
		h.cfg.Log.Warn("hooks are lost because this process ends", slog.Int("count", left))
	}
	return nil
}

// empty delivers what waits, in order.
func (h *Hooks) empty(ctx context.Context) {
	for {
		n, some := h.first()
		if !some || !h.deliver(ctx, n) {
			return
		}
		h.mu.Lock()
		h.queue = h.queue[1:]
		if len(h.queue) == 0 {
			h.queue, h.losing = nil, false
		}
		h.mu.Unlock()
	}
}

func (h *Hooks) first() (Notification, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return Notification{}, false
	}
	return h.queue[0], true
}

// deliver delivers a notice or gives it up; it answers false if ctx ended before.
func (h *Hooks) deliver(ctx context.Context, n Notification) bool {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		status, err := h.post(ctx, n)
		switch {
		case err == nil && status < 300:
			h.delivered.Add(1)
			return true
		case ctx.Err() != nil:
			return false
		case err == nil && refusal(status), errors.Is(err, errBody), h.cfg.Now().Sub(n.Time) > h.cfg.RetryFor:
			h.lost.Add(1)
			h.cfg.Log.WarnContext(ctx, "a hook is given up", slog.String("hook", n.Hook), slog.Uint64("seq", n.Seq), slog.Int("status", status), slog.Any("err", err))
			return true
		}
		h.retried.Add(1)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// post sends a notice once.
func (h *Hooks) post(ctx context.Context, n Notification) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.HookTimeout)
	defer cancel()
	body, err := json.Marshal(n)
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w: %w", n.Hook, errBody, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.cfg.HookURL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w", n.Hook, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "roomlog")
	r.Header.Set("Roomlog-Hook", n.Hook)
	r.Header.Set("Roomlog-Signature", sign(h.cfg.HookSecret, h.cfg.Now().Unix(), body))
	answer, err := h.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("hook %s: %w", n.Hook, err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer) // so that the connection can be used again
	return answer.StatusCode, nil
}

// sign is the header that proves who sends a body, and when.
func sign(secret string, at int64, body []byte) string {
	t := strconv.FormatInt(at, 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
