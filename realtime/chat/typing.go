package chat

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"roomlog/eventstore/cluster"
	"roomlog/internal/wait"
)

const (
	typingTopic    = "chat.typing"
	typingInterval = 100 * time.Millisecond // interval between two messages of this node
	maxNotes       = 1000                   // maximum number of waiting notes; further notes are dropped
	maxNoteBytes   = 1700                   // maximum size of the notes in one message, in bytes
)

// typingNote reports that a participant is typing: in a chat room, or to one other connection.
type typingNote struct {
	Room string `json:"r,omitempty"`
	From string `json:"f"`
	To   string `json:"t,omitempty"`
}

// typingBatcher sends typing notes to all nodes, including this one. In each interval it sends equal notes only once.
// It drops notes that cannot be sent.
type typingBatcher struct {
	cluster *cluster.Cluster
	log     *slog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	waiting []typingNote
	known   map[typingNote]struct{} // the waiting notes
}

func newTypingBatcher(c *cluster.Cluster, log *slog.Logger) *typingBatcher {
	return &typingBatcher{cluster: c, log: log, wake: make(chan struct{}, 1), known: make(map[typingNote]struct{})}
}

// add queues a note. It does not block.
func (b *typingBatcher) add(n typingNote) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.known[n]; known || len(b.waiting) >= maxNotes {
		return
	}
	b.known[n] = struct{}{}
	b.waiting = append(b.waiting, n)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run sends notes until ctx ends: the first note immediately, later notes at most once in each interval. It calls
// deliver with every note of any node.
func (b *typingBatcher) run(ctx context.Context, deliver func(typingNote)) error {
	stop := b.cluster.Subscribe(typingTopic, func(payload []byte) {
		var notes []typingNote
		if json.Unmarshal(payload, &notes) != nil {
			return // a newer version of this program has sent the message
		}
		for _, n := range notes {
			deliver(n)
		}
	})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		}
		for payload := b.next(); payload != nil; payload = b.next() {
			if err := b.cluster.Publish(ctx, typingTopic, payload); err != nil && ctx.Err() == nil {
				b.log.WarnContext(ctx, "typing notes lost", slog.Any("error", err))
			}
			wait.Sleep(ctx, typingInterval)
		}
	}
}

// next removes and encodes as many notes as one message takes. It returns nil if there are none.
func (b *typingBatcher) next() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	size, n := 0, 0
	for ; n < len(b.waiting); n++ {
		size += len(encodeNotes(b.waiting[n])) + 1
		if n > 0 && size > maxNoteBytes {
			break
		}
		delete(b.known, b.waiting[n])
	}
	if n == 0 {
		return nil
	}
	payload := encodeNotes(b.waiting[:n])
	b.waiting = b.waiting[n:]
	return payload
}

// encodeNotes encodes a note or a list of notes as JSON. This cannot fail, because notes consist of strings.
func encodeNotes(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("chat: encode typing notes: " + err.Error())
	}
	return text
}
