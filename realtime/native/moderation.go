package native

import (
	"context"

	"roomlog/domain"
)

// Types for the field data of requests that keep order in a live.
type (
	banData struct {
		Live    domain.LiveID `json:"live"`
		User    domain.UserID `json:"user"`
		Seconds int64         `json:"seconds,omitempty" jsonschema_description:"duration in seconds, at most 315360000; 0: for good"`
		Reason  string        `json:"reason,omitempty" jsonschema_description:"shown to the user and recorded: at most 100 characters"`
	}
	userData struct {
		Live   domain.LiveID `json:"live"`
		User   domain.UserID `json:"user"`
		Reason string        `json:"reason,omitempty" jsonschema_description:"for the record: at most 100 characters"`
	}
	removeCommentData struct {
		Live    domain.LiveID `json:"live"`
		Comment int64         `json:"comment" jsonschema_description:"pos of the comment"`
		Reason  string        `json:"reason,omitempty" jsonschema_description:"for the record: at most 100 characters"`
	}
	modeData struct {
		Live    domain.LiveID   `json:"live"`
		Mode    domain.ModeName `json:"mode" jsonschema:"enum=mute_all,enum=slow,enum=members,enum=links_off,enum=followers,enum=stickers,enum=review"`
		Value   int64           `json:"value" jsonschema_description:"0: off; seconds of slow from 1 to 3600; minutes of members from 1 to 525600; followers: 1 for all followers, or the minutes for which they must have followed; otherwise 1"`
		Seconds int64           `json:"seconds,omitempty" jsonschema_description:"time until the mode ends, at most 315360000; 0: it has no end"`
		Reason  string          `json:"reason,omitempty" jsonschema_description:"for the record: at most 100 characters"`
	}
	addWordsData struct {
		Live  domain.LiveID  `json:"live"`
		Words []string       `json:"words" jsonschema:"minItems=1,maxItems=500" jsonschema_description:"1 to 500 words of 1 to 50 characters"`
		Exact bool           `json:"exact,omitempty" jsonschema_description:"whether the words must stand alone"`
		Act   domain.WordAct `json:"act" jsonschema:"enum=refuse,enum=mask,enum=hold" jsonschema_description:"refuse: comments with a word are refused; mask: the word is replaced by asterisks; hold: comments with a word are held for a review"`
	}
	removeWordsData struct {
		Live  domain.LiveID `json:"live"`
		Words []string      `json:"words" jsonschema:"minItems=1,maxItems=500" jsonschema_description:"1 to 500 words, as they were added"`
	}
	actReply struct {
		Pos int64 `json:"pos" jsonschema_description:"position up to which the log contains the act"`
	}
)

// act returns a handler that executes the command to which command converts the data of the request.
func act[T any](command func(T) domain.Command) handler[T] {
	return func(s *session, ctx context.Context, r request, data T) (any, error) {
		return s.act(ctx, r, command(data))
	}
}

// act executes a command and replies with the position of its event. With the key of the first request, a repeated one takes
// effect once. Without a key, it must be a command that changes nothing if it is repeated, or one whose further effect does no
// harm.
func (s *session) act(ctx context.Context, r request, c domain.Command) (any, error) {
	receipt, err := s.execute(ctx, r, c)
	if err != nil {
		return nil, err
	}
	return actReply{receipt.Position}, nil
}

func (s *session) onRemoveComment(ctx context.Context, r request, data removeCommentData) (any, error) {
	history := s.Store.History().Number
	c, err := s.Queries.RemoveComment(ctx, data.Live, data.Comment, data.Reason)
	if err != nil {
		return nil, err
	}
	return s.actFrom(ctx, r, history, c)
}

// actFrom executes a command that contains facts from the tables. history is the number of the history of the log
// before the facts were read.
func (s *session) actFrom(ctx context.Context, r request, history int64, c domain.Command) (any, error) {
	receipt, err := s.Hub.ExecuteFrom(ctx, s.Identity(), r.rate.ofCommands(), history, c, r.Key)
	if err != nil {
		return nil, err
	}
	return actReply{receipt.Position}, nil
}
