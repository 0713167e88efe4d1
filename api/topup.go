package api

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
)

type topUp struct {
	Body struct {
		Price int64 `json:"price" minimum:"1" doc:"in the payment provider's unit"`
	}
}

// order is a top-up order that waits for its payment.
type order struct {
	Order domain.OrderID    `json:"order"`
	Price int64             `json:"price"`
	Coin  domain.Coins      `json:"coin" doc:"what will be credited"`
	Pay   map[string]string `json:"pay" doc:"what the payment provider needs of the client"`
}

// placeOrder opens an order for coins. Nothing is credited before the provider says it is paid.
func (s *server) placeOrder(ctx context.Context, c caller, in *topUp) (order, error) {
	price := in.Body.Price
	receipt, err := s.execute(ctx, c, domain.PlaceOrder{
		Price: price, Coins: domain.Coins(price) * s.CoinsPerUnit, Order: domain.OrderID(rand.Text()),
	})
	if err != nil {
		return order{}, err
	}
	placed, _, err := fact[domain.OrderPlaced](receipt)
	if err != nil {
		return order{}, err
	}
	pay, err := s.Payments.Checkout(placed)
	return order{placed.Order, placed.Price, placed.Coins, pay}, err
}

// paid is the payment provider's callback: it credits an order's coins, once. Whatever does not
// fit is refused and logged loudly, for it is either an attack or money that went astray.
func (s *server) paid(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err == nil {
		err = s.credit(ctx, r.Header, body)
	}
	if err != nil {
		writeFailure(w, s.failed(ctx, err, nil))
		return
	}
	writeJSON(w, http.StatusOK, success[string]{"ok", "ok"})
}

func (s *server) credit(ctx context.Context, header http.Header, body []byte) error {
	asked := askerOf(ctx)
	log := s.log.With(slog.String("request_id", asked.id), slog.String("address", asked.address.String()))
	payment, err := s.Payments.Payment(header, body)
	switch {
	case errors.Is(err, ErrSignature):
		log.ErrorContext(ctx, "payment refused: its signature is wrong")
		return refusal(codeSignature, "the signature does not fit the body")
	case err != nil:
		log.ErrorContext(ctx, "payment refused: it cannot be read", slog.Any("err", err))
		return badRequest("the payment cannot be read")
	}
	receipt, err := s.Commands.Execute(ctx, domain.Request{
		Command:     domain.PayOrder{Order: payment.Order, User: payment.User, Price: payment.Price},
		Actor:       domain.Actor{Kind: domain.PaymentProvider},
		Correlation: asked.id,
	})
	if no := domain.AsRefusal(err); no != nil {
		log.ErrorContext(ctx, "payment refused", slog.String("code", string(no.Code)), slog.String("order", string(payment.Order)),
			slog.Int64("user_id", int64(payment.User)), slog.Int64("price", payment.Price))
	}
	if err == nil {
		s.settle(ctx, receipt)
	}
	return err
}

func documentPaid(o *huma.Operation, schemas huma.Registry) {
	o.Description = "The body is what the provider sends; the built-in one signs it with " + SignatureHeader + "."
	o.RequestBody = &huma.RequestBody{Required: true, Content: content(schemas.Schema(typeOf[Payment](), true, ""))}
	o.Parameters = []*huma.Param{{
		Name: SignatureHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "lower-hex HMAC-SHA256 of the raw body",
	}}
}
