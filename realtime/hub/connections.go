package hub

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"roomlog/domain"
)

// Dialect is a server of one protocol. Both dialects have one; the hub uses it for what concerns single
// connections. Its methods must not block.
type Dialect interface {
	// Connections returns the open connections, without users, lives and node.
	Connections() []Connection
	// Kick kicks the client of a connection with a message of the dialect. It reports whether the connection
	// exists.
	Kick(id domain.ConnectionID, reason string) bool
}

// Connection is a connection as operators see it.
type Connection struct {
	ID      domain.ConnectionID `json:"id"`
	Node    string              `json:"node"`    // that holds it
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // signed in on it; none: anonymous, or not known yet
	Lives   []domain.LiveID     `json:"lives"`   // that these users are in by this connection
	Address string              `json:"address"` // of the client; an IPv6 address is shortened to its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // a second ID by which others may know it
	Key   string              `json:"-"` // Client.ConnectionKey of its clients
}

// AddDialect adds a dialect. Call it before Run.
func (h *Hub) AddDialect(d Dialect) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dialects = append(h.dialects, d)
}

// connections returns the connections of this node, newest first.
func (h *Hub) connections() []Connection {
	users, lives := make(map[string][]domain.UserID), make(map[string][]domain.LiveID)
	for _, c := range h.registered() {
		if user := c.Identity().User; user != 0 {
			users[c.ConnectionKey()] = append(users[c.ConnectionKey()], user)
		}
	}
	for live, clients := range h.presence.clients() {
		for _, c := range clients {
			lives[c.ConnectionKey()] = append(lives[c.ConnectionKey()], live)
		}
	}
	h.mu.Lock()
	dialects := h.dialects
	h.mu.Unlock()
	var all []Connection
	for _, d := range dialects {
		all = append(all, d.Connections()...)
	}
	for i := range all {
		c := &all[i]
		c.Users, c.Lives = distinct(users[c.Key]), distinct(lives[c.Key])
		c.Node, c.Since = h.cfg.Node, c.Since.UTC()
	}
	newestFirst(all)
	return all
}

// distinct sorts ids and removes repeated ones.
func distinct[T cmp.Ordered](ids []T) []T {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func newestFirst(all []Connection) {
	slices.SortFunc(all, func(a, b Connection) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(string(a.ID), string(b.ID)))
	})
}
