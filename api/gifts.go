package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"roomlog/api/tlog"
	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections"
)

// gift is a gift of the gift catalogue in a response.
type gift struct {
	ID    domain.GiftID `json:"id"`
	Name  string        `json:"name" example:"Rose"`
	Image string        `json:"image" example:"https://live.example/uploads/rose.png"`
	Coin  domain.Coins  `json:"coin" doc:"price of one"`
}

func (s *server) listGifts(ctx context.Context, _ *struct{}) ([]gift, error) {
	found, err := s.Queries.Gifts(ctx)
	gifts := make([]gift, 0, len(found))
	for _, g := range found {
		gifts = append(gifts, gift{g.ID, g.Name, g.Image, g.Price})
	}
	return gifts, err
}

// sentGift is a gift that was sent, in a response. Its name and price are those at the time of sending.
type sentGift struct {
	ID       string        `json:"id" example:"09a791fff0"`
	Position int64         `json:"position"`
	Live     domain.LiveID `json:"live"`
	Streamer domain.UserID `json:"streamer"`
	Sender   PublicUser    `json:"sender"`
	Gift     domain.GiftID `json:"gift"`
	Name     string        `json:"name" example:"Rose"`
	Image    string        `json:"image" example:"https://live.example/uploads/rose.png"`
	Price    domain.Coins  `json:"price"`
	Num      int           `json:"num"`
	Coin     domain.Coins  `json:"coin"`
	Share    domain.Coins  `json:"share" doc:"coins of these that the platform has received; the streamer has received the others"`
	At       time.Time     `json:"at"`
	Refunded int64         `json:"refunded,omitempty" doc:"position of the event that has refunded the gift; absent: it was not refunded"`
}

type giftHistoryInput struct {
	Live   domain.LiveID `query:"live" minimum:"1"`
	Sender domain.UserID `query:"sender" minimum:"1"`
	Gift   domain.GiftID `query:"gift" minimum:"1"`
	Period
	Window
}

// giftHistory returns a page with the gifts that were sent to the caller's lives. An auditor may request all lives.
func (s *server) giftHistory(ctx context.Context, in *giftHistoryInput) (history[sentGift], error) {
	w, err := s.windowIn(ctx, in.Period, in.Window)
	if err != nil {
		return history[sentGift]{}, err
	}
	filter := projections.GiftFilter{Live: in.Live, Sender: in.Sender, Gift: in.Gift, Window: w}
	if user := requestOf(ctx).user; !hasRole(user, domain.RoleAuditor) {
		if err := s.restrictToOwnLives(ctx, user, &filter); err != nil {
			return history[sentGift]{}, err
		}
	}
	found, err := s.Queries.GiftHistory(ctx, filter)
	if err != nil {
		return history[sentGift]{}, err
	}
	return newHistory(ctx, s, found, func(g projections.GiftRecord) (sentGift, int64) {
		return sentGift{
			g.ID, g.Position, g.Live, g.Streamer, newPublicUser(g.Sender), g.Gift, g.Name, g.Image, g.Price, g.Num, g.Coins, g.Share, g.At, g.Refunded,
		}, g.Position
	})
}

// restrictToOwnLives restricts filter to the lives of a user. It refuses a filter for a live of another user.
func (s *server) restrictToOwnLives(ctx context.Context, user projections.User, filter *projections.GiftFilter) error {
	filter.Streamer = user.ID
	if filter.Live == 0 {
		return nil
	}
	live, err := s.live(ctx, filter.Live)
	if err == nil && live.UserID != user.ID {
		err = refusal(domain.CodeForbidden, "gifts sent to another user's live need the role %s", domain.RoleAuditor)
	}
	return err
}

// shareRule is a rule that splits gifts between the streamer and the platform, in a response.
type shareRule struct {
	Rule        int64      `json:"rule" doc:"number of the rule; 0: no rule was set"`
	BasisPoints int        `json:"basis_points" example:"3000" doc:"share of the platform in hundredths of a percent, rounded down to whole coins of each gift and ticket"`
	Position    int64      `json:"position" doc:"the rule holds for gifts and tickets after this position of the log"`
	At          *time.Time `json:"at" doc:"time of the event that has set the rule; null: no rule was set"`
	Actor       string     `json:"actor,omitempty" example:"user-5" doc:"who has set the rule; for auditors and operators only"`
	Reason      string     `json:"reason,omitempty" example:"new contract" doc:"for auditors and operators only"`
}

