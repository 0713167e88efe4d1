package chat

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"roomlog/eventstore"
	"roomlog/internal/wait"
)

const (
	murmurInterval = 100 * time.Millisecond // between two whispers of this process
	maxMurmured    = 1000                   // notes that wait; more are forgotten
	maxMurmurs     = 1700                   // bytes of notes in one whisper
)

// typing is a note that somebody is writing: to a whole room, or to one other guest.
type typing struct {
	Room string `json:"r,omitempty"`
	From string `json:"f"`
	To   string `json:"t,omitempty"`
}

// murmur takes notes of who is typing to all processes, this one included. Notes are joined, said once
// however often they were made meanwhile, and forgotten if they cannot be said.
type murmur struct {
	store *eventstore.Store
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	waiting []typing
	known   map[typing]struct{} // those that wait
}

func newMurmur(store *eventstore.Store, log *slog.Logger) *murmur {
	return &murmur{store: store, log: log, wake: make(chan struct{}, 1), known: make(map[typing]struct{})}
}

// say has a note taken to all processes. It does not wait.
func (m *murmur) say(n typing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[n]; known || len(m.waiting) >= maxMurmured {
		return
	}
	m.known[n] = struct{}{}
	m.waiting = append(m.waiting, n)
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run says what waits until ctx ends: at once, and then at most once in each interval. hear is called with
// every note of any process.
func (m *murmur) run(ctx context.Context, hear func(typing)) error {
	defer m.store.Overhear(func(text string) {
		var notes []typing
		if json.Unmarshal([]byte(text), &notes) != nil {
			return // not ours
		}
		for _, n := range notes {
			hear(n)
		}
	})()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		}
		for text := m.next(); text != ""; text = m.next() {
			if err := m.store.Whisper(ctx, text); err != nil && ctx.Err() == nil {
				m.log.WarnContext(ctx, "who is typing could not be told", slog.Any("err", err))
			}
			wait.Sleep(ctx, murmurInterval)
		}
	}
	return nil
}

// next takes as many notes as one whisper holds, "" if there are none.
func (m *murmur) next() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	size, n := 0, 0
	for ; n < len(m.waiting) && (n == 0 || size < maxMurmurs); n++ {
		size += len(marshal(m.waiting[n])) + 1
		if n > 0 && size > maxMurmurs {
			break
		}
		delete(m.known, m.waiting[n])
	}
	if n == 0 {
		return ""
	}
	text := marshal(m.waiting[:n])
	m.waiting = m.waiting[n:]
	return string(text)
}

// marshal encodes notes, which are made of strings.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("chat: encode typing notes: " + err.Error())
	}
	return text
}
