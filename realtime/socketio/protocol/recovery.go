package protocol

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// partingTime is how long a client that comes back waits for the end of the connection that it lost, and
// the server may not have missed yet.
const partingTime = time.Second

// Recovery lets a client of protocol 5 that lost its connection come back as the socket it was. The client is
// told a pid, which it alone knows, and brings the last argument of the last event that had a text there,
// as the offset up to which it knows everything.
type Recovery struct {
	// Restore answers what the socket needs to go on, or that it cannot. It may wait for a while.
	Restore func(kept any, offset string) (restored any, ok bool)

	// Keep is how long a lost socket can be recovered.
	Keep time.Duration `default:"2m"`
	// MaxKept bounds the lost sockets that can be recovered; the oldest are forgotten first.
	MaxKept int `default:"10000"`
}

// memory is who can come back.
type memory struct {
	Recovery
	now  func() time.Time
	lost *lru.Cache[string, lostSocket] // by pid

	mu   sync.Mutex
	here map[string]*Socket // by pid
}

type lostSocket struct {
	id    string
	state any
	until time.Time
}

func newMemory(r Recovery, now func() time.Time) *memory {
	if r.Keep <= 0 {
		panic("protocol: Recovery.Keep is zero: call settings.Defaults first")
	}
	lost, err := lru.New[string, lostSocket](r.MaxKept)
	if err != nil {
		panic(fmt.Sprintf("protocol: keep %d sockets: %v", r.MaxKept, err))
	}
	return &memory{Recovery: r, now: now, lost: lost, here: make(map[string]*Socket)}
}

// recover makes k who it was, if it says so and was kept, and otherwise somebody new.
func (m *memory) recover(k *Socket) {
	var said struct {
		PID    string `json:"pid"`
		Offset string `json:"offset"`
	}
	k.pid = newID()
	if json.Unmarshal(k.auth, &said) == nil && said.PID != "" {
		if was, ok := m.take(said.PID); ok {
			if restored, ok := m.Restore(was.state, said.Offset); ok {
				k.id, k.pid, k.restored = was.id, said.PID, restored
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.here[k.pid] = k
}

// take answers who was lost under a pid, once.
func (m *memory) take(pid string) (lostSocket, bool) {
	m.mu.Lock()
	here := m.here[pid]
	m.mu.Unlock()
	if here != nil { // the server has not missed it yet
		here.client.session.Fail("transport close")
		timer := time.NewTimer(partingTime)
		defer timer.Stop()
		select {
		case <-here.left:
		case <-timer.C:
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was, ok := m.lost.Peek(pid)
	m.lost.Remove(pid)
	return was, ok && m.now().Before(was.until)
}

// leave notes that a socket has gone, and keeps it if it was lost.
func (m *memory) leave(k *Socket, lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.here[k.pid] == k {
		delete(m.here, k.pid)
	}
	if lost && k.kept != nil && k.pid != "" {
		m.lost.Add(k.pid, lostSocket{k.id, k.kept, m.now().Add(m.Keep)})
	}
}