// readShare returns the rule that splits gifts and tickets now.
func (s *server) readShare(ctx context.Context, _ *struct{}) (shareRule, error) {
	found, err := s.Queries.ShareRules(ctx, 0, 1)
	if err != nil || len(found) == 0 {
		return shareRule{}, err
	}
	r := found[0]
	return shareRule{Rule: r.Rule, BasisPoints: r.BasisPoints, Position: r.Position, At: &r.At}, nil
}

type shareRulesInput struct {
	Before int64 `query:"before" minimum:"1" doc:"only rules with smaller numbers"`
	Limit  int   `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// listShareRules returns the rules that have split gifts and tickets, newest first.
func (s *server) listShareRules(ctx context.Context, in *shareRulesInput) ([]shareRule, error) {
	user := requestOf(ctx).user
	if !hasRole(user, domain.RoleAuditor) && !hasRole(user, domain.RoleOperator) {
		return nil, refusal(domain.CodeForbidden, "this needs the role %s or %s", domain.RoleAuditor, domain.RoleOperator)
	}
	found, err := s.Queries.ShareRules(ctx, in.Before, in.Limit)
	list := make([]shareRule, 0, len(found))
	for _, r := range found {
		list = append(list, shareRule{r.Rule, r.BasisPoints, r.Position, &r.At, r.Actor, r.Reason})
	}
	return list, err
}

type setShareInput struct {
	Body struct {
		BasisPoints number `json:"basis_points" doc:"share of the platform in hundredths of a percent: 0–9999"`
		Reason      string `json:"reason" example:"new contract" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

// setShare sets the share of the platform in gifts and tickets from now on.
func (s *server) setShare(ctx context.Context, in *setShareInput) (string, error) {
	_, err := s.execute(ctx, domain.SetShare{BasisPoints: int(in.Body.BasisPoints), Reason: in.Body.Reason})
	return "ok", err
}

type refundInput struct {
	Body struct {
		Position int64  `json:"position" minimum:"1" example:"133" doc:"position of the gift"`
		Reason   string `json:"reason" example:"sent by mistake" doc:"recorded: 1–100 characters"`
	}
}

// refund is the outcome of a refund, in a response.
type refund struct {
	Position int64        `json:"position" doc:"position of the event that has refunded the gift or ticket"`
	Coin     domain.Coins `json:"coin" doc:"coins that went back to the user who had paid"`
}

// refundGift gives the coins of a gift back to its sender. It first waits until the tables contain everything that is in
// the log, so that it never refuses a refund because the tables are behind.
func (s *server) refundGift(ctx context.Context, in *refundInput) (refund, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return refund{}, err
	}
	sent, received, err := s.Queries.SentGift(ctx, in.Body.Position)
	if isNotFound(err) {
		err = refusal(domain.CodeGiftRecordNotFound, "no gift was sent at position %d", in.Body.Position)
	}
	if err != nil {
		return refund{}, err
	}
	receipt, err := s.executeFrom(ctx, history, domain.RefundGift{Position: in.Body.Position, Reason: in.Body.Reason, Sent: sent, Received: received})
	if err != nil {
		return refund{}, err
	}
	e, r, err := eventOf[domain.GiftRefunded](receipt)
	return refund{r.Position, e.Coins}, err
}

// giftProof serves the proof of a gift: the file that roomlog audit gift writes.
func (s *server) giftProof(w http.ResponseWriter, r *http.Request) {
	s.serveProof(w, r, "gift", s.proveGift)
}

// coinProof serves the proof of an event that moves coins.
func (s *server) coinProof(w http.ResponseWriter, r *http.Request) {
	s.serveProof(w, r, "coin", s.proveCoins)
}

