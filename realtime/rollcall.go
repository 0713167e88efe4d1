package realtime

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

// RollCall asks which connections there are; zero fields ask for all.
type RollCall struct {
	ID   domain.ConnectionID `json:"id,omitempty"`
	User domain.UserID       `json:"user,omitempty"`
	Live domain.LiveID       `json:"live,omitempty"`
}

// Roll is what a roll call brought.
type Roll struct {
	Sockets   []Socket // the newest 1000, newest first
	Total     int      // connections of the processes that answered
	Processes int      // that hold connections
	Answered  int      // of these
}

// rollWhisper is the whisper that asks.
type rollWhisper struct {
	RollCall struct {
		Call uuid.UUID `json:"call"`
		RollCall
	} `json:"roll_call"`
}

const rollPrefix = `{"roll_call":`

// CallRoll asks all processes of a database which connections they hold, and waits a moment for their answers.
func CallRoll(ctx context.Context, store *eventstore.Store, asked RollCall) (Roll, error) {
	var w rollWhisper
	w.RollCall.Call, w.RollCall.RollCall = uuid.New(), asked
	var roll Roll
	var err error
	if roll.Processes, err = store.Beats(ctx); err != nil {
		return roll, fmt.Errorf("call the roll: %w", err)
	}
	if err := store.Whisper(ctx, string(encode(w))); err != nil {
		return roll, fmt.Errorf("call the roll: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollWait)
		defer cancel()
		_, _ = store.Pool().Exec(ctx, deleteRollCall, w.RollCall.Call) // what is left is deleted by the next one
	}()
	within, cancel := context.WithTimeout(ctx, rollWait)
	defer cancel()
	for within.Err() == nil && roll.Answered < roll.Processes {
		wait(within, rollPoll)
		if err := store.Pool().QueryRow(ctx, selectRollCount, w.RollCall.Call).Scan(&roll.Answered); err != nil {
			return roll, fmt.Errorf("call the roll: %w", err)
		}
	}
	return roll, roll.read(ctx, store, w.RollCall.Call)
}

// read collects the answers.
func (r *Roll) read(ctx context.Context, store *eventstore.Store, call uuid.UUID) error {
	rows, err := store.Pool().Query(ctx, selectRollCall, call)
	if err != nil {
		return fmt.Errorf("read the roll: %w", err)
	}
	var total int
	var text []byte
	r.Answered = 0
	_, err = pgx.ForEachRow(rows, []any{&total, &text}, func() error {
		var sockets []Socket
		if err := json.Unmarshal(text, &sockets); err != nil {
			return err
		}
		r.Sockets, r.Total, r.Answered = append(r.Sockets, sockets...), r.Total+total, r.Answered+1
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the roll: %w", err)
	}
	newestFirst(r.Sockets)
	r.Sockets = r.Sockets[:min(len(r.Sockets), rollAtMost)]
	return nil
}

// AnswerRolls answers roll calls in the name of a process until ctx ends, with the connections that list answers,
// newest first. Every process does that is known as alive, whether it may have connections or not: who does not
// answer counts as missing. Doors do it by themselves.
func AnswerRolls(ctx context.Context, store *eventstore.Store, log *slog.Logger, process string, list func() []Socket) error {
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

func answerRoll(ctx context.Context, store *eventstore.Store, process string, w rollWhisper, all []Socket) error {
	ctx, cancel := context.WithTimeout(ctx, rollWait)
	defer cancel()
	asked := w.RollCall.RollCall
	sockets := slices.DeleteFunc(all, func(s Socket) bool {
		return asked.ID != "" && asked.ID != s.ID && asked.ID != s.Alias ||
			asked.User != 0 && !slices.Contains(s.Users, asked.User) ||
			asked.Live != 0 && !slices.Contains(s.Rooms, RoomOf(asked.Live))
	})
	total := len(sockets)
	sockets = sockets[:min(total, rollAtMost)]
	_, err := store.Pool().Exec(ctx, insertRollCall, w.RollCall.Call, process, encode(sockets), total)
	if err != nil {
		return fmt.Errorf("answer a roll call: %w", err)
	}
	return nil
}
