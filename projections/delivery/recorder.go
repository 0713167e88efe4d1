package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/internal/wait"
	"roomlog/projections"
)

const (
	// cleanInterval is the time between two searches for old rows.
	cleanInterval = time.Minute
	// atOnce is the maximum number of gifts of one write.
	atOnce = 2000
	// slower is how many times longer than Config.Interval the time between two writes becomes while they fail.
	slower = 30
	// maxSplits is how many times the gifts of refused writes are divided in one interval. To find one gift among atOnce takes eleven.
	maxSplits = 64
)

// Config configures a Recorder. The fields of the first group are required.
type Config struct {
	Tables *Tables
	Now    func() time.Time // time of the log

	Log *slog.Logger // receives the messages of the program; nil: none

	Interval time.Duration `default:"1s" min:"1ms" max:"1m"`  // time between two writes
	Timeout  time.Duration `default:"5s" min:"1ms" max:"1m"`  // maximum duration of one statement, and of all writes after Run was stopped
	Window   time.Duration `default:"1m" min:"1ms" max:"1h"`  // time after a gift in which its push is counted
	Open     int           `default:"60000" min:"1"`          // maximum number of gifts that are counted at the same time; further ones are not counted
	Repeat   time.Duration `default:"10m" min:"1ms" max:"1h"` // time after the window in which a failed write is repeated; then its counts are lost
	Keep     time.Duration `default:"2160h" min:"1h"`         // time after which the row of a gift is deleted
}

// Stats are the numbers of a Recorder since its start.
type Stats struct {
	Open       int   // number of gifts that are being counted, or whose counts are not stored yet
	NotCounted int64 // pushes of gifts that were not counted, because too many gifts were open
	Failed     int64 // number of writes that have failed
	Lost       int64 // gifts with counts that were not stored: the database has refused them until the end of Config.Repeat, or it is not known whether they were stored
}

// Recorder counts the deliveries of one process. It is safe for concurrent use. A nil Recorder counts nothing.
type Recorder struct {
	cfg Config

	mu      sync.Mutex
	open    map[int64]*Delivery // deliveries by the position of the gift
	order   []*Delivery         // the deliveries in open, in the order in which they were opened
	skipped int                 // gifts that were not counted since the last write, because too many were open

	notCounted, failed, lost atomic.Int64
}

// Delivery counts the push of one gift. It is safe for concurrent use. A nil Delivery counts nothing.
type Delivery struct {
	gift     gift
	streamer domain.UserID
	until    time.Time // end of the window
	stored   Counts    // counts that were written; only Run uses this field and the next two
	over     bool      // whether the window has ended and everything was written
	lost     bool      // whether the gift is counted in Stats.Lost

	sent, acknowledged, streamerSent, streamerAcknowledged atomic.Int64
}

// New returns a Recorder. It stores what it counts while Run runs.
func New(c Config) (*Recorder, error) {
	if c.Tables == nil || c.Now == nil {
		return nil, errors.New("delivery: Tables and Now are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	settings.Defaults(&c)
	if err := settings.Check(&c); err != nil {
		return nil, err
	}
	return &Recorder{cfg: c, open: make(map[int64]*Delivery)}, nil
}

// Of returns the delivery of a delta, the same for every call. It returns nil if the delta is no gift, and if too many gifts are being
// counted.
func (r *Recorder) Of(d projections.Delta) *Delivery {
	sent, ok := d.Event.(domain.GiftSent)
	if !ok || r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.open[d.Position]
	if found != nil && found.gift.event == d.EventID {
		return found
	}
	if len(r.order) >= r.cfg.Open {
		r.skipped++
		r.notCounted.Add(1)
		return nil
	}
	found = &Delivery{
		gift: gift{d.Position, d.EventID, sent.Live, d.RecordedAt}, streamer: sent.Streamer, until: r.cfg.Now().Add(r.cfg.Window),
	}
	r.open[d.Position], r.order = found, append(r.order, found)
	return found
}

// Stats returns the current numbers. Those of a nil Recorder are zero.
func (r *Recorder) Stats() Stats {
	if r == nil {
		return Stats{}
	}
	r.mu.Lock()
	open := len(r.order)
	r.mu.Unlock()
	return Stats{Open: open, NotCounted: r.notCounted.Load(), Failed: r.failed.Load(), Lost: r.lost.Load()}
}

// Written counts a connection of a user to which the push was written.
func (d *Delivery) Written(user int64) {
	if d == nil {
		return
	}
	if domain.UserID(user) == d.streamer {
		d.streamerSent.Add(1)
	}
	d.sent.Add(1)
}

// Acknowledge counts a connection of a user whose client has acknowledged the push. The caller counts each connection once, and only
// those to which the push was sent.
func (d *Delivery) Acknowledge(user domain.UserID) {
	if d == nil {
		return
	}
	if user == d.streamer {
		d.streamerAcknowledged.Add(1)
	}
	d.acknowledged.Add(1)
}

// counts returns what was counted so far. A client can acknowledge a push that is still being written, so the acknowledgements are
// cut to what was written.
func (d *Delivery) counts() (c Counts) {
	c.StreamerAcknowledged, c.Acknowledged = d.streamerAcknowledged.Load(), d.acknowledged.Load()
	c.StreamerSent, c.Sent = d.streamerSent.Load(), d.sent.Load()
	c.StreamerSent = min(c.StreamerSent, c.Sent)
	c.Acknowledged = min(c.Acknowledged, c.Sent)
	c.StreamerAcknowledged = min(c.StreamerAcknowledged, c.StreamerSent, c.Acknowledged)
	return c
}

// Run stores what was counted until ctx ends, and then once more, for at most Config.Timeout. It also deletes old rows.
func (r *Recorder) Run(ctx context.Context) error {
	writes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(r.cfg.Timeout, cancel) })()
	var cleaned time.Time
	backoff, pause := wait.Backoff{Min: 2 * r.cfg.Interval, Max: slower * r.cfg.Interval}, r.cfg.Interval
	for {
		ended := !wait.Sleep(ctx, pause)
		stored := r.store(writes)
		if ended {
			return nil
		}
		if pause = r.cfg.Interval; stored {
			backoff.Reset()
		} else {
			pause = backoff.Next()
		}
		if now := r.cfg.Now(); now.Sub(cleaned) >= cleanInterval {
			cleaned = now
			r.clean(ctx)
		}
	}
}

