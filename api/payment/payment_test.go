package payment_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"roomlog/api/payment"
	"roomlog/domain"
)

const paymentSecret = "what only the provider knows"

func provider(t testing.TB) payment.SharedSecret {
	t.Helper()
	p, err := payment.NewSharedSecret([]string{paymentSecret})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSharedSecret(t *testing.T) {
	p := provider(t)
	const body = `{"order":"O1","user":12,"price":30}`
	right := p.Sign([]byte(body))
	// result of: printf '%s' BODY | openssl dgst -sha256 -hmac SECRET
	const golden = "d02f12248cd1d279ff2300af0580572bfdc528c90015d27cd6d3490f35a7d99c"
	for name, c := range map[string]struct {
		body, signature string
		wrong           bool // whether the signature is wrong; otherwise the body is
		want            payment.Payment
	}{
		"signed by Sign":               {body, right, false, payment.Payment{Order: "O1", User: 12, Price: 30}},
		"signed by openssl":            {body, golden, false, payment.Payment{Order: "O1", User: 12, Price: 30}},
		"without a signature":          {body, "", true, payment.Payment{}},
		"with a wrong signature":       {body, strings.Repeat("0", 64), true, payment.Payment{}},
		"with a truncated signature":   {body, right[:32], true, payment.Payment{}},
		"with another amount":          {strings.Replace(body, "30", "31", 1), right, true, payment.Payment{}},
		"with an additional space":     {body + " ", right, true, payment.Payment{}},
		"that is not JSON":             {"order=O1", p.Sign([]byte("order=O1")), false, payment.Payment{}},
		"with an unknown field":        {`{"order":"O1","coins":9}`, p.Sign([]byte(`{"order":"O1","coins":9}`)), false, payment.Payment{}},
		"with a member twice":          {`{"price":1,"price":2}`, p.Sign([]byte(`{"price":1,"price":2}`)), false, payment.Payment{}},
		"with a member in other case":  {`{"Price":1}`, p.Sign([]byte(`{"Price":1}`)), false, payment.Payment{}},
		"followed by a second object":  {body + body, p.Sign([]byte(body + body)), false, payment.Payment{}},
		"with a fractional price":      {`{"price":1.5}`, p.Sign([]byte(`{"price":1.5}`)), false, payment.Payment{}},
		"with a price out of range":    {`{"price":99999999999999999999}`, p.Sign([]byte(`{"price":99999999999999999999}`)), false, payment.Payment{}},
		"with an upper-case signature": {body, strings.ToUpper(right), true, payment.Payment{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.Payment(http.Header{payment.SignatureHeader: {c.signature}}, []byte(c.body))
			switch {
			case got != c.want:
				t.Fatalf("got %+v", got)
			case c.want == (payment.Payment{}) && err == nil:
				t.Fatal("accepted")
			case errors.Is(err, payment.ErrSignature) != c.wrong:
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestSharedSecretCheckout(t *testing.T) {
	pay, err := provider(t).Checkout(domain.OrderPlaced{Order: "O1"})
	if err != nil || pay["order"] != "O1" || len(pay) != 1 {
		t.Fatalf("got %v, %v", pay, err)
	}
}

func TestSharedSecretAcceptsOldAndNewSecret(t *testing.T) {
	const body = `{"order":"O1","user":12,"price":30}`
	both, err := payment.NewSharedSecret([]string{"the secret of tomorrow", paymentSecret})
	if err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string]string{"newest": both.Sign([]byte(body)), "older": provider(t).Sign([]byte(body))} {
		if _, err := both.Payment(http.Header{payment.SignatureHeader: {signature}}, []byte(body)); err != nil {
			t.Errorf("signed with the %s secret: %v", name, err)
		}
	}
	if _, err := provider(t).Payment(http.Header{payment.SignatureHeader: {both.Sign([]byte(body))}}, []byte(body)); !errors.Is(err, payment.ErrSignature) {
		t.Errorf("signed with an unknown secret: %v", err)
	}
}

func TestNewSharedSecret(t *testing.T) {
	for name, secrets := range map[string][]string{
		"none": nil, "a short one": {"fifteen letters"}, "an older short one": {paymentSecret, "short"}, "three": {paymentSecret, paymentSecret, paymentSecret},
	} {
		if _, err := payment.NewSharedSecret(secrets); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
