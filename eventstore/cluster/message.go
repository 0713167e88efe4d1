package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxPayload is the maximum size in bytes of the payload of a message and of the request of a survey.
	MaxPayload = 2048

	maxTopic   = 64 // maximum length of the name of a topic in bytes
	topicChars = "abcdefghijklmnopqrstuvwxyz0123456789.-_"

	maxID   = 64 // maximum length of the id of a survey or of a copied message in bytes
	idChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

	// maxWire is the maximum size of a message on its way in bytes: with the ids, prefixes and separators before topic and payload.
	maxWire = MaxPayload + maxTopic + 2*maxID + 32
)

// checkMessage returns an error if the topic or the payload is outside its bounds.
func checkMessage(topic string, payload []byte) error {
	switch {
	case topic == "" || len(topic) > maxTopic || strings.Trim(topic, topicChars) != "":
		return fmt.Errorf("a topic has 1 to %d lower-case letters, digits, dots, dashes and underscores", maxTopic)
	case len(payload) > MaxPayload:
		return fmt.Errorf("the payload may have %d bytes (got %d)", MaxPayload, len(payload))
	case !utf8.Valid(payload) || slices.Contains(payload, 0):
		return errors.New("the payload must be UTF-8 text without NUL")
	}
	return nil
}

// surveyPrefix begins the topics of survey requests. Topics for Publish contain no colon.
const surveyPrefix = "survey:"

func surveyMessage(id, topic string, request []byte) Message {
	return Message{surveyPrefix + topic, append([]byte(id+" "), request...)}
}

// parseSurvey returns the id, topic and request of a message that surveyMessage has built. It reports false for other
// messages.
func parseSurvey(m Message) (request, bool) {
	topic, ok := strings.CutPrefix(m.Topic, surveyPrefix)
	if !ok {
		return request{}, false
	}
	id, payload, ok := bytes.Cut(m.Payload, []byte(" "))
	return request{string(id), topic, payload}, ok
}

// request is the request of a survey, as received by this node.
type request struct {
	id, topic string
	payload   []byte
}

// parseWire returns the message in data, which a transport has received. It reports false for a message that no node sends: foreign
// clients of a NATS server may send anything, and nodes keep ids in memory and repeat them in subjects and log messages.
func parseWire(data []byte) (Message, bool) {
	if len(data) > maxWire {
		return Message{}, false
	}
	head, payload, ok := bytes.Cut(data, []byte("\n"))
	m := Message{string(head), payload}
	topic := m.Topic
	if rest, copied := strings.CutPrefix(topic, copyPrefix); copied {
		var id string
		id, topic, _ = strings.Cut(rest, ":")
		ok = ok && isID(id)
	} else if r, surveyed := parseSurvey(m); surveyed {
		topic, payload = r.topic, r.payload
		ok = ok && isID(r.id)
	}
	return m, ok && checkMessage(topic, payload) == nil
}

// isID reports whether id can be the result of rand.Text.
func isID(id string) bool { return id != "" && len(id) <= maxID && strings.Trim(id, idChars) == "" }
