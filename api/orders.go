package api

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/openapi"
	"roomlog/api/payment"
	"roomlog/domain"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/limit"
	"roomlog/projections"
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
	_, err := s.executeAs(ratelimit.OnBehalfOf(ctx, command.User), domain.Actor{Kind: domain.PaymentProvider}, command, "")
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

type correctionInput struct {
	Body struct {
		Account domain.Account `json:"account" example:"user-12" doc:"user-ID (the wallet of a user) or earnings-ID (the earnings of a streamer)"`
		Coins   domain.Coins   `json:"coins" example:"-30" doc:"coins to add; negative to take coins"`
		Reason  string         `json:"reason" example:"credited twice" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

// correction is a correction of a balance, in a response.
type correction struct {
	ID         domain.CorrectionID          `json:"id"`
	Account    domain.Account               `json:"account" example:"user-12"`
	Coins      domain.Coins                 `json:"coins" doc:"coins to add; negative to take coins"`
	Status     projections.CorrectionStatus `json:"status" enum:"open,booked,rejected" doc:"open: waits for an approval by another operator"`
	Proposer   string                       `json:"proposer" example:"user-5"`
	Reason     string                       `json:"reason" example:"credited twice"`
	ProposedAt time.Time                    `json:"proposed_at"`
	ExpiresAt  time.Time                    `json:"expires_at" doc:"an open correction can be approved before this time"`
}

func newCorrection(c projections.Correction) correction {
	return correction{c.ID, c.Account, c.Coins, c.Status, c.Proposer, c.Reason, c.ProposedAt.UTC(), c.ExpiresAt.UTC()}
}

// proposeCorrection corrects a balance, or waits for the approval of a second operator if the correction is above the
// limit of the server.
func (s *server) proposeCorrection(ctx context.Context, in *correctionInput) (correction, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return correction{}, err
	}
	received, err := s.Queries.Received(ctx, in.Body.Account)
	if err != nil {
		return correction{}, err
	}
	receipt, err := s.executeFrom(ctx, history, domain.ProposeCorrection{Account: in.Body.Account, Coins: in.Body.Coins, Reason: in.Body.Reason,
		Limit: domain.Coins(s.CorrectionLimit), Period: s.CorrectionPeriod, Received: received})
	if err != nil {
		return correction{}, err
	}
	e, r, err := eventOf[domain.CorrectionProposed](receipt)
	status := projections.CorrectionBooked
	if e.Open {
		status = projections.CorrectionOpen
	}
	return correction{e.Correction, e.Account, e.Coins, status, e.Proposer, e.Reason, r.RecordedAt.UTC(), time.Unix(e.Expires, 0).UTC()}, err
}

type correctionID struct {
	Body struct {
		ID number `json:"id" doc:"id of the correction"`
	}
}

// approveCorrection moves the coins of a correction that another operator has proposed.
func (s *server) approveCorrection(ctx context.Context, in *correctionID) (string, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return "", err
	}
	id := domain.CorrectionID(in.Body.ID)
	found, err := s.Queries.Correction(ctx, id)
	if isNotFound(err) {
		err = refusal(domain.CodeCorrectionNotFound, "there is no correction %d", id)
	}
	if err != nil {
		return "", err
	}
	_, err = s.executeFrom(ctx, history, domain.ApproveCorrection{Correction: id, Account: found.Account, Received: found.Received})
	return "ok", err
}

type correctionRejection struct {
	Body struct {
		ID     number `json:"id" doc:"id of the correction"`
		Reason string `json:"reason" example:"no receipt" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

func (s *server) rejectCorrection(ctx context.Context, in *correctionRejection) (string, error) {
	_, err := s.execute(ctx, domain.RejectCorrection{Correction: domain.CorrectionID(in.Body.ID), Reason: in.Body.Reason})
	return "ok", err
}

type correctionsInput struct {
	Open   bool                `query:"open" doc:"only corrections that are not decided"`
	Before domain.CorrectionID `query:"before" minimum:"1" doc:"only corrections with smaller ids"`
	Limit  int                 `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// listCorrections returns corrections, newest first.
func (s *server) listCorrections(ctx context.Context, in *correctionsInput) ([]correction, error) {
	found, err := s.Queries.Corrections(ctx, in.Open, in.Before, in.Limit)
	list := make([]correction, 0, len(found))
	for _, c := range found {
		list = append(list, newCorrection(c))
	}
	return list, err
}

type payoutInput struct {
	Body struct {
		Payout   domain.PayoutID `json:"payout" example:"2026-11-7" doc:"your own name for the payout, which is requested once: 1–64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen"`
		Streamer number          `json:"streamer" doc:"id of the user whose earnings are paid out"`
		Coins    domain.Coins    `json:"coins" example:"1000" doc:"coins to pay out"`
		Reason   string          `json:"reason" example:"November" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

// payout is a payout of earnings, in a response.
type payout struct {
	ID          domain.PayoutID     `json:"id" example:"2026-11-7"`
	Streamer    domain.UserID       `json:"streamer"`
	Coins       domain.Coins        `json:"coins"`
	Status      domain.PayoutStatus `json:"status" enum:"held,paid_out,void" doc:"held: the payment has not been recorded; void: the coins went back to the earnings"`
	Position    int64               `json:"position" doc:"position of the request"`
	RequestedAt time.Time           `json:"requested_at"`
	Reference   string              `json:"reference,omitempty" example:"transfer 8123" doc:"name of the payment outside roomlog"`
	Decided     int64               `json:"decided,omitempty" doc:"position at which the payout was paid or made void"`
	DecidedAt   *time.Time          `json:"decided_at,omitempty"`

	Requester  string `json:"requester,omitempty" example:"user-5" doc:"for auditors and operators only"`
	Reason     string `json:"reason,omitempty" example:"November" doc:"for auditors and operators only"`
	Decider    string `json:"decider,omitempty" example:"user-5" doc:"for auditors and operators only"`
	VoidReason string `json:"void_reason,omitempty" example:"account closed" doc:"for auditors and operators only"`
}

// newPayout returns a payout. If all is true, it contains the actors and the reasons.
func newPayout(p projections.Payout, all bool) payout {
	r := payout{ID: p.ID, Streamer: p.Streamer, Coins: p.Coins, Status: p.Status, Position: p.Position, RequestedAt: p.RequestedAt.UTC(), Decided: p.Decided}
	if p.DecidedAt != nil {
		r.DecidedAt = new(p.DecidedAt.UTC())
	}
	if p.Status == domain.PayoutPaid {
		r.Reference = p.Note
	}
	if all {
		r.Requester, r.Reason, r.Decider = p.Requester, p.Reason, p.Decider
		if p.Status == domain.PayoutVoid {
			r.VoidReason = p.Note
		}
	}
	return r
}

// requestPayout holds coins of the earnings of a streamer. It first waits for the tables, like refundGift.
func (s *server) requestPayout(ctx context.Context, in *payoutInput) (string, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return "", err
	}
	streamer := domain.UserID(in.Body.Streamer)
	received, err := s.Queries.Received(ctx, domain.EarningsAccount(streamer))
	if err != nil {
		return "", err
	}
	_, err = s.executeFrom(ctx, history, domain.RequestPayout{Payout: in.Body.Payout, Streamer: streamer, Coins: in.Body.Coins, Reason: in.Body.Reason, Received: received})
	return "ok", err
}

type payoutCapture struct {
	Body struct {
		Payout    domain.PayoutID `json:"payout" example:"2026-11-7"`
		Reference string          `json:"reference" example:"transfer 8123" doc:"name of the payment outside roomlog, recorded: 1–64 characters; must not identify a person"`
	}
}

// capturePayout records that a streamer has been paid.
func (s *server) capturePayout(ctx context.Context, in *payoutCapture) (string, error) {
	return s.decidePayout(ctx, in.Body.Payout, func(streamer domain.UserID) domain.Command {
		return domain.CapturePayout{Payout: in.Body.Payout, Reference: in.Body.Reference, Streamer: streamer}
	})
}

type payoutVoid struct {
	Body struct {
		Payout domain.PayoutID `json:"payout" example:"2026-11-7"`
		Reason string          `json:"reason" example:"account closed" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

// voidPayout gives the coins of a payout that was not paid back to the earnings.
func (s *server) voidPayout(ctx context.Context, in *payoutVoid) (string, error) {
	return s.decidePayout(ctx, in.Body.Payout, func(streamer domain.UserID) domain.Command {
		return domain.VoidPayout{Payout: in.Body.Payout, Reason: in.Body.Reason, Streamer: streamer}
	})
}

// decidePayout executes a command about a payout that was requested.
func (s *server) decidePayout(ctx context.Context, id domain.PayoutID, command func(streamer domain.UserID) domain.Command) (string, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return "", err
	}
	found, err := s.Queries.Payout(ctx, id)
	if isNotFound(err) {
		err = refusal(domain.CodePayoutNotFound, "there is no payout %.80q", id)
	}
	if err != nil {
		return "", err
	}
	_, err = s.executeFrom(ctx, history, command(found.Streamer))
	return "ok", err
}

type payoutsInput struct {
	User domain.UserID `query:"user" minimum:"1" doc:"only payouts of this streamer; default: the caller, or all streamers for auditors and operators"`
	Held bool          `query:"held" doc:"only payouts that wait for the payment"`
	Window
}

// listPayouts returns a page with payouts of the caller. Auditors and operators may request those of any streamer.
func (s *server) listPayouts(ctx context.Context, in *payoutsInput) (history[payout], error) {
	user := requestOf(ctx).user
	all := hasRole(user, domain.RoleAuditor) || hasRole(user, domain.RoleOperator)
	switch {
	case all:
	case in.User == 0:
		in.User = user.ID
	case in.User != user.ID:
		return history[payout]{}, refusal(domain.CodeForbidden, "payouts of another user need the role %s or %s", domain.RoleAuditor, domain.RoleOperator)
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[payout]{}, err
	}
	found, err := s.Queries.Payouts(ctx, projections.PayoutFilter{Streamer: in.User, Held: in.Held, Window: w})
	if err != nil {
		return history[payout]{}, err
	}
	return newHistory(ctx, s, found, func(p projections.Payout) (payout, int64) { return newPayout(p, all), p.Position })
}
