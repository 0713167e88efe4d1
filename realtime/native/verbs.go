package native

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// verb is one type of frame that clients send.
type verb struct {
	name   string
	open   bool // may come before hello
	says   string
	data   any // a zero one, for documentation
	answer any // a zero one, for documentation
	run    func(s *session, ctx context.Context, in inbound) (any, error)
}

// vocabulary is everything a client can say, in the order it is documented.
func vocabulary() []verb {
	return slices.Concat(liveVocabulary(), chatVocabulary())
}

// liveVocabulary is what a client can say but for the chat.
func liveVocabulary() []verb {
	return []verb{
		heeds("hello", true, "says who you are, first of all; again, with a new token, before the old one expires", helloReply{}, (*session).onHello),
		heeds("room.join", false, "enters a room and hears it from now on; again, to be brought up to date", joined{}, (*session).onJoin),
		heeds("room.leave", false, "leaves a room", left{}, (*session).onLeave),
		heeds("room.viewers", false, "asks who is in a room now, newest first, a hundred at a time", viewersPage{}, (*session).onViewers),
		heeds("comment.post", false, "says something in a room", posted{}, (*session).onComment),
		heeds("gift.send", false, "gives gifts to a room, paid from your own coins", given{}, (*session).onGift),
		heeds("ack", false, "says that everything on the private lane up to a cursor has been handled", noData{}, (*session).onAck),
		heeds("ping", true, "asks for an answer, to see that the way is open", pongData{}, (*session).onPing),
	}
}

// byName finds the verbs of a vocabulary.
func byName(verbs []verb) map[string]verb {
	found := make(map[string]verb, len(verbs))
	for _, v := range verbs {
		found[v.name] = v
	}
	return found
}

// heeds makes a verb of a handler that takes its data as a T.
func heeds[T any](name string, open bool, says string, answer any, run func(*session, context.Context, inbound, T) (any, error)) verb {
	var zero T
	return verb{name, open, says, zero, answer, func(s *session, ctx context.Context, in inbound) (any, error) {
		var data T
		if len(in.Data) > 0 {
			if err := json.Unmarshal(in.Data, &data); err != nil {
				return nil, malformedFrame(err)
			}
		}
		return run(s, ctx, in, data)
	}}
}

func (s *session) onHello(ctx context.Context, in inbound, data helloData) (any, error) {
	return nil, s.hello(ctx, in.ID, data)
}

func (s *session) onJoin(ctx context.Context, in inbound, data joinData) (any, error) {
	if err := named(data.Live); err != nil {
		return nil, err
	}
	return nil, s.join(ctx, in.ID, data)
}

func (s *session) onLeave(_ context.Context, _ inbound, data leaveData) (any, error) {
	if err := named(data.Live); err != nil {
		return nil, err
	}
	return left{s.leave(data.Live, domain.LeaveRequested)}, nil
}

func (s *session) onViewers(ctx context.Context, _ inbound, data viewersData) (any, error) {
	if err := named(data.Live); err != nil {
		return nil, err
	}
	before := int64(math.MaxInt64)
	if data.After != "" {
		var err error
		if before, err = strconv.ParseInt(data.After, 10, 64); err != nil {
			return nil, hub.NewProblem(domain.CodeBadRequest, "after is the next of another answer")
		}
	}
	if _, err := s.server.cfg.Queries.Live(ctx, data.Live); err != nil {
		return nil, err
	}
	found, err := s.server.cfg.Queries.PresentViewers(ctx, data.Live, before, viewersAtOnce)
	if err != nil {
		return nil, err
	}
	page := viewersPage{Viewers: make([]personInfo, 0, len(found))}
	for _, p := range found {
		page.Viewers = append(page.Viewers, personOf(p.Profile))
	}
	if len(found) == viewersAtOnce {
		page.Next = strconv.FormatInt(found[len(found)-1].JoinedPosition, 10)
	}
	return page, nil
}

func (s *session) onComment(ctx context.Context, in inbound, data domain.PostComment) (any, error) {
	if err := named(data.Live); err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, in, hub.RateComments, data)
	if err != nil {
		return nil, err
	}
	for _, r := range receipt.Events {
		for _, d := range projections.DeltasOf(r) {
			if d.Kind == projections.KindComment {
				return posted{d.Position, d.ID}, nil
			}
		}
	}
	return nil, fmt.Errorf("a comment was accepted at %d without an event", receipt.Position)
}

func (s *session) onGift(ctx context.Context, in inbound, data domain.SendGift) (any, error) {
	if err := named(data.Live); err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, in, hub.RateGifts, data)
	if err != nil {
		return nil, err
	}
	for _, r := range receipt.Events {
		if e, ok := r.Event.(domain.GiftSent); ok {
			return given{r.Position, e.BalanceAfter}, nil
		}
	}
	return nil, fmt.Errorf("a gift was accepted at %d without an event", receipt.Position)
}

func (s *session) onAck(_ context.Context, _ inbound, data ackData) (any, error) {
	if data.Cursor == "" {
		return nil, hub.NewProblem(domain.CodeBadRequest, "cursor is missing")
	}
	s.acknowledged()
	return noData{}, nil
}

func (s *session) onPing(context.Context, inbound, noData) (any, error) {
	return pongData{s.server.cfg.Now().UTC()}, nil
}

// execute executes a command of the user, which counts against a rate.
func (s *session) execute(ctx context.Context, in inbound, rate hub.Rate, c domain.Command) (eventstore.Receipt, error) {
	return s.server.hub.Execute(ctx, s.Identity(), rate, c, in.Key)
}

// named refuses a frame without a room.
func named(live domain.LiveID) error {
	if live < 1 {
		return hub.NewProblem(domain.CodeBadRequest, "live is the id of a room")
	}
	return nil
}
