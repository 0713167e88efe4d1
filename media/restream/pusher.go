package restream

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"roomlog/internal/dialguard"
	"roomlog/media"
)

// Pusher pushes the broadcasts of a node to their targets while Run runs. It is safe for concurrent use.
type Pusher struct {
	cfg    Config
	guard  *dialguard.Guard
	source Source
	total  counters
	begin  chan *push
	ended  chan struct{} // closed when Run has ended

	mu     sync.Mutex
	pushes map[int64]map[string]*push // pushes by live and name of the target
}

// New returns a Pusher. It does nothing until Run is called.
func New(cfg Config) (*Pusher, error) {
	cfg, guard, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Pusher{cfg: cfg, guard: guard, begin: make(chan *push), ended: make(chan struct{}), pushes: make(map[int64]map[string]*push)}, nil
}

// Attach sets the source of the broadcasts. It must be called before Run.
func (p *Pusher) Attach(source Source) { p.source = source }

// Run pushes until ctx ends. Then it ends all connections, waits for them and returns nil. Only one call is permitted.
func (p *Pusher) Run(ctx context.Context) error {
	var pushes sync.WaitGroup
	defer pushes.Wait()
	defer close(p.ended)
	for {
		select {
		case one := <-p.begin:
			pushes.Go(func() { one.run(ctx) })
		case <-ctx.Done():
			return nil
		}
	}
}

// Set sets the targets of the broadcast of a live: it begins to push to new and changed targets, and ends the connections to changed
// and missing ones. Other connections are not touched.
func (p *Pusher) Set(live int64, b media.Broadcast, targets []Named) {
	p.mu.Lock()
	defer p.mu.Unlock()
	running := p.pushes[live]
	for name, one := range running {
		if one.broadcast.ID != b.ID || !slices.Contains(targets, one.to) {
			close(one.stop)
			delete(running, name)
		}
	}
	for _, to := range targets {
		if running[to.Name] != nil {
			continue
		}
		one := newPush(&p.cfg, p.guard, p.source, &p.total, live, b, to)
		select {
		case p.begin <- one:
		case <-p.ended:
			return
		}
		if running == nil {
			running = make(map[string]*push)
			p.pushes[live] = running
		}
		running[to.Name] = one
	}
	if len(running) == 0 {
		delete(p.pushes, live)
	}
}

// End ends all connections of a broadcast that has ended.
func (p *Pusher) End(live int64, b media.Broadcast) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, one := range p.pushes[live] {
		if one.broadcast.ID == b.ID {
			close(one.stop)
			delete(p.pushes[live], name)
		}
	}
	if len(p.pushes[live]) == 0 {
		delete(p.pushes, live)
	}
}

// States returns the states of the targets of a live, ordered by name. It is empty if this node has no broadcast of the live.
func (p *Pusher) States(live int64) []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []State
	for _, one := range p.pushes[live] {
		all = append(all, one.state.get())
	}
	slices.SortFunc(all, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Stats returns the current counters.
func (p *Pusher) Stats() Stats {
	p.total.mu.Lock()
	s := p.total.Stats
	p.total.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, targets := range p.pushes {
		for _, one := range targets {
			switch one.state.get().Status {
			case Live:
				s.Live++
			case Failed:
				s.Failed++
			}
		}
	}
	return s
}
