package delivery

import (
	"context"
	_ "embed" // for the statements
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

var (
	//go:embed sql/upsert_deliveries.sql
	upsertDeliveries string
	//go:embed sql/delete_old_deliveries.sql
	deleteOldDeliveries string
	//go:embed sql/select_gift_delivery.sql
	selectGiftDelivery string
	//go:embed sql/select_live_delivery.sql
	selectLiveDelivery string
)

// Counts are numbers of connections.
type Counts struct {
	Sent                 int64 // connections to which the push was written: their sockets have accepted it
	Acknowledged         int64 // connections among Sent whose client has acknowledged it
	StreamerSent         int64 // connections of the streamer among Sent
	StreamerAcknowledged int64 // connections of the streamer among Acknowledged
}

// minus returns the differences of two counts.
func (c Counts) minus(o Counts) Counts {
	return Counts{c.Sent - o.Sent, c.Acknowledged - o.Acknowledged, c.StreamerSent - o.StreamerSent, c.StreamerAcknowledged - o.StreamerAcknowledged}
}

// Sums are the counts of all gifts in a live together.
type Sums struct {
	Gifts int64 // gifts whose push was written to a connection
	Counts
}

// Tables reads and writes the tables of this package. It is safe for concurrent use.
type Tables struct{ pool *pgxpool.Pool }

// NewTables returns the tables in a database.
func NewTables(pool *pgxpool.Pool) *Tables { return &Tables{pool} }

// Gift returns the counts of the gift at a position. A count is never larger than the one that includes it:
// Acknowledged is at most Sent. The counts are zero if nothing was counted, or if the gift is older than Config.Keep.
func (t *Tables) Gift(ctx context.Context, position int64) (c Counts, err error) {
	err = t.pool.QueryRow(ctx, selectGiftDelivery, position).Scan(&c.Sent, &c.Acknowledged, &c.StreamerSent, &c.StreamerAcknowledged)
	return c, wrap(err, "read the delivery of a gift")
}

// Live returns the sums of the counts of a live, with the same bounds. They are zero if nothing was counted.
func (t *Tables) Live(ctx context.Context, live domain.LiveID) (s Sums, err error) {
	err = t.pool.QueryRow(ctx, selectLiveDelivery, live).Scan(&s.Gifts, &s.Sent, &s.Acknowledged, &s.StreamerSent, &s.StreamerAcknowledged)
	return s, wrap(err, "read the deliveries of a live")
}

// gift is a gift in the log.
type gift struct {
	position int64
	event    uuid.UUID
	live     domain.LiveID
	at       time.Time
}

// increase is what was counted for a gift since the last write.
type increase struct {
	gift gift
	by   Counts
}

// add adds increases to the counts of gifts. It leaves out gifts that the log does not contain. It executes one
// statement, so either all increases are added or none. begun reports whether the statement was sent to the database;
// if not, nothing was added.
func (t *Tables) add(ctx context.Context, all []increase) (begun bool, err error) {
	var position, live, sent, acknowledged, streamerSent, streamerAcknowledged []int64
	var event []uuid.UUID
	var at []time.Time
	for _, i := range all {
		position, event, live, at = append(position, i.gift.position), append(event, i.gift.event), append(live, int64(i.gift.live)), append(at, i.gift.at)
		sent, acknowledged = append(sent, i.by.Sent), append(acknowledged, i.by.Acknowledged)
		streamerSent, streamerAcknowledged = append(streamerSent, i.by.StreamerSent), append(streamerAcknowledged, i.by.StreamerAcknowledged)
	}
	const what = "store the deliveries of gifts"
	conn, err := t.pool.Acquire(ctx)
	if err != nil {
		return false, wrap(err, what)
	}
	defer conn.Release()
	_, err = conn.Exec(ctx, upsertDeliveries, position, event, live, at, sent, acknowledged, streamerSent, streamerAcknowledged)
	return !pgconn.SafeToRetry(err), wrap(err, what)
}

// deleteOld deletes the rows of gifts that were sent before a time, at most 1000. It reports whether there may be more.
func (t *Tables) deleteOld(ctx context.Context, before time.Time) (more bool, err error) {
	tag, err := t.pool.Exec(ctx, deleteOldDeliveries, before)
	return tag.RowsAffected() >= 1000, wrap(err, "delete old deliveries of gifts")
}

func wrap(err error, what string) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
