package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// batch contains the fields of a message of the relay that an emulated edge needs. See the type envelope in projections/feed.
type batch struct {
	After      int64
	Checkpoint int64
	Events     []struct {
		Type string
		Data struct{ Text string }
	}
	comments []int // numbers of the comments
}

// commentText begins the text of each comment. Its number follows.
const commentText = "simulated comment "

func textOf(number int) string { return fmt.Sprint(commentText, number) }

// numberOf returns the number in the text of a comment. It reports false for other texts.
func numberOf(text string) (number int, ok bool) {
	rest, ok := strings.CutPrefix(text, commentText)
	if ok {
		_, err := fmt.Sscan(rest, &number)
		ok = err == nil
	}
	return number, ok
}

// decodeBatch returns the batch in a message.
func decodeBatch(payload []byte) (*batch, error) {
	b := new(batch)
	if err := json.Unmarshal(payload, b); err != nil {
		return nil, fmt.Errorf("decode a message of the relay: %w", err)
	}
	for _, e := range b.Events {
		if number, ok := numberOf(e.Data.Text); ok {
			b.comments = append(b.comments, number)
		}
	}
	return b, nil
}

// batches decodes each message once for all edges. The others compare the bytes.
type batches struct {
	mu     sync.RWMutex
	newest [8]struct {
		payload []byte
		batch   *batch
	}
	next int
}

// decode returns the batch in a message.
func (d *batches) decode(payload []byte) (*batch, error) {
	d.mu.RLock()
	b := d.find(payload)
	d.mu.RUnlock()
	if b != nil {
		return b, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.find(payload); b != nil {
		return b, nil
	}
	b, err := decodeBatch(payload)
	if err != nil {
		return nil, err
	}
	d.newest[d.next].payload, d.newest[d.next].batch = bytes.Clone(payload), b
	d.next = (d.next + 1) % len(d.newest)
	return b, nil
}

func (d *batches) find(payload []byte) *batch {
	for i := range d.newest {
		if d.newest[i].batch != nil && bytes.Equal(d.newest[i].payload, payload) {
			return d.newest[i].batch
		}
	}
	return nil
}
