package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// chatRoomSettings defines when chat rooms expire.
type chatRoomSettings struct {
	ChatRoomKeep      time.Duration `default:"720h" min:"1s" max:"87600h" help:"Time without a participant or a message after which a chat room that a user or an anonymous client created is removed. Chat rooms of operators stay."`
	EmptyChatRoomKeep time.Duration `default:"1h" min:"1s" max:"87600h" help:"Time without a participant after which a chat room that a user or an anonymous client created is removed if it has never had a message."`
}

// unusedRooms removes the chat rooms that nobody uses, except those that operators have created.
type unusedRooms struct {
	chatRoomSettings
	store    *eventstore.Store
	queries  *projections.Queries
	commands *eventstore.Sequencer
	now      func() time.Time
}

// remove removes the chat rooms that are unused now, and returns their number.
func (u *unusedRooms) remove(ctx context.Context) (removed int64, err error) {
	now := u.now()
	rooms, err := u.queries.UnusedChatRooms(ctx, now.Add(-u.EmptyChatRoomKeep), now.Add(-u.ChatRoomKeep))
	if err != nil {
		return 0, err
	}
	for _, room := range rooms {
		expires, err := u.expires(ctx, room)
		if err != nil {
			return removed, err
		}
		if !expires {
			continue
		}
		_, err = u.commands.Execute(ctx, domain.Request{
			Command: domain.ExpireChatRoom{ChatRoom: room.ID, NameKey: room.NameKey}, Actor: domain.Actor{Kind: domain.System},
		})
		switch refusal := domain.AsRefusal(err); {
		case err == nil:
			removed++
		case refusal == nil || refusal.Code != domain.CodeChatRoomNotFound: // otherwise another node has removed the chat room first
			return removed, fmt.Errorf("remove an unused chat room: %w", err)
		}
	}
	return removed, nil
}

// expires reports whether a chat room was created by a user or an anonymous client.
func (u *unusedRooms) expires(ctx context.Context, room projections.ChatRoom) (bool, error) {
	page, err := u.store.Read(ctx, eventstore.Query{After: room.Position - 1, Limit: 1})
	if err != nil {
		return false, err
	}
	if len(page.Events) == 0 || page.Events[0].Position != room.Position {
		return false, errors.New("the log does not have the event of a chat room")
	}
	by, _ := domain.ParseActor(page.Events[0].Metadata.Actor)
	return by.Kind != domain.Operator && by.Kind != domain.System, nil
}