// serveProof serves the proof of the event at the position in the path. Its bytes are not put into an envelope, because a checker
// accepts the file only as it is. kind is the second part of the path.
func (s *server) serveProof(w http.ResponseWriter, r *http.Request, kind string, prove func(ctx context.Context, position int64) (transparency.Proof, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	var file []byte
	text := chi.URLParam(r, "position")
	position, err := strconv.ParseInt(text, 10, 64)
	if err != nil || position < 1 || strconv.FormatInt(position, 10) != text {
		err = badRequest(fmt.Sprintf("the path must contain the position of the event, like /api/%s/133/proof", kind))
	} else {
		err = s.waitForHead(ctx)
	}
	if err == nil {
		var proof transparency.Proof
		if proof, err = prove(ctx, position); err == nil {
			file, err = proof.Encode()
		}
	}
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.json"`, kind))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(file) // fails only if the client has disconnected
}

// proveGift returns the proof of the gift at a position, for the sender or an auditor. The streamer must not read it: it
// contains the balance of the sender, and the metadata of the request.
func (s *server) proveGift(ctx context.Context, position int64) (transparency.Proof, error) {
	sent, _, err := s.Queries.SentGift(ctx, position)
	if isNotFound(err) {
		err = refusal(domain.CodeGiftRecordNotFound, "no gift was sent at position %d", position)
	}
	if err != nil {
		return transparency.Proof{}, err
	}
	if user := requestOf(ctx).user; user.ID != sent.Sender && !hasRole(user, domain.RoleAuditor) {
		return transparency.Proof{}, refusal(domain.CodeForbidden, "the proof of another user's gift needs the role %s", domain.RoleAuditor)
	}
	return s.prove(ctx, position)
}

// proveCoins returns the proof of the event at a position, which must move coins.
func (s *server) proveCoins(ctx context.Context, position int64) (transparency.Proof, error) {
	head, err := s.Store.Head(ctx)
	if err != nil {
		return transparency.Proof{}, err
	}
	if position > head {
		return transparency.Proof{}, badRequest(fmt.Sprintf("the position must be at most %d, the end of the log (got %d)", head, position))
	}
	found, err := s.Store.ReadRaw(ctx, 0, position-1, position, 1)
	if err != nil {
		return transparency.Proof{}, err
	}
	for _, r := range found {
		if !slices.Contains(coinTypes, r.Type) {
			return transparency.Proof{}, badRequest(fmt.Sprintf("the event at position %d is %s, which moves no coins", position, r.Type))
		}
	}
	return s.prove(ctx, position)
}

// coinTypes contains the types of the events that move coins, as stored in the log.
var coinTypes = func() (types []string) {
	for _, spec := range domain.Events {
		if _, coins := spec.Zero.(domain.CoinEvent); coins {
			types = slices.AppendSeq(append(types, spec.Type), maps.Keys(spec.Upcasters))
		}
	}
	return types
}()

func (s *server) prove(ctx context.Context, position int64) (transparency.Proof, error) {
	proof, err := tree.ProveLatest(ctx, s.Store.Pool(), position)
	if errors.Is(err, tree.ErrNotSigned) {
		err = refusal(tlog.CodeNotSigned, "no signed checkpoint covers the event yet: a server signs one within a second")
	}
	return proof, err
}

// GiftPath is the input of an endpoint with the position of a gift in its path. It is exported because huma sets embedded structs
// only if they are exported.
type GiftPath struct {
	Position int64 `path:"position" minimum:"1" example:"133" doc:"position of the gift"`
}

// giftDelivery contains the numbers of connections that have received the push of a gift, in a response.
type giftDelivery struct {
	Sent                 int64 `json:"sent" doc:"connections in the live to which the push was written"`
	Acknowledged         int64 `json:"acknowledged" doc:"of these, connections whose client has acknowledged the push"`
	StreamerSent         int64 `json:"streamer_sent" doc:"connections of the streamer among sent"`
	StreamerAcknowledged int64 `json:"streamer_acknowledged" doc:"connections of the streamer among acknowledged"`
}

// liveDelivery contains the sums of the deliveries of all gifts in a live, in a response.
type liveDelivery struct {
	Gifts                int64 `json:"gifts" doc:"gifts whose push was written to a connection"`
	Sent                 int64 `json:"sent" doc:"sum of sent"`
	Acknowledged         int64 `json:"acknowledged" doc:"sum of acknowledged"`
	StreamerSent         int64 `json:"streamer_sent" doc:"sum of streamer_sent"`
	StreamerAcknowledged int64 `json:"streamer_acknowledged" doc:"sum of streamer_acknowledged"`
}

// readGiftDelivery returns the delivery of a gift. The sender, the streamer, auditors and operators may read it.
func (s *server) readGiftDelivery(ctx context.Context, in *GiftPath) (giftDelivery, error) {
	if err := s.waitForHead(ctx); err != nil {
		return giftDelivery{}, err
	}
	sent, _, err := s.Queries.SentGift(ctx, in.Position)
	if isNotFound(err) {
		err = refusal(domain.CodeGiftRecordNotFound, "no gift was sent at position %d", in.Position)
	}
	if err != nil {
		return giftDelivery{}, err
	}
	user := requestOf(ctx).user
	if user.ID != sent.Sender && user.ID != sent.Streamer && !hasRole(user, domain.RoleAuditor) && !hasRole(user, domain.RoleOperator) {
		return giftDelivery{}, refusal(domain.CodeForbidden, "the delivery of another user's gift needs the role %s or %s", domain.RoleAuditor, domain.RoleOperator)
	}
	found, err := s.deliveries.Gift(ctx, in.Position)
	return giftDelivery(found), err
}

// readLiveDelivery returns the sums of the deliveries of all gifts in a live.
func (s *server) readLiveDelivery(ctx context.Context, in *LivePath) (liveDelivery, error) {
	found, err := s.deliveries.Live(ctx, in.ID)
	return liveDelivery{found.Gifts, found.Sent, found.Acknowledged, found.StreamerSent, found.StreamerAcknowledged}, err
}

func documentGiftProof(o *huma.Operation, _ huma.Registry) {
	documentProof(o, "the event of the gift as it is stored, with the balance of the sender after it", "position of the gift", 133)
}

func documentCoinProof(o *huma.Operation, _ huma.Registry) {
	documentProof(o, "the event as it is stored, with its postings", "position of an event that moves coins, as statements contain it", 31)
}

func documentProof(o *huma.Operation, event, position string, example int64) {
	o.Description += " The file contains " + event + ", the hashes that lead to the root of the transparency log, and the signed checkpoint. " +
		"Check it with roomlog audit check, or with the module proof.js of the page; docs/AUDIT.md describes how. It has no envelope, because every byte counts."
	o.Responses["200"] = &huma.Response{Description: "The proof.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
	}}
	o.Parameters = append(o.Parameters, &huma.Param{Name: "position", In: "path", Required: true, Description: position, Example: example,
		Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}})
}

