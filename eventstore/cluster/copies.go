package cluster

import (
	"crypto/rand"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// copyPrefix begins the topics of messages that are sent over two transports. The id of the message and its topic follow.
const copyPrefix = "copy:"

const takenCopies = 4096 // number of remembered ids of such messages

// copyMessage returns m as it is sent over two transports.
func copyMessage(m Message) Message {
	return Message{copyPrefix + rand.Text() + ":" + m.Topic, m.Payload}
}

// copies remembers which messages arrived over one of two transports. One goroutine at a time may use it.
type copies struct {
	taken *simplelru.LRU[string, struct{}]
}

func newCopies() copies {
	taken, err := simplelru.NewLRU[string, struct{}](takenCopies, nil)
	if err != nil {
		panic(err) // cannot happen: the size is positive
	}
	return copies{taken}
}

// take returns the message in m. It reports false if it was taken before.
func (c *copies) take(m Message) (Message, bool) {
	rest, ok := strings.CutPrefix(m.Topic, copyPrefix)
	if !ok {
		return m, true
	}
	id, topic, _ := strings.Cut(rest, ":")
	if c.taken.Contains(id) {
		return Message{}, false
	}
	c.taken.Add(id, struct{}{})
	return Message{topic, m.Payload}, true
}