// clean deletes old rows.
func (r *Recorder) clean(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = r.deleteSome(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.WarnContext(ctx, "old deliveries of gifts not deleted", slog.Any("error", err))
		}
	}
}

func (r *Recorder) deleteSome(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	return r.cfg.Tables.deleteOld(ctx, r.cfg.Now().Add(-r.cfg.Keep))
}

// store writes what was counted since the last call, and forgets the gifts whose window has ended and whose counts were
// written. If the database does not respond, or ctx ends, the next call writes the rest. store reports whether everything
// was written.
func (r *Recorder) store(ctx context.Context) (stored bool) {
	all, skipped := r.take()
	if skipped > 0 {
		r.cfg.Log.WarnContext(ctx, "too many gifts at once, deliveries not counted", slog.Int("count", skipped))
	}
	before, splits := r.failed.Load(), maxSplits
	for part := range slices.Chunk(all, atOnce) {
		if !r.storeSplit(ctx, part, &splits) {
			break
		}
	}
	r.forget(ctx)
	return r.failed.Load() == before
}

// storeSplit writes what was counted for some gifts. If the database refuses the values of a gift, storeSplit writes the halves one by
// one, so that the other gifts are stored; splits is the number of times that it may do so. It reports whether the database has
// responded.
func (r *Recorder) storeSplit(ctx context.Context, part []*Delivery, splits *int) (answered bool) {
	if ctx.Err() != nil {
		return false
	}
	answered, err := r.storePart(ctx, part)
	if err == nil {
		return answered
	}
	if refusesValues(err) && len(part) > 1 && *splits > 0 {
		*splits--
		half := len(part) / 2
		return r.storeSplit(ctx, part[:half], splits) && r.storeSplit(ctx, part[half:], splits)
	}
	r.failed.Add(1)
	r.cfg.Log.WarnContext(ctx, "deliveries of gifts not stored", slog.Int("count", len(part)), slog.Any("error", err))
	return answered
}

// storePart writes what was counted for some gifts. It reports whether the database has responded.
func (r *Recorder) storePart(ctx context.Context, part []*Delivery) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	now := r.cfg.Now()
	ended, counted := make([]bool, len(part)), make([]Counts, len(part))
	var changed []increase
	for i, d := range part {
		ended[i] = d.until.Before(now) // before the counts are read
		counted[i] = d.counts()
		if by := counted[i].minus(d.stored); by != (Counts{}) {
			changed = append(changed, increase{d.gift, by})
		}
	}
	if len(changed) > 0 {
		var begun bool
		begun, err = r.cfg.Tables.add(ctx, changed)
		var refused *pgconn.PgError
		answered = err == nil || begun && errors.As(err, &refused)
		if err != nil {
			if !begun || answered {
				return answered, err // nothing was added: the next call repeats it
			}
			for i, d := range part {
				r.lose(d, counted[i])
			}
		}
	} else {
		answered = true
	}
	for i, d := range part { // also if the statement may have been executed: it must not be repeated, because the numbers are lower bounds
		d.stored, d.over = counted[i], ended[i]
	}
	return answered, err
}

// refusesValues reports whether the values of a row are the cause of an error: classes 22 (data exception) and 23 (integrity
// constraint violation) of SQLSTATE.
func refusesValues(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "23"))
}

// lose counts a gift as lost, once, if counts of it were not stored. It reports whether it was.
func (r *Recorder) lose(d *Delivery, counted Counts) bool {
	if counted == d.stored {
		return false
	}
	if !d.lost {
		d.lost = true
		r.lost.Add(1)
	}
	return true
}

// take returns the open deliveries. It also returns and resets the number of gifts that were not counted.
func (r *Recorder) take() (all []*Delivery, skipped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	skipped, r.skipped = r.skipped, 0
	return slices.Clone(r.order), skipped
}

// forget closes the deliveries that are over, and those whose writes have failed for Config.Repeat: what the database refuses for good
// must not take the place of newer gifts.
func (r *Recorder) forget(ctx context.Context) {
	lost, refusedSince := 0, r.cfg.Now().Add(-r.cfg.Repeat)
	r.mu.Lock()
	r.order = slices.DeleteFunc(r.order, func(d *Delivery) bool {
		late := !d.over && d.until.Before(refusedSince)
		if late && r.lose(d, d.counts()) {
			lost++
		}
		if (d.over || late) && r.open[d.gift.position] == d {
			delete(r.open, d.gift.position)
		}
		return d.over || late
	})
	r.mu.Unlock()
	if lost > 0 {
		r.cfg.Log.ErrorContext(ctx, "deliveries of gifts lost, their writes have failed for too long", slog.Int("count", lost), slog.Duration("duration", r.cfg.Repeat))
	}
}
