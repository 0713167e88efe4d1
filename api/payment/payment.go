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
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"roomlog/api/secret"
	"roomlog/domain"
	"roomlog/internal/strictjson"
)

// Provider is a payment provider, which collects the payments for orders and reports them to roomlog.
type Provider interface {
	// Checkout returns the parameters that a client needs to pay for an order.
	Checkout(o domain.OrderPlaced) (map[string]string, error)
	// Payment decodes a payment report. It returns ErrSignature if the provider did not sign the report.
	Payment(header http.Header, body []byte) (Payment, error)
}

// Payment is a reported payment of an order.
type Payment struct {
	Order domain.OrderID `json:"order" example:"4ZK2QJ7N5XW3LTRB6V2HCYDMSA"`
	User  domain.UserID  `json:"user"`
	Price int64          `json:"price"`
}

// ErrSignature means that the signature of a payment report is missing or invalid.
var ErrSignature = errors.New("the signature of the payment is invalid")

// SignatureHeader is the HTTP header with the signature of a callback: the HMAC-SHA256 of the raw body in lower-case
// hex.
const SignatureHeader = "X-Signature"

// SharedSecret is the built-in Provider. It accepts payment reports that are signed with a shared secret.
type SharedSecret struct{ secrets [][]byte }

// NewSharedSecret returns a SharedSecret. It signs with the first of secrets and accepts reports that are signed with
// any of them. secrets contains one or two secrets of at least 16 bytes: two while you replace a secret, the new
// secret first.
func NewSharedSecret(secrets []string) (SharedSecret, error) {
	checked, err := secret.Check("payment", secrets)
	return SharedSecret{checked}, err
}

// Sign returns the signature of the body of a callback, made with the first secret.
func (p SharedSecret) Sign(body []byte) string { return sign(p.secrets[0], body) }

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Checkout returns the id of the order as the parameter "order". Clients need no other parameter.
func (p SharedSecret) Checkout(o domain.OrderPlaced) (map[string]string, error) {
	return map[string]string{"order": string(o.Order)}, nil
}

// Payment verifies and decodes a payment report. It verifies the signature of the raw body in constant time before it
// decodes the body.
func (p SharedSecret) Payment(header http.Header, body []byte) (Payment, error) {
	signature, signed := []byte(header.Get(SignatureHeader)), false
	for _, secret := range p.secrets {
		signed = hmac.Equal(signature, []byte(sign(secret, body))) || signed
	}
	if !signed {
		return Payment{}, ErrSignature
	}
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return decodeForm(body)
	}
	var payment Payment
	if err := strictjson.Check(body, &payment); err != nil {
		return Payment{}, fmt.Errorf("decode a payment: %w", err)
	}
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

// decodeForm decodes a payment report that is a form with the fields order, user and price.
func decodeForm(body []byte) (Payment, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return Payment{}, fmt.Errorf("decode a payment: %w", err)
	}
	for _, name := range []string{"order", "user", "price"} {
		if len(form[name]) != 1 {
			return Payment{}, fmt.Errorf("decode a payment: the form needs one field %s", name)
		}
	}
	if len(form) != 3 {
		return Payment{}, errors.New("decode a payment: the form has unknown fields")
	}
	user, err := strconv.ParseInt(form.Get("user"), 10, 64)
	if err != nil {
		return Payment{}, fmt.Errorf("decode a payment: user: %w", err)
	}
	price, err := strconv.ParseInt(form.Get("price"), 10, 64)
	if err != nil {
		return Payment{}, fmt.Errorf("decode a payment: price: %w", err)
	}
	return Payment{Order: domain.OrderID(form.Get("order")), User: domain.UserID(user), Price: price}, nil
}
