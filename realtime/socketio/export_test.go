package socketio

import "roomlog/domain"

// Reset makes a room believe that the feed went on without it.
func (d *Door) CutOff(live domain.LiveID) {
	d.mu.Lock()
	r := d.rooms[live]
	d.mu.Unlock()
	d.cfg.Hub.Unsubscribe(live, r)
	r.Reset()
}

// Holds says how many rooms a door remembers.
func (d *Door) Holds() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.rooms)
}
