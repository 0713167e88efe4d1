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
