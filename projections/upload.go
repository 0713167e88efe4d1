package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Uploads projects the uploaded files. The row of a deleted upload is kept, so that every node can find out that it
// must delete the file.
var Uploads = Projection{
	Name: "uploads", Version: 1, Tables: []string{"upload"},
	Handlers: []Handler{on(foldUploadAdded), on(foldUploadDeleted)},
	Write:    writes(writeUploads),
}

type uploadsBatch struct {
	added struct {
		id          []string
		user, bytes []int64
		at          []time.Time
	}
	deleted struct {
		id []string
		at []time.Time
	}
}

func foldUploadAdded(b *uploadsBatch, r eventstore.Record, e domain.UploadAdded) {
	a := &b.added
	a.id, a.user = append(a.id, string(e.Upload)), append(a.user, int64(e.User))
	a.bytes, a.at = append(a.bytes, e.Bytes), append(a.at, r.RecordedAt)
}

func foldUploadDeleted(b *uploadsBatch, r eventstore.Record, e domain.UploadDeleted) {
	b.deleted.id, b.deleted.at = append(b.deleted.id, string(e.Upload)), append(b.deleted.at, r.RecordedAt)
}

// writeUploads writes additions before deletions, because one batch may contain both for the same upload.
func writeUploads(b *uploadsBatch, tables *pgx.Batch) {
	if a := b.added; len(a.id) > 0 {
		tables.Queue(insertUpload, a.id, a.user, a.bytes, a.at)
	}
	if d := b.deleted; len(d.id) > 0 {
		expect(len(d.id), tables.Queue(updateUploadDeleted, d.id, d.at))
	}
}

// Upload is the row of an uploaded file.
type Upload struct {
	ID      domain.UploadID
	User    domain.UserID // the user who owns the upload
	Bytes   int64
	AddedAt time.Time
	Deleted bool
}

func scanUpload(row pgx.CollectableRow) (u Upload, err error) {
	err = row.Scan(&u.ID, &u.User, &u.Bytes, &u.AddedAt, &u.Deleted)
	return u, err
}

// Uploads returns the uploads with the given ids that the log has recorded, including deleted ones, in no particular
// order.
func (q *Queries) Uploads(ctx context.Context, ids []domain.UploadID) ([]Upload, error) {
	return many(ctx, q, "uploads", scanUpload, selectUploads, ids)
}

// DeletedUploads returns the ids of the uploads that were deleted at or after since.
func (q *Queries) DeletedUploads(ctx context.Context, since time.Time) ([]string, error) {
	return many(ctx, q, "deleted uploads", pgx.RowTo[string], selectDeletedUploads, since)
}

// UnusedUploads returns at most limit uploads, oldest first. They were added before the given time, and no avatar,
// cover, gift, message or comment refers to them.
func (q *Queries) UnusedUploads(ctx context.Context, before time.Time, limit int) ([]Upload, error) {
	return many(ctx, q, "unused uploads", scanUpload, selectUnusedUploads, before, limit)
}
