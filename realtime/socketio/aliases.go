package socketio

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/realtime/socketio/protocol"
)

// aliases maps between the ids of sockets and the aliases under which the log contains them. Only sockets of Engine.IO
// 3 clients that have started with polling have an alias, because their id is a secret while they poll.
type aliases struct {
	mu      sync.Mutex
	byAlias map[string]*protocol.Socket
	byID    map[string]string
	moved   map[string]string          // alias → id of sockets whose id became public after their upgrade
	gone    *lru.Cache[string, string] // alias → id of disconnected sockets, because deltas about them may still arrive
}

// maxGoneAliases is the maximum number of disconnected sockets whose aliases are kept.
const maxGoneAliases = 10_000

func newAliases() *aliases {
	gone, err := lru.New[string, string](maxGoneAliases)
	if err != nil {
		panic("socketio: " + err.Error()) // cannot happen: the size is a positive constant
	}
	return &aliases{
		byAlias: make(map[string]*protocol.Socket), byID: make(map[string]string), moved: make(map[string]string), gone: gone,
	}
}

// add returns the id under which the log contains a socket: its alias, or its id if it has no alias.
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

// public returns the id under which other clients see a socket. id is the id in the log. A disconnected socket keeps
// the last public id.
func (a *aliases) public(id string) string {
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

// logged returns the id under which the log contains a socket, for a public id that clients have seen.
func (a *aliases) logged(public string) string {
	a.mu.Lock()
	alias, k := a.byID[public], a.byAlias[a.byID[public]]
	a.mu.Unlock()
	if k != nil && k.PublicID() == public { // while the socket polls, its id is not public
		return alias
	}
	return public
}
