package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

const (
	rollAtMost  = 1000                  // connections that a process names: the newest
	rollWait    = 2 * time.Second       // for the processes to answer
	rollPoll    = 20 * time.Millisecond // meanwhile
	rollsAtOnce = 4                     // that a process has still to answer; it does not hear more
)

// SurveyRequest asks which connections there are; zero fields ask for all.
type SurveyRequest struct {
	ID   domain.ConnectionID `json:"id,omitempty"`
	User domain.UserID       `json:"user,omitempty"`
	Live domain.LiveID       `json:"live,omitempty"`
}

// SurveyResult is what a roll call brought.
type SurveyResult struct {
	Connections []Connection // the newest 1000, newest first
	Total       int          // connections of the processes that answered
	Nodes       int          // that hold connections
	Answered    int          // of these
}

// rollWhisper is the whisper that asks.
type rollWhisper struct {
	RollCall struct {
		Call uuid.UUID `json:"call"`
		SurveyRequest
	} `json:"roll_call"`
}

const rollPrefix = `{"roll_call":`

// SurveyConnections asks all processes of a database which connections they hold, and waits a moment for their answers.
func SurveyConnections(ctx context.Context, store *eventstore.Store, asked SurveyRequest) (SurveyResult, error) {
	var w rollWhisper
	w.RollCall.Call, w.RollCall.SurveyRequest = uuid.New(), asked
	var roll SurveyResult
	var err error
	if roll.Nodes, err = store.Beats(ctx); err != nil {
		return roll, fmt.Errorf("call the roll: %w", err)
	}
	request, err := json.Marshal(w)
	if err != nil {
		return roll, fmt.Errorf("survey connections: %w", err)
	}
	if err := store.Whisper(ctx, string(request)); err != nil {
		return roll, fmt.Errorf("call the roll: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollWait)
		defer cancel()
		_, _ = store.Pool().Exec(ctx, deleteRollCall, w.RollCall.Call) // what is left is deleted by the next one
	}()
	within, cancel := context.WithTimeout(ctx, rollWait)
	defer cancel()
	for within.Err() == nil && roll.Answered < roll.Nodes {
		wait(within, rollPoll)
		if err := store.Pool().QueryRow(ctx, selectRollCount, w.RollCall.Call).Scan(&roll.Answered); err != nil {
			return roll, fmt.Errorf("call the roll: %w", err)
		}
	}
	return roll, roll.read(ctx, store, w.RollCall.Call)
}

// read collects the answers.
func (r *SurveyResult) read(ctx context.Context, store *eventstore.Store, call uuid.UUID) error {
	rows, err := store.Pool().Query(ctx, selectRollCall, call)
	if err != nil {
		return fmt.Errorf("read the roll: %w", err)
	}
	var total int
	var text []byte
	r.Answered = 0
	_, err = pgx.ForEachRow(rows, []any{&total, &text}, func() error {
		var sockets []Connection
		if err := json.Unmarshal(text, &sockets); err != nil {
			return err
		}
		r.Connections, r.Total, r.Answered = append(r.Connections, sockets...), r.Total+total, r.Answered+1
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the roll: %w", err)
	}
	newestFirst(r.Connections)
	r.Connections = r.Connections[:min(len(r.Connections), rollAtMost)]
	return nil
}

// AnswerSurveys answers roll calls in the name of a process until ctx ends, with the connections that list answers,
// newest first. Every process does that is known as alive, whether it may have connections or not: who does not
// answer counts as missing. Doors do it by themselves.
func AnswerSurveys(ctx context.Context, store *eventstore.Store, log *slog.Logger, process string, list func() []Connection) error {
	calls := make(chan rollWhisper, rollsAtOnce)
	stop := store.Overhear(func(text string) {
		var w rollWhisper
		if !strings.HasPrefix(text, rollPrefix) || json.Unmarshal([]byte(text), &w) != nil {
			return
		}
		select {
		case calls <- w:
		default:
		}
	})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-calls:
			if err := answerRoll(ctx, store, process, w, list()); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "a roll call could not be answered", slog.Any("err", err))
			}
		}
	}
}

func answerRoll(ctx context.Context, store *eventstore.Store, process string, w rollWhisper, all []Connection) error {
	ctx, cancel := context.WithTimeout(ctx, rollWait)
	defer cancel()
	asked := w.RollCall.SurveyRequest
	sockets := slices.DeleteFunc(all, func(s Connection) bool {
		return asked.ID != "" && asked.ID != s.ID && asked.ID != s.Alias ||
			asked.User != 0 && !slices.Contains(s.Users, asked.User) ||
			asked.Live != 0 && !slices.Contains(s.Lives, asked.Live)
	})
	total := len(sockets)
	sockets = sockets[:min(total, rollAtMost)]
	reply, err := json.Marshal(sockets)
	if err != nil {
		return fmt.Errorf("reply to a survey: %w", err)
	}
	if _, err := store.Pool().Exec(ctx, insertRollCall, w.RollCall.Call, process, reply, total); err != nil {
		return fmt.Errorf("answer a roll call: %w", err)
	}
	return nil
}
