package api

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

	"roomlog/domain"
)

// PaymentProvider takes people's money for orders, and says when it has it.
type PaymentProvider interface {
	// Checkout answers what a client needs to pay for an order with this provider.
	Checkout(o domain.OrderPlaced) (map[string]string, error)
	// Payment reads what the provider says, after checking that nobody else said it:
	// otherwise it fails with ErrSignature.
	Payment(header http.Header, body []byte) (Payment, error)
}

// Payment is an order paid for.
type Payment struct {
	Order domain.OrderID `json:"order"`
	User  domain.UserID  `json:"user"`
	Price int64          `json:"price"`
}

// ErrSignature says that a payment was not signed by the provider.
var ErrSignature = errors.New("the payment's signature is wrong")

// SignatureHeader carries the lower-hex HMAC-SHA256 of the raw body of a callback.
const SignatureHeader = "X-Signature"

// SharedSecret is the built-in provider: whoever knows the secret can say that an order is paid.
type SharedSecret struct{ secrets [][]byte }

// NewSharedSecret makes the built-in provider. It accepts what was signed with any of secrets: one,
// or two while the older is being replaced.
func NewSharedSecret(secrets []string) (SharedSecret, error) {
	var p SharedSecret
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return p, fmt.Errorf("payments: want one or two secrets, got %d", len(secrets))
	}
	for i, secret := range secrets {
		if len(secret) < minSecretLen {
			return SharedSecret{}, fmt.Errorf("payments: secret %d has %d bytes, want at least %d", i+1, len(secret), minSecretLen)
		}
		p.secrets = append(p.secrets, []byte(secret))
	}
	return p, nil
}

// Sign answers the signature of a callback's body, made with the first secret.
func (p SharedSecret) Sign(body []byte) string { return sign(p.secrets[0], body) }

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Checkout implements PaymentProvider: the order's name is all that is needed.
func (p SharedSecret) Checkout(o domain.OrderPlaced) (map[string]string, error) {
	return map[string]string{"order": string(o.Order)}, nil
}

// Payment implements PaymentProvider. The signature is compared in constant time, over the bytes
// as they came, before anything is read from them.
func (p SharedSecret) Payment(header http.Header, body []byte) (Payment, error) {
	said, signed := []byte(header.Get(SignatureHeader)), false
	for _, secret := range p.secrets {
		signed = hmac.Equal(said, []byte(sign(secret, body))) || signed
	}
	if !signed {
		return Payment{}, ErrSignature
	}
	var payment Payment
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&payment); err != nil {
		return Payment{}, fmt.Errorf("read a payment: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Payment{}, errors.New("read a payment: something follows it")
	}
	return payment, nil
}
