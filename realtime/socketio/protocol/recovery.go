package protocol

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/internal/strictjson"
)

// takeoverTimeout is the maximum time that a client which reconnects waits for the end of its previous connection. The
// server may not have noticed the loss of that connection.
const takeoverTimeout = time.Second

// Recovery lets a client of protocol 5 that lost its connection continue with its previous socket. The client requests it
// with {"recovery": true} in the data of CONNECT, because many clients do not expect an offset behind the arguments of an
// event. It gets a private id (pid), which no other client gets. When it reconnects, it sends the pid and, as the offset,
// the last argument of the last event whose last argument was a string.
type Recovery struct {
	// Restore returns the value of Socket.Restored from the state that was kept, or reports false when the socket cannot
	// be recovered. It may block.
	Restore func(kept any, offset string) (restored any, ok bool)

	// Keep is the time for which a lost socket can be recovered.
	Keep time.Duration `default:"2m"`
	// MaxKept is the maximum number of lost sockets that can be recovered. The oldest are dropped first.
	MaxKept int `default:"10000"`
}

// recoveryStore holds the sockets that can be recovered, of all namespaces with the same Recovery.
type recoveryStore struct {
	Recovery
	now  func() time.Time
	lost *lru.Cache[string, lostSocket] // lost sockets by private session id, which the client sends to recover its socket

	mu        sync.Mutex
	connected map[string]*Socket // connected sockets by private session id
}

type lostSocket struct {
	namespace, id string
	state         any
	until         time.Time
}

func newRecoveryStore(r Recovery, now func() time.Time) *recoveryStore {
	if r.Keep <= 0 {
		panic("protocol: Recovery.Keep is zero: call settings.Defaults first")
	}
	lost, err := lru.New[string, lostSocket](r.MaxKept)
	if err != nil {
		panic(fmt.Sprintf("protocol: Recovery.MaxKept is %d: %v", r.MaxKept, err))
	}
	return &recoveryStore{Recovery: r, now: now, lost: lost, connected: make(map[string]*Socket)}
}

// connect gives a new socket whose client requests recovery the ids and the state of its lost socket, or a new pid.
func (s *recoveryStore) connect(k *Socket) {
	var request struct {
		Recovery bool   `json:"recovery"`
		PID      string `json:"pid"`
		Offset   string `json:"offset"`
	}
	if strictjson.Unmarshal(k.auth, &request) != nil || !request.Recovery && request.PID == "" {
		return
	}
	k.pid = newID()
	if request.PID != "" {
		if lost, ok := s.take(request.PID, k.namespace); ok {
			if restored, ok := s.Restore(lost.state, request.Offset); ok {
				k.id, k.pid, k.restored = lost.id, request.PID, restored
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected[k.pid] = k
}

// take removes and returns the lost socket of a namespace with a pid. If the server has not noticed that the socket was
// lost, take ends its session first.
func (s *recoveryStore) take(pid, namespace string) (lostSocket, bool) {
	s.mu.Lock()
	connected := s.connected[pid]
	s.mu.Unlock()
	if connected != nil && connected.namespace == namespace {
		connected.session.Fail("transport close")
		timer := time.NewTimer(takeoverTimeout)
		defer timer.Stop()
		select {
		case <-connected.left:
		case <-timer.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	lost, ok := s.lost.Peek(pid)
	if lost.namespace != namespace {
		return lostSocket{}, false
	}
	s.lost.Remove(pid)
	return lost, ok && s.now().Before(lost.until)
}

// disconnect removes a socket, and keeps its state if its connection was lost.
func (s *recoveryStore) disconnect(k *Socket, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connected[k.pid] == k {
		delete(s.connected, k.pid)
	}
	if lost && k.kept != nil && k.pid != "" {
		s.lost.Add(k.pid, lostSocket{k.namespace, k.id, k.kept, s.now().Add(s.Keep)})
	}
}
