package payment

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"roomlog/api/secret"
	"roomlog/domain"
)

// Provider collects the payments of orders and reports them.
type Provider interface {
	// Checkout returns the parameters with which a client pays for an order.
	Checkout(o domain.OrderPlaced) (map[string]string, error)
	// Payment decodes the report of a payment. It fails with ErrSignature if the provider did not sign the report.
	Payment(header http.Header, body []byte) (Payment, error)
}

// Payment is a paid order.
type Payment struct {
	Order domain.OrderID `json:"order"`
	User  domain.UserID  `json:"user"`
	Price int64          `json:"price"`
}

// ErrSignature means that the provider did not sign a payment.
var ErrSignature = errors.New("the signature of the payment is invalid")

// SignatureHeader is the header with the lower-case hex HMAC-SHA256 of the raw body of a callback.
const SignatureHeader = "X-Signature"

// SharedSecret is the built-in Provider. It accepts payments that are signed with a secret.
type SharedSecret struct{ secrets [][]byte }

// NewSharedSecret returns a SharedSecret that signs with the first of secrets and accepts payments signed with any of them.
// There are one or two secrets of at least 16 bytes: two while the older one is being replaced.
func NewSharedSecret(secrets []string) (SharedSecret, error) {
	checked, err := secret.Check("payment", secrets)
	return SharedSecret{checked}, err
}

// Sign returns the signature of the body of a callback.
func (p SharedSecret) Sign(body []byte) string { return sign(p.secrets[0], body) }

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Checkout returns the id of the order: the provider needs nothing else.
func (p SharedSecret) Checkout(o domain.OrderPlaced) (map[string]string, error) {
	return map[string]string{"order": string(o.Order)}, nil
}

// Payment decodes a payment. It compares the signature of the raw bytes in constant time before it decodes them.
func (p SharedSecret) Payment(header http.Header, body []byte) (Payment, error) {
	signature, signed := []byte(header.Get(SignatureHeader)), false
	for _, secret := range p.secrets {
		signed = hmac.Equal(signature, []byte(sign(secret, body))) || signed
	}
	if !signed {
		return Payment{}, ErrSignature
	}
	var payment Payment
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&payment); err != nil {
		return Payment{}, fmt.Errorf("decode a payment: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Payment{}, errors.New("decode a payment: data after the JSON object")
	}
	return payment, nil
}
