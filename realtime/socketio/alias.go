package socketio

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/realtime/socketio/protocol"
)

// aliases are the sockets of this process that the log knows by another id than they call themselves: those of
// version 3 that opened polling.
type aliases struct {
	mu      sync.Mutex
	byAlias map[string]*protocol.Socket
	byID    map[string]string
	moved   map[string]string          // from the alias of a socket to its id, once that was shown
	gone    *lru.Cache[string, string] // the same of sockets that have gone: news of them is still to come
}

// goneAliases is how many sockets are remembered that have gone.
const goneAliases = 10_000

func newAliases() *aliases {
	gone, err := lru.New[string, string](goneAliases)
	if err != nil {
		panic("socketio: " + err.Error()) // for a size below 1 only
	}
	return &aliases{
		byAlias: make(map[string]*protocol.Socket), byID: make(map[string]string), moved: make(map[string]string), gone: gone,
	}
}

// add answers the id by which the log is to know a socket.
func (a *aliases) add(k *protocol.Socket) string {
	public := k.PublicID()
	if public != k.ID() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.byAlias[public], a.byID[k.ID()] = k, public
	}
	return public
}

func (a *aliases) remove(k *protocol.Socket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	alias := a.byID[k.ID()]
	if id, shown := a.moved[alias]; shown {
		a.gone.Add(alias, id)
	}
	delete(a.byAlias, alias)
	delete(a.moved, alias)
	delete(a.byID, k.ID())
}

// shown is the id by which other people may know a socket now, of which the log knows one. A socket that has gone is
// shown as it was last.
func (a *aliases) shown(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := a.byAlias[id]; k != nil {
		public := k.PublicID()
		if public != id {
			a.moved[id] = public
		}
		return public
	}
	if last, ok := a.gone.Get(id); ok {
		return last
	}
	return id
}

// known is the id by which the log knows a socket that somebody was shown.
func (a *aliases) known(shown string) string {
	a.mu.Lock()
	public, k := a.byID[shown], a.byAlias[a.byID[shown]]
	a.mu.Unlock()
	if k != nil && k.PublicID() == shown { // nobody is shown the id of one that still polls
		return public
	}
	return shown
}
