package broadcasts

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/media"
	"roomlog/projections"
)

// checkPublishKey returns nil if key is the publish key of a live.
func checkPublishKey(ctx context.Context, queries *projections.Queries, live domain.LiveID, key string) error {
	current, err := queries.PublishKey(ctx, live)
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return ErrPublishKey
	case err != nil:
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	case subtle.ConstantTimeCompare([]byte(current.Hash), []byte(media.PublishKeyHash(key))) != 1:
		return ErrPublishKey
	}
	return nil
}

// viewerQueries reads the tables. *projections.Queries implements it.
type viewerQueries interface {
	CheckViewer(ctx context.Context, live domain.LiveID, user domain.UserID, now time.Time) error
}

// checkViewer returns nil if the holder of a valid play sign may play a live.
func checkViewer(ctx context.Context, queries viewerQueries, mode PlayersMode, live domain.LiveID, sign string, now time.Time) error {
	user := domain.UserID(media.SignUser(sign))
	if user == 0 {
		if mode == PlayersSignedIn {
			return ErrAnonymous
		}
		return nil
	}
	err := queries.CheckViewer(ctx, live, user, now)
	switch {
	case domain.AsRefusal(err) != nil:
		return fmt.Errorf("%w: %w", ErrViewerRefused, err)
	case err != nil:
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	return nil
}
