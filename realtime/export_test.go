package realtime

import "context"

// Miss makes the rooms believe that the feed went on by one position without them.
func (d *Door) Miss(ctx context.Context) { d.hub.reach(ctx, d.hub.asOf.Load()+1) }

// Holds says how many rooms, people and visits a door remembers.
func (d *Door) Holds() (rooms, people, visits int) {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	d.presence.mu.Lock()
	defer d.presence.mu.Unlock()
	return len(d.hub.rooms), len(d.hub.people), len(d.presence.visits)
}
