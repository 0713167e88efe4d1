package hub

import (
	"cmp"
	"slices"
	"strings"

	"roomlog/domain"
)

// list returns the connections of all dialects, newest first.
func list(node string, r *registry, p *presence) []Connection {
	users, lives := make(map[string][]domain.UserID), make(map[string][]domain.LiveID)
	for _, c := range r.allClients() {
		if user := c.Identity().User; user != 0 {
			users[c.ConnectionKey()] = append(users[c.ConnectionKey()], user)
		}
	}
	for live, clients := range p.clients() {
		for _, c := range clients {
			lives[c.ConnectionKey()] = append(lives[c.ConnectionKey()], live)
		}
	}
	var all []Connection
	for _, d := range r.allDialects() {
		all = append(all, d.Connections()...)
	}
	for i := range all {
		c := &all[i]
		c.Users, c.Lives = distinct(users[c.Key]), distinct(lives[c.Key])
		c.Node, c.Since = node, c.Since.UTC()
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
