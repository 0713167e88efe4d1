package socketio

import (
	"sync"

	"roomlog/realtime/socketio/protocol"
)

// aliases are the sockets of this process that the log knows by another id than they call themselves: those of
// version 3 that opened polling.
type aliases struct {
	mu      sync.Mutex
	byAlias map[string]*protocol.Socket
	byID    map[string]string
}

func newAliases() *aliases {
	return &aliases{byAlias: make(map[string]*protocol.Socket), byID: make(map[string]string)}
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
	delete(a.byAlias, a.byID[k.ID()])
	delete(a.byID, k.ID())
}

// shown is the id by which other people may know a socket now, of which the log knows one.
func (a *aliases) shown(id string) string {
	a.mu.Lock()
	k := a.byAlias[id]
	a.mu.Unlock()
	if k != nil {
		return k.PublicID()
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
