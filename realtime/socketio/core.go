package socketio

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"roomlog/domain"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// core contains the configuration and the registries that all sockets of a server use.
type core struct {
	cfg      Config
	aliases  *aliases
	channels *channels
	sockets  socketSet // the connected sockets
}

// The kinds of denials, in the words that users see. Clients compare them.
const (
	denialKicked  = "已移出" // an operator has kicked the client
	denialBanned  = "已禁止" // the user is banned or unavailable
	denialRemoved = "已删除" // the chat room was removed
)

// disconnect sends a client the reason and disconnects it in such a way that it does not reconnect.
func (c *core) disconnect(k *protocol.Socket, kind, message string) {
	k.Emit(k.ID(), exchangeDTO{
		exchangeMetaDTO{Timestamp: c.cfg.Hub.Now().UnixMilli()},
		exchangeDataDTO{"deny", denialDTO{kind, message}},
	})
	k.Disconnect(true)
}

// kick disconnects a client that an operator kicked.
func (c *core) kick(k *protocol.Socket, reason string) {
	c.disconnect(k, denialKicked, hub.KickProblem(reason).TextZH)
}

// disconnectUnavailable disconnects a client if the refusal says that its user is banned or unavailable, and reports
// whether it did. After other refusals the client may continue with another token.
func (c *core) disconnectUnavailable(k *protocol.Socket, refusal *domain.Refusal) bool {
	switch refusal.Code {
	case domain.CodeUserUnavailable, domain.CodeBanned:
		c.disconnect(k, denialBanned, refusal.Code.Chinese())
		return true
	}
	return false
}

// notify sends a socket the text of a failed event. If quiet is true, the client does not show the text. notify logs an
// internal error and does not send its details.
func (c *core) notify(ctx context.Context, k *protocol.Socket, event string, err error, quiet bool) {
	problem, internal := hub.ProblemOf(err)
	if internal {
		c.cfg.Log.Log(ctx, hub.LevelOf(err), "Socket.IO event failed", slog.String("event_type", event), slog.Any("error", err))
	}
	k.Emit(k.ID(), noticeDTO{
		Meta: noticeMetaDTO{c.cfg.Hub.Now().UnixMilli(), quiet},
		Data: noticeDataDTO{"error", problem.TextZH, problem.Code, problem.Text},
	})
}

// reconnect ends the Engine.IO session of a socket in such a way that its client reconnects.
func reconnect(k *protocol.Socket) { k.Session().Fail("transport close") }

// nameOf returns the name of a participant. If the participant has none, it returns the public id of the socket.
func (c *core) nameOf(p chat.Participant) string {
	if name := p.Name(); name != "" {
		return name
	}
	return c.aliases.public(p.Connection)
}

// socketSet is a set of sockets that is safe for concurrent use.
type socketSet struct {
	mu   sync.Mutex
	all  map[*protocol.Socket]struct{}
	byID map[string]*protocol.Socket // sockets by id, and by alias if there is one
}

func newSocketSet() socketSet {
	return socketSet{all: make(map[*protocol.Socket]struct{}), byID: make(map[string]*protocol.Socket)}
}

func (s *socketSet) add(k *protocol.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[k] = struct{}{}
	for _, id := range []string{k.ID(), k.Alias()} {
		if id != "" {
			s.byID[id] = k
		}
	}
}

func (s *socketSet) remove(k *protocol.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, k)
	for _, id := range []string{k.ID(), k.Alias()} {
		if s.byID[id] == k {
			delete(s.byID, id)
		}
	}
}

// find returns the socket of this node with a public id, or nil.
func (s *socketSet) find(id string) *protocol.Socket {
	s.mu.Lock()
	k := s.byID[id]
	s.mu.Unlock()
	if k == nil || !k.HasID(id) { // the id of a socket that polls may be a secret
		return nil
	}
	return k
}

func (s *socketSet) list() []*protocol.Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.all))
}
