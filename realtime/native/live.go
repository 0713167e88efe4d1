package native

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// viewersPage is the maximum number of viewers in a reply to room.viewers.
const viewersPage = 100

func (s *session) onViewers(ctx context.Context, _ request, data viewersData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	before := int64(math.MaxInt64)
	if data.After != "" {
		var err error
		if before, err = strconv.ParseInt(data.After, 10, 64); err != nil {
			return nil, badRequest("after must be the next of another reply")
		}
	}
	if _, err := s.Queries.Live(ctx, data.Live); err != nil {
		return nil, err
	}
	if s.joined[data.Live] == nil {
		return nil, &domain.Refusal{Code: domain.CodeForbidden, Text: "only a connection that is in the live may list its viewers: send room.join first"}
	}
	found, err := s.Queries.PresentViewers(ctx, data.Live, before, viewersPage)
	if err != nil {
		return nil, err
	}
	page := viewersReply{Viewers: make([]projections.UserPayload, 0, len(found))}
	for _, v := range found {
		page.Viewers = append(page.Viewers, projections.UserPayloadOf(v.Profile))
	}
	if len(found) == viewersPage {
		page.Next = strconv.FormatInt(found[len(found)-1].JoinedPosition, 10)
	}
	return page, nil
}

func (s *session) onComment(ctx context.Context, r request, data domain.PostComment) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, r, data)
	if err != nil {
		return nil, err
	}
	for _, record := range receipt.Events {
		switch e := record.Event.(type) {
		case domain.CommentHeld:
			return commentReply{Pos: record.Position, Held: e.Held}, nil
		case domain.CommentPosted:
			return commentReply{Pos: record.Position, ID: projections.DeltasOf(record)[0].ID}, nil
		}
	}
	return nil, missingEvent(receipt)
}

func (s *session) onGift(ctx context.Context, r request, data domain.SendGift) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, r, data)
	if err != nil {
		return nil, err
	}
	for _, record := range receipt.Events {
		if e, ok := record.Event.(domain.GiftSent); ok {
			return giftReply{record.Position, e.BalanceAfter}, nil
		}
	}
	return nil, missingEvent(receipt)
}

func (s *session) onBuyTicket(ctx context.Context, r request, data ticketData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	live, err := s.Queries.Live(ctx, data.Live)
	if errors.Is(err, projections.ErrNotFound) {
		return nil, &domain.Refusal{Code: domain.CodeLiveNotFound, Text: fmt.Sprintf("there is no live %d", data.Live)}
	}
	if err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, r, domain.BuyTicket{Live: data.Live, Price: data.Price, Streamer: live.UserID})
	if err != nil {
		return nil, err
	}
	s.settle(ctx, receipt)
	for _, record := range receipt.Events {
		if e, ok := record.Event.(domain.TicketBought); ok {
			return giftReply{record.Position, e.BalanceAfter}, nil
		}
	}
	return nil, missingEvent(receipt)
}

// onEnterLive lets the user into a live by its password or by an invitation. The request has no key, as over REST:
// repeating it changes nothing, unless the user has lost the right meanwhile.
func (s *session) onEnterLive(ctx context.Context, r request, data enterData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	if s.EnterCommand == nil {
		return nil, &domain.Refusal{Code: domain.CodeForbidden, Text: "this server lets nobody into lives"}
	}
	command, err := s.EnterCommand(ctx, s.Identity().User, data.Live, data.Password, data.Invitation)
	if err != nil {
		return nil, err
	}
	receipt, err := s.Hub.Execute(ctx, s.Identity(), r.rate.ofCommands(), command, "")
	if err != nil {
		return nil, err
	}
	s.settle(ctx, receipt)
	return actReply{receipt.Position}, nil
}

// onFollow makes the user a follower of a streamer.
func (s *session) onFollow(ctx context.Context, r request, data followData) (any, error) {
	receipt, err := s.execute(ctx, r, domain.FollowUser{Streamer: data.User})
	if err != nil {
		return nil, err
	}
	s.settle(ctx, receipt)
	return actReply{receipt.Position}, nil
}

// onRefundTicket gives the coins of a ticket back to its user. It first waits until the tables contain the ticket.
func (s *session) onRefundTicket(ctx context.Context, r request, data refundData) (any, error) {
	if err := checkLive(data.Live); err != nil {
		return nil, err
	}
	history := s.Store.History().Number
	head, err := s.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Hub.WaitFor(ctx, head); err != nil {
		return nil, err
	}
	command, err := s.Queries.RefundTicket(ctx, data.Live, data.User, data.Reason)
	if err != nil {
		return nil, err
	}
	receipt, err := s.Hub.ExecuteFrom(ctx, s.Identity(), r.rate.ofCommands(), history, command, r.Key)
	if err != nil {
		return nil, err
	}
	for _, record := range receipt.Events {
		if e, ok := record.Event.(domain.TicketRefunded); ok {
			return refundReply{record.Position, e.Coins}, nil
		}
	}
	return nil, missingEvent(receipt)
}

// settle waits until the tables contain a right that the user has got, because the client may use it at once and the
// tables decide about that. If the tables do not catch up in time, settle returns anyway: the right is valid.
func (s *session) settle(ctx context.Context, receipt eventstore.Receipt) {
	_ = s.Hub.WaitFor(ctx, receipt.Position)
}

func (s *session) onAck(_ context.Context, _ request, data ackData) (any, error) {
	if data.Cursor == "" {
		return nil, badRequest("cursor is missing")
	}
	if data.Live == 0 {
		s.user.acknowledge()
		return noData{}, nil
	}
	c := s.joined[data.Live]
	if c == nil {
		return nil, &domain.Refusal{Code: domain.CodeForbidden, Text: "only a connection that is in the live may acknowledge its facts: send room.join first"}
	}
	c.acknowledge(s.conn, s.Identity().User, data.Cursor)
	return noData{}, nil
}

func (s *session) onPing(context.Context, request, noData) (any, error) {
	return pingReply{s.Hub.Now().UTC()}, nil
}

// postReplyOf returns the position and the id of the event of type E in a receipt.
func postReplyOf[E domain.Event](receipt eventstore.Receipt) (any, error) {
	for _, r := range receipt.Events {
		if _, ok := r.Event.(E); ok {
			for _, d := range projections.DeltasOf(r) {
				return postReply{d.Position, d.ID}, nil
			}
		}
	}
	return nil, missingEvent(receipt)
}

func missingEvent(receipt eventstore.Receipt) error {
	return fmt.Errorf("a command was accepted at position %d without its event", receipt.Position)
}
