package projections

import (
	"context"
	"fmt"

	"roomlog/domain"
)

const (
	offAirAtOnce = 100 // rooms that one command ends
	offAirTries  = 100
)

// EndLives asks for something that ends the rooms of a streamer who is locked out by it: with those that are on
// air, and again for as long as the tables know of more. ask returns when the tables have what came of it.
func (q *Queries) EndLives(ctx context.Context, streamer domain.UserID, ask func([]domain.LiveID) error) error {
	for range offAirTries {
		lives, err := q.LivesOnAirOf(ctx, streamer, offAirAtOnce)
		if err != nil {
			return err
		}
		if err := ask(lives); err != nil {
			return err
		}
		// One may have been begun since they were looked for. No other will be: who is locked out begins nothing.
		left, err := q.LivesOnAirOf(ctx, streamer, 1)
		if err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("rooms of user %d are still on air", streamer)
}
