package socketio

import "roomlog/domain"

// CutOff makes a room believe that the feed went on without it.
func (d *Door) CutOff(live domain.LiveID) {
	d.mu.Lock()
	r := d.rooms[live]
	d.mu.Unlock()
	d.cfg.Rooms.Forsake(live, r)
	r.Cut()
}

// Holds says how many rooms a door remembers.
func (d *Door) Holds() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.rooms)
}
