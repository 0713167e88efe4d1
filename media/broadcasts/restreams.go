package broadcasts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/internal/wait"
	"roomlog/media"
	"roomlog/media/restream"
	"roomlog/projections"
)

// topicRestreams is the topic of the survey of the restream targets of a live.
const topicRestreams = "media.restreams"

// RestreamQueries reads the tables. *projections.Queries implements it.
type RestreamQueries interface {
	Restreams(ctx context.Context, live domain.LiveID) ([]projections.Restream, error)
}

// RestreamsConfig configures Restreams. All fields are required.
type RestreamsConfig struct {
	Queries RestreamQueries
	Cluster *cluster.Cluster
	Sealer  *restream.Sealer
	Pusher  *restream.Pusher
	Log     *slog.Logger
}

// Restreams keeps the targets of a Pusher as the tables have them for the broadcasts of this node. It is safe for concurrent use.
type Restreams struct {
	cfg     RestreamsConfig
	changes *wait.Signal

	mu      sync.Mutex
	running map[domain.LiveID]media.Broadcast
	stale   map[domain.LiveID]bool // lives whose targets must be read
}

// NewRestreams returns Restreams.
func NewRestreams(cfg RestreamsConfig) (*Restreams, error) {
	if cfg.Queries == nil || cfg.Cluster == nil || cfg.Sealer == nil || cfg.Pusher == nil || cfg.Log == nil {
		return nil, errors.New("broadcasts: all fields of RestreamsConfig are required")
	}
	return &Restreams{cfg: cfg, changes: wait.NewSignal(), running: make(map[domain.LiveID]media.Broadcast), stale: make(map[domain.LiveID]bool)}, nil
}

// Run reads the targets of lives when they have changed, and replies to the surveys of a Directory, until ctx ends. Then it returns
// nil.
func (r *Restreams) Run(ctx context.Context) error {
	defer r.answerSurveys()()
	backoff := wait.Backoff{Min: firstRetry, Max: lastRetry}
	for ctx.Err() == nil {
		seen := r.changes.Count()
		if err := r.refresh(ctx); err != nil {
			r.cfg.Log.WarnContext(ctx, "reading restream targets failed, retrying", slog.Any("error", err))
			backoff.Wait(ctx)
			continue
		}
		backoff.Reset()
		r.changes.Wait(ctx, seen, time.Hour)
	}
	return nil
}

// refresh sets the targets of all lives whose targets must be read.
func (r *Restreams) refresh(ctx context.Context) error {
	for {
		live, b, found := r.next()
		if !found {
			return nil
		}
		rows, err := r.cfg.Queries.Restreams(ctx, live)
		if err != nil {
			r.Changed(live)
			return err
		}
		targets := make([]restream.Named, len(rows))
		for i, row := range rows {
			targets[i] = restream.Named{Name: row.Target}
			targets[i].Target, targets[i].Fault = r.cfg.Sealer.Open(int64(live), row.Target, row.URL, row.Secret)
		}
		r.set(live, b, targets)
	}
}

// next returns a live whose targets must be read, with its broadcast.
func (r *Restreams) next() (domain.LiveID, media.Broadcast, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for live := range r.stale {
		delete(r.stale, live)
		if b, running := r.running[live]; running {
			return live, b, true
		}
	}
	return 0, media.Broadcast{}, false
}

// set sets the targets of a broadcast, unless it has ended meanwhile.
func (r *Restreams) set(live domain.LiveID, b media.Broadcast, targets []restream.Named) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[live].ID == b.ID {
		r.cfg.Pusher.Set(int64(live), b, targets)
	}
}

// BroadcastChanged starts to push a broadcast of this node to the targets of its live when the broadcast begins, and
// stops when the broadcast ends.
func (r *Restreams) BroadcastChanged(c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case c.Reason == "":
		r.running[c.Live], r.stale[c.Live] = c.Broadcast, true
		r.changes.Notify()
	default:
		r.cfg.Pusher.End(int64(c.Live), c.Broadcast)
		if r.running[c.Live].ID == c.Broadcast.ID {
			delete(r.running, c.Live)
		}
	}
}

// Changed makes Run read the targets of a live. It does not block.
func (r *Restreams) Changed(live domain.LiveID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, running := r.running[live]; running {
		r.stale[live] = true
		r.changes.Notify()
	}
}

// AllChanged makes Run read the targets of all lives. It does not block.
func (r *Restreams) AllChanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for live := range r.running {
		r.stale[live] = true
	}
	r.changes.Notify()
}

// answerSurveys replies to the surveys of a Directory until stop is called.
func (r *Restreams) answerSurveys() (stop func()) {
	return r.cfg.Cluster.OnSurvey(topicRestreams, func(_ context.Context, request []byte) ([]byte, error) {
		all := []restream.State{}
		if live, err := strconv.ParseInt(string(request), 10, 64); err == nil {
			all = append(all, r.cfg.Pusher.States(live)...)
		}
		return json.Marshal(all)
	})
}

// Restream is a restream target of a live, with its state at the node that pushes to it.
type Restream struct {
	projections.Restream
	State restream.State // the zero State if no node pushes to the target
}

// Restreams returns the restream targets of a live, ordered by name.
func (d *Directory) Restreams(ctx context.Context, live domain.LiveID) ([]Restream, error) {
	rows, err := d.queries.Restreams(ctx, live)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	states, err := survey[restream.State](ctx, d.cluster, topicRestreams, strconv.FormatInt(int64(live), 10))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(states, func(a, b restream.State) int { return cmp.Or(cmp.Compare(a.Name, b.Name), b.Since.Compare(a.Since)) })
	all := make([]Restream, len(rows))
	for i, row := range rows {
		all[i].Restream = row
		if at := slices.IndexFunc(states, func(s restream.State) bool { return s.Name == row.Target }); at >= 0 {
			all[i].State = states[at]
		}
	}
	return all, nil
}
