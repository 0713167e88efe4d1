package logtest

import (
	"strings"
	"sync"
)

// Buffer collects the messages of a log. Its methods may be called concurrently.
type Buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write appends messages to the buffer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns the messages since the last Take.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count returns how often a text occurs in the messages.
func (b *Buffer) Count(text string) int { return strings.Count(b.String(), text) }

// Take removes all messages from the buffer and returns them.
func (b *Buffer) Take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	b.text.Reset()
	return text
}