type buyTicketInput struct {
	Body struct {
		ID    number `json:"id" doc:"id of the live"`
		Price number `json:"price" example:"30" doc:"price that the user has seen: the request is refused if the ticket has another one"`
	}
}

// boughtTicket is a ticket that the caller has bought, in a response.
type boughtTicket struct {
	Position int64        `json:"position" doc:"position of the event of the payment"`
	Coin     domain.Coins `json:"coin" doc:"what the caller has paid"`
	Balance  domain.Coins `json:"balance" doc:"coins that the caller has left"`
}

// buyTicket buys a ticket for a live.
func (s *server) buyTicket(ctx context.Context, in *buyTicketInput) (boughtTicket, error) {
	live, err := s.live(ctx, domain.LiveID(in.Body.ID))
	if err != nil {
		return boughtTicket{}, err
	}
	receipt, err := s.execute(ctx, domain.BuyTicket{Live: live.ID, Price: domain.Coins(in.Body.Price), Streamer: live.UserID})
	if err != nil {
		return boughtTicket{}, err
	}
	e, r, err := eventOf[domain.TicketBought](receipt)
	return boughtTicket{r.Position, e.Coins, e.BalanceAfter}, err
}

type refundTicketInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		User   number `json:"user" doc:"the user who has the ticket"`
		Reason string `json:"reason" example:"the show is cancelled" doc:"recorded: 1–100 characters; must not identify a person"`
	}
}

// refundTicket gives the coins of a ticket back to its user. Like a refund of a gift, it first waits for the tables.
func (s *server) refundTicket(ctx context.Context, in *refundTicketInput) (refund, error) {
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return refund{}, err
	}
	command, err := s.Queries.RefundTicket(ctx, domain.LiveID(in.Body.ID), domain.UserID(in.Body.User), in.Body.Reason)
	if err != nil {
		return refund{}, err
	}
	receipt, err := s.executeFrom(ctx, history, command)
	if err != nil {
		return refund{}, err
	}
	e, r, err := eventOf[domain.TicketRefunded](receipt)
	return refund{r.Position, e.Coins}, err
}

// refundsAtOnce is the maximum number of tickets that one request refunds.
const refundsAtOnce = 50

type refundTicketsInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		Reason string `json:"reason" example:"the show is cancelled" doc:"recorded with each ticket: 1–100 characters; must not identify a person"`
		After  number `json:"after,omitempty" example:"4711" doc:"value of next in the former response; absent: begin with the first ticket"`
	}
}

func (in *refundTicketsInput) liveID() domain.LiveID { return domain.LiveID(in.Body.ID) }

// refundedTickets is the outcome of a request that refunds many tickets.
type refundedTickets struct {
	Refunded int             `json:"refunded" doc:"number of tickets that the request has refunded"`
	Coin     domain.Coins    `json:"coin" doc:"coins that went back to their users"`
	Refused  []refusedTicket `json:"refused" doc:"tickets that could not be refunded"`
	Next     int64           `json:"next" doc:"send it as after to get more tickets; 0: there are none"`
}

// refusedTicket is a ticket that could not be refunded.
type refusedTicket struct {
	User domain.UserID `json:"user"`
	Code domain.Code   `json:"code" example:"user_unavailable"`
	Text string        `json:"text" example:"there is no user 12"`
}

