package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Sign returns the value of the header Roomlog-Signature of a body, as the hooks of the media server have it:
// "t=UNIX,v1=HEX", where HEX is hmac_sha256(secret, "UNIX." + body).
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Secret is a secret that signs requests in the form of Standard Webhooks. Printing it does not reveal it.
type Secret struct{ key []byte }

// Derive returns the secret of a purpose. Secrets of different purposes do not reveal each other or the key.
func Derive(key []byte, purpose string) Secret {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("roomlog webhook " + purpose))
	return Secret{mac.Sum(nil)}
}

// String returns a text that does not contain the secret.
func (Secret) String() string { return "(secret)" }

// Reveal returns the secret as receivers configure it: "whsec_" and base64.
func (s Secret) Reveal() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.key) }

// SignStandard sets the headers webhook-id, webhook-timestamp and webhook-signature of Standard Webhooks. The request has one
// signature for each secret; a receiver accepts it if it knows one of them. id must not contain a dot.
func SignStandard(h http.Header, id string, at time.Time, body []byte, secrets []Secret) error {
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signer, err := standard.NewWebhookRaw(s.key)
		if err == nil {
			signatures[i], err = signer.Sign(id, at, body)
		}
		if err != nil {
			return fmt.Errorf("sign a webhook: %w", err)
		}
	}
	h.Set(standard.HeaderWebhookID, id)
	h.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standard.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}
