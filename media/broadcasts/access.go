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

// The errors that refuse a publisher with a publish key, or a player with a valid sign.
var (
	ErrPublishKey    = errors.New("broadcasts: wrong publish key")
	ErrAnonymous     = errors.New("broadcasts: only signed-in users may play")
	ErrViewerRefused = errors.New("broadcasts: the user may not play this stream")
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
	Profile(ctx context.Context, id domain.UserID) (projections.Profile, error)
}

// checkViewer returns nil if the holder of a valid play sign may play a live.
func checkViewer(ctx context.Context, queries viewerQueries, mode PlayersMode, live domain.LiveID, sign string, now time.Time) error {
	user := domain.UserID(media.SignUser(sign))
	if user == 0 && mode == PlayersSignedIn {
		return ErrAnonymous
	}
	err := queries.CheckViewer(ctx, live, user, now)
	if err == nil && user != 0 {
		err = checkAccount(ctx, queries, user, sign)
	}
	switch {
	case domain.AsRefusal(err) != nil:
		return fmt.Errorf("%w: %w", ErrViewerRefused, err)
	case err != nil:
		return fmt.Errorf("%w: %w", media.ErrUnavailable, err)
	}
	return nil
}

// checkAccount returns nil if a sign names the account that a user has now, and a *domain.Refusal if it names another account,
// which had the id before the log fell back to an earlier state.
func checkAccount(ctx context.Context, queries viewerQueries, user domain.UserID, sign string) error {
	found, err := queries.Profile(ctx, user)
	if errors.Is(err, projections.ErrNotFound) || err == nil && !media.SignIsOf(sign, found.CreatedAt) {
		return &domain.Refusal{Code: domain.CodeUserUnavailable, Text: "the sign was given to an account that is no longer in the log: read the live again to get another sign"}
	}
	return err
}
