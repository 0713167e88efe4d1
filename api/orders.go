package api

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/openapi"
	"roomlog/api/payment"
	"roomlog/domain"
	"roomlog/internal/limit"
)

type orderInput struct {
	Body struct {
		Price number `json:"price" minimum:"1" doc:"in the currency unit of the payment provider"`
	}
}

// order is an unpaid order of coins, in a response.
type order struct {
	Order domain.OrderID    `json:"order" example:"4ZK2QJ7N5XW3LTRB6V2HCYDMSA"`
	Price int64             `json:"price"`
	Coin  domain.Coins      `json:"coin" doc:"coins that will be credited"`
	Pay   map[string]string `json:"pay" doc:"parameters for the payment provider"`
}

// placeOrder places an order of coins. The coins are credited when the payment provider reports the payment.
func (s *server) placeOrder(ctx context.Context, in *orderInput) (order, error) {
	price := int64(in.Body.Price)
	receipt, err := s.execute(ctx, domain.PlaceOrder{
		Price: price, Coins: domain.Coins(price) * domain.Coins(s.CoinsPerUnit), Order: domain.OrderID(rand.Text()),
	})
	if err != nil {
		return order{}, err
	}
	placed, _, err := eventOf[domain.OrderPlaced](receipt)
	if err != nil {
		return order{}, err
	}
	pay, err := s.Payments.Checkout(placed)
	return order{placed.Order, placed.Price, placed.Coins, pay}, err
}

// payOrder handles a callback of the payment provider. It credits the coins of an order once, even if the callback is
// repeated.
func (s *server) payOrder(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err == nil {
		err = s.credit(ctx, r.Header, body)
	}
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	writeJSON(w, http.StatusOK, success[string]{"ok", "ok"})
}

type testPaymentInput struct {
	Body struct {
		Order domain.OrderID `json:"order" example:"4ZK2QJ7N5XW3LTRB6V2HCYDMSA" minLength:"1" maxLength:"64"`
		Price number         `json:"price" minimum:"1" doc:"price of the order"`
	}
}

// testPay pays an order of the caller without money.
func (s *server) testPay(ctx context.Context, in *testPaymentInput) (string, error) {
	if !s.TestPayments {
		return "", refusal(domain.CodeForbidden, "test payments are off: the server runs without --test-payments")
	}
	command := domain.PayOrder{Order: in.Body.Order, User: requestOf(ctx).user.ID, Price: int64(in.Body.Price)}
	_, err := s.executeAs(ctx, domain.Actor{Kind: domain.PaymentProvider}, command, "")
	return "ok", err
}

// credit executes the PayOrder command for the payment in body. It logs refusals as errors, because they mean an
// attack or lost money.
func (s *server) credit(ctx context.Context, header http.Header, body []byte) error {
	rc := requestOf(ctx)
	log := s.log.With(slog.String("request_id", rc.id), slog.String("remote_addr", limit.Key(rc.addr)))
	paid, err := s.Payments.Payment(header, body)
	switch {
	case errors.Is(err, payment.ErrSignature):
		log.ErrorContext(ctx, "payment refused: invalid signature")
		return refusal(codeSignature, "the signature does not match the body")
	case err != nil:
		log.ErrorContext(ctx, "payment refused: invalid body", slog.Any("error", err))
		return badRequest("the body is not a payment")
	}
	command := domain.PayOrder{Order: paid.Order, User: paid.User, Price: paid.Price}
	_, err = s.executeAs(ctx, domain.Actor{Kind: domain.PaymentProvider}, command, "")
	if r := domain.AsRefusal(err); r != nil {
		log.ErrorContext(ctx, "payment refused", slog.String("code", string(r.Code)), slog.String("order_id", string(paid.Order)),
			slog.Int64("user_id", int64(paid.User)), slog.Int64("price", paid.Price))
	}
	return err
}

func documentPayment(o *huma.Operation, schemas huma.Registry) {
	o.Description += " The body is what the payment provider sends. The built-in provider signs it with " + payment.SignatureHeader + "."
	o.Responses["200"].Content["application/json"].Example = okText[string]()
	o.RequestBody = &huma.RequestBody{Required: true, Content: openapi.JSON(schemas.Schema(typeOf[payment.Payment](), true, ""), nil)}
	o.Parameters = []*huma.Param{{
		Name: payment.SignatureHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "lower-case hex HMAC-SHA256 of the raw body",
	}}
}
