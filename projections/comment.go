package projections

import (
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Comments is what was said in rooms.
var Comments = Projection{
	Name: "comments", Version: 1, Tables: []string{"comment"},
	Handlers: []Handler{on(foldComment), on(foldCommentsForgotten)},
	Write:    writes(writeComments),
}

type commentsBatch struct {
	position, live, user []int64
	id, text             []string
	at                   []time.Time
	forgotten            []int64
}

func foldComment(b *commentsBatch, r eventstore.Record, e domain.CommentPosted) {
	b.position, b.live, b.user = append(b.position, r.Position), append(b.live, int64(e.Live)), append(b.user, int64(e.User))
	b.id, b.text, b.at = append(b.id, shortID(r)), append(b.text, e.Text), append(b.at, r.RecordedAt)
}

func foldCommentsForgotten(b *commentsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeComments(b *commentsBatch, tables *pgx.Batch) {
	if len(b.position) > 0 {
		tables.Queue(insertComment, b.position, b.id, b.live, b.user, b.text, b.at)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseComment, b.forgotten)
	}
}
