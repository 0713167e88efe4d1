package feed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/nats-io/nats.go"
)

// The relay signs its messages, because every client with access to the NATS servers can publish on the subject. The key is the token
// of the relay. It is in the application_name of the session that holds the lock, where processes of the database read it, and it is
// never sent. A message also has a number, so that none is accepted twice.

// The headers of a message. They are checked before anything of the message is decoded.
const (
	headerRelay     = "Relay"     // name of the relay, see nameOf
	headerSignature = "Signature" // HMAC-SHA256 of the message in hexadecimal
)

// nameOf returns the name of the relay with a token. It does not reveal the token.
func nameOf(token string) string {
	sum := sha256.Sum256([]byte("roomlog relay\n" + token))
	return hex.EncodeToString(sum[:16])
}

// signature returns the HMAC-SHA256 of data with the token as its key.
func signature(token string, data []byte) []byte {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(data)
	return mac.Sum(nil)
}

// signed returns the message with data that the relay with a token publishes.
func signed(subject, token string, data []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Header.Set(headerRelay, nameOf(token))
	m.Header.Set(headerSignature, hex.EncodeToString(signature(token, data)))
	m.Data = data
	return m
}

// isSigned reports whether the relay with a token has signed m.
func isSigned(token string, m *nats.Msg) bool {
	sent, err := hex.DecodeString(m.Header.Get(headerSignature))
	return err == nil && hmac.Equal(sent, signature(token, m.Data))
}
