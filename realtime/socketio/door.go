package socketio

import (
	"context"
	"net/http"
	"sync"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// Path is where clients look for this door.
const Path = "/socket.io/"

// Door is the door of old clients of one process. It is an http.Handler, for Path.
type Door struct {
	cfg    Config
	server *protocol.Server
	herald *herald

	aliases *aliases

	mu    sync.Mutex
	rooms map[domain.LiveID]*room

	listing  sync.Mutex // guards visitors; never held with mu
	visitors map[*visitor]struct{}
}

// New makes a door. It works while Run runs, and so does the door of the rooms.
func New(cfg Config) (*Door, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	d := &Door{cfg: cfg, aliases: newAliases(), rooms: make(map[domain.LiveID]*room), visitors: make(map[*visitor]struct{})}
	d.herald = newHerald(d)
	engine := cfg.Engine
	engine.Now, engine.Log = cfg.Now, cfg.Log
	recovery := cfg.Recovery
	recovery.Restore = d.restore
	sockets := protocol.Config{Engine: engine, Namespaces: []protocol.Namespace{
		{Name: "/", Connected: d.connected, Recovery: &recovery},
	}}
	settings.Defaults(&sockets)
	settings.Defaults(&recovery)
	d.server = protocol.New(sockets)
	cfg.Hub.AddDialect(d)
	return d, nil
}

// ServeHTTP serves clients, and the script of theirs if there is one.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := script(r); name != "" {
		d.serveScript(w, r, name)
		return
	}
	d.server.ServeHTTP(w, r)
}

// Stats are the counters of the connections, and of what waits to be sent.
func (d *Door) Stats() *ws.Stats { return d.server.Engine().Stats() }

// Rooms is the number of rooms that somebody here is in.
func (d *Door) Rooms() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.rooms)
}

// Polling is the number of sessions that have no WebSocket connection.
func (d *Door) Polling() int64 { return d.server.Engine().Polling() }

// Run keeps the door working until ctx ends. Shutdown comes before.
func (d *Door) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { _ = d.server.Run(ctx) })
	group.Go(func() { d.herald.run(ctx) })
	group.Wait()
	return nil
}

// Shutdown ends all sessions, so that their clients come back, and waits for them until ctx ends. As with
// the door of the rooms, nobody leaves a room by it.
func (d *Door) Shutdown(ctx context.Context) error {
	d.cfg.Hub.Drain()
	err := d.server.Shutdown(ctx)
	d.cfg.Chat.Flush(ctx)
	return err
}

// know has a visitor listed, or not any more.
func (d *Door) know(v *visitor, here bool) {
	d.listing.Lock()
	defer d.listing.Unlock()
	if here {
		d.visitors[v] = struct{}{}
	} else {
		delete(d.visitors, v)
	}
}

// hold answers the room of a live, which is kept up to date until release is called as often as hold.
func (d *Door) hold(live domain.LiveID) *room {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rooms[live]
	if r == nil || r.wasCut() {
		r = newRoom(d, live)
		d.rooms[live] = r
	}
	r.held++
	return r
}

// release gives a room back; one that nobody holds is forgotten.
func (d *Door) release(r *room) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.held--
	if r.held == 0 && d.rooms[r.live] == r {
		delete(d.rooms, r.live)
		d.cfg.Hub.Unsubscribe(r.live, r)
	}
}
