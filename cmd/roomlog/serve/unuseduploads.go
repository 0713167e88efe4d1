package serve

import (
	"context"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// maxExpiredUploads is the maximum number of uploads that expire at one time.
const maxExpiredUploads = 1000

// uploadSettings defines when uploads expire.
type uploadSettings struct {
	UnusedUploadKeep time.Duration `default:"24h" min:"1s" max:"87600h" help:"Age at which an upload is deleted to which no avatar, cover, gift, message or comment refers."`
}

// unusedUploads deletes uploads to which nothing refers. upload.Cleaner then deletes their files.
type unusedUploads struct {
	uploadSettings
	queries  *projections.Queries
	commands *eventstore.Sequencer
	now      func() time.Time
}

// remove deletes the uploads that are unused now, and returns their number.
func (u *unusedUploads) remove(ctx context.Context) (removed int64, err error) {
	found, err := u.queries.UnusedUploads(ctx, u.now().Add(-u.UnusedUploadKeep), maxExpiredUploads)
	if err != nil {
		return 0, err
	}
	for _, one := range found {
		_, err := u.commands.Execute(ctx, domain.Request{
			Command: domain.ExpireUpload{Upload: one.ID, User: one.User}, Actor: domain.Actor{Kind: domain.System},
		})
		if err != nil {
			return removed, fmt.Errorf("delete an unused upload: %w", err)
		}
		removed++
	}
	return removed, nil
}