// refundTickets refunds the next tickets for a live, each with a command of its own. It stops early if the rate of the caller
// is exceeded. A request that is repeated finds only tickets that were not refunded.
func (s *server) refundTickets(ctx context.Context, in *refundTicketsInput) (refundedTickets, error) {
	ctx = withoutIdempotencyKey(ctx)
	done := refundedTickets{Refused: []refusedTicket{}, Next: int64(in.Body.After)}
	history := s.Store.History().Number
	if err := s.waitForHead(ctx); err != nil {
		return done, err
	}
	tickets, err := s.Queries.Tickets(ctx, projections.TicketFilter{
		Live: domain.LiveID(in.Body.ID), Valid: true, Window: projections.Window{After: done.Next, Limit: refundsAtOnce, OldestFirst: true},
	})
	if err != nil {
		return done, err
	}
	command, err := s.Queries.RefundTickets(ctx, domain.LiveID(in.Body.ID), in.Body.Reason)
	if err != nil {
		return done, err
	}
	for _, t := range tickets {
		command.User, command.Position = t.User, t.Position
		_, err := s.executeFrom(ctx, history, command)
		switch r := domain.AsRefusal(err); {
		case err == nil:
			done.Refunded, done.Coin = done.Refunded+1, done.Coin+t.Coins
		case r != nil && refusesOne(r.Code):
			done.Refused = append(done.Refused, refusedTicket{t.User, r.Code, r.Text})
		case done.Refunded+len(done.Refused) == 0:
			return done, err
		default:
			return done, nil // the next request gets the error
		}
		done.Next = t.Position
	}
	if len(tickets) < refundsAtOnce {
		done.Next = 0
	}
	return done, nil
}

// refusesOne reports whether a refusal with this code concerns one ticket only, so that the refunds of the next tickets are
// tried.
func refusesOne(code domain.Code) bool {
	switch code {
	case domain.CodeUserUnavailable, domain.CodeTicketNotFound, domain.CodeCoinsClosed, domain.CodeCoinsOverflow, domain.CodeForbidden, domain.CodeEarningsTooFew:
		return true
	}
	return false
}

// ticket is a ticket for a live, in a response.
type ticket struct {
	Position int64         `json:"position"`
	Live     domain.LiveID `json:"live"`
	User     PublicUser    `json:"user" doc:"the user who bought the ticket"`
	Coin     domain.Coins  `json:"coin" doc:"what the user has paid"`
	Share    domain.Coins  `json:"share" doc:"coins of these that the platform has received; the streamer has received the others"`
	At       time.Time     `json:"at"`
	Refunded int64         `json:"refunded,omitempty" doc:"position of the event that has refunded the ticket; absent: it was not refunded"`
	Reason   string        `json:"reason,omitempty" example:"the show is cancelled" doc:"reason of the refund"`
}

func newTicket(t projections.Ticket) (ticket, int64) {
	return ticket{t.Position, t.Live, newPublicUser(t.Buyer), t.Coins, t.Share, t.At, t.Returned, t.Reason}, t.Position
}

type ticketsInput struct {
	LivePath
	Window
}

// listTickets returns a page with the tickets for a live.
func (s *server) listTickets(ctx context.Context, in *ticketsInput) (history[ticket], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[ticket]{}, err
	}
	found, err := s.Queries.Tickets(ctx, projections.TicketFilter{Live: in.ID, Window: w})
	if err != nil {
		return history[ticket]{}, err
	}
	return newHistory(ctx, s, found, newTicket)
}

// ownTickets returns a page with the tickets that the caller has bought.
func (s *server) ownTickets(ctx context.Context, in *struct{ Window }) (history[ticket], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[ticket]{}, err
	}
	found, err := s.Queries.Tickets(ctx, projections.TicketFilter{User: requestOf(ctx).user.ID, Window: w})
	if err != nil {
		return history[ticket]{}, err
	}
	return newHistory(ctx, s, found, newTicket)
}

// ticketSums are sums of the tickets for a live, in a response.
type ticketSums struct {
	Sold     int64        `json:"sold" doc:"number of tickets that were bought"`
	Refunded int64        `json:"refunded" doc:"number of these that were refunded"`
	Coin     domain.Coins `json:"coin" doc:"coins of those that were not refunded"`
	Share    domain.Coins `json:"share" doc:"coins of these that the platform has received"`
}

func (s *server) readTicketSums(ctx context.Context, in *LivePath) (ticketSums, error) {
	sums, err := s.Queries.TicketSums(ctx, in.ID)
	return ticketSums{sums.Sold, sums.Refunded, sums.Coins, sums.Share}, err
}
