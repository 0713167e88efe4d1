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

// core holds the configuration and the registries that all sessions of a server use.
type core struct {
	cfg      Config
	aliases  *aliases
	channels *channels
	sockets  socketSet // connected sockets
}

// Kinds of denials, in the words that users see. The client compares them.
const (
	denialKicked  = "已移出" // removed
	denialBanned  = "已禁止" // may not enter
	denialRemoved = "已删除" // the room was removed
)

// disconnect sends a client the reason why it is disconnected, and disconnects it, so that it does not reconnect by itself.
func (c *core) disconnect(k *protocol.Socket, kind, message string) {
	k.Emit(k.ID(), exchangeDTO{
		exchangeMetaDTO{Timestamp: c.cfg.Now().UnixMilli()},
		exchangeDataDTO{"deny", denialDTO{kind, message}},
	})
	k.Disconnect(true)
}

// kick disconnects a client that an operator kicked.
func (c *core) kick(k *protocol.Socket, reason string) {
	c.disconnect(k, denialKicked, hub.KickProblem(reason).TextZH)
}

// disconnectUnavailable disconnects a client whose user is banned or unavailable, and reports true. After other refusals the
// client may continue with another token.
func (c *core) disconnectUnavailable(k *protocol.Socket, refusal *domain.Refusal) bool {
	switch refusal.Code {
	case domain.CodeUserUnavailable, domain.CodeBanned:
		c.disconnect(k, denialBanned, refusal.Code.Chinese())
		return true
	}
	return false
}

// notify sends a socket the text of a failed event. Quiet notices are not shown to the user. Internal errors are logged
// here, once, and their details are not sent.
func (c *core) notify(ctx context.Context, k *protocol.Socket, event string, err error, quiet bool) {
	problem, internal := hub.ProblemOf(err)
	if internal {
		c.cfg.Log.Log(ctx, hub.LevelOf(err), "Socket.IO event failed", slog.String("event_type", event), slog.Any("error", err))
	}
	k.Emit(k.ID(), noticeDTO{
		Meta: noticeMetaDTO{c.cfg.Now().UnixMilli(), quiet},
		Data: noticeDataDTO{"error", problem.TextZH, problem.Code, problem.Text},
	})
}

// reconnect ends the session of a socket in such a way that its client reconnects by itself.
func reconnect(k *protocol.Socket) { k.Session().Fail("transport close") }

// nameOf returns the name of a participant, or the public id of the socket when it has no name.
func (c *core) nameOf(p chat.Participant) string {
	if name := p.Name(); name != "" {
		return name
	}
	return c.aliases.public(p.Connection)
}

// socketSet is a set of sockets that is safe for concurrent use.
type socketSet struct {
	mu  sync.Mutex
	all map[*protocol.Socket]struct{}
}

func (s *socketSet) add(k *protocol.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[k] = struct{}{}
}

func (s *socketSet) remove(k *protocol.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, k)
}

func (s *socketSet) list() []*protocol.Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.all))
}
