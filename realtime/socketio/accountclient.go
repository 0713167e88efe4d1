package socketio

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

const (
	greeting   = "hello"   // sent to every socket with a token in its handshake, valid or not
	echoPrefix = "你好客户端, " // begins the response to a message
)

// maxWaitingDeltas is the maximum number of deltas that wait until the sign-in session of the user has been checked. If
// there are more, the client must reconnect.
const maxWaitingDeltas = 1000

// accountClient sends a socket the changes of the account to which the token in its handshake belongs. It implements
// hub.Client.
type accountClient struct {
	*core
	socket *protocol.Socket
	by     hub.Identity

	mu      sync.Mutex
	open    bool                // whether deltas are sent
	revoked bool                // whether deltas are no longer sent, because the client was revoked
	waiting []projections.Delta // deltas that wait until open is set
	coins   domain.Coins        // balance after the newest delta
}

// handleEcho responds with the message. An argument that is not a string is sent as JSON.
func (s *session) handleEcho(_ context.Context, e *protocol.Event) error {
	text := ""
	if len(e.Arguments) > 0 {
		text = string(e.Arguments[0])
		_ = json.Unmarshal(e.Arguments[0], &text)
	}
	s.socket.Emit("message", echoPrefix+text)
	return nil
}

// openAccount greets a socket and starts to send it the changes of its account. A socket with an invalid token stays
// connected and receives nothing more.
func (s *session) openAccount() {
	by, err := s.cfg.Hub.Verify(s.socket.Query().Get("token"))
	if err != nil {
		s.socket.Emit("message", greeting)
		return
	}
	a := &accountClient{core: s.core, socket: s.socket, by: by}
	ctx, cancel := requestContext(s.socket)
	defer cancel()
	_, err = s.cfg.Hub.Register(ctx, by.User, a)
	s.socket.Emit("message", greeting) // sent first; changes follow
	if err == nil {
		s.socket.OnDisconnect(func(string) { s.cfg.Hub.Unregister(by.User, a) })
		err = a.start(ctx, false)
	}
	if err != nil {
		a.fail(ctx, err)
	}
}

// fail logs an internal error of start. If it may help, it makes the client reconnect.
func (a *accountClient) fail(ctx context.Context, err error) {
	problem, internal := hub.ProblemOf(err)
	if internal {
		a.cfg.Log.Log(ctx, hub.LevelOf(err), "account changes could not be opened", slog.Any("error", err))
	}
	if internal || problem.Code == domain.CodeBusy {
		reconnect(a.socket)
	}
}

// start checks the user's sign-in session. If it is current, start sends the waiting deltas, and later deltas are sent
// immediately. If snapshot is true, it first sends the balance and the profile.
func (a *accountClient) start(ctx context.Context, snapshot bool) error {
	_, err := a.cfg.Hub.CheckSession(ctx, a.by)
	var coins domain.Coins
	if err == nil {
		coins, err = a.cfg.Queries.Balance(ctx, a.by.User)
	}
	var profile projections.Profile
	if err == nil && snapshot {
		profile, err = a.cfg.Queries.Profile(ctx, a.by.User)
	}
	if err != nil {
		a.Revoke(nil)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open, a.coins = true, coins
	if snapshot {
		a.emit(coins)
		a.emit(accountOf(profile, coins))
	}
	for _, d := range a.waiting {
		a.send(d)
	}
	a.waiting = nil
	return nil
}

// Identity returns the user and the sign-in session in the token of the handshake.
func (a *accountClient) Identity() hub.Identity { return a.by }

// ConnectionKey returns the key of the client's connection.
func (a *accountClient) ConnectionKey() string { return a.socket.ID() }

// Ended reports whether the Engine.IO session has ended.
func (a *accountClient) Ended() bool { return a.socket.Session().Ended() }

// Reset ends the Engine.IO session, so that the client reconnects.
func (a *accountClient) Reset() { reconnect(a.socket) }

// Kick disconnects the socket.
func (a *accountClient) Kick(reason string) { a.kick(a.socket, reason) }

// BanFrom does nothing: the client is in no live.
func (a *accountClient) BanFrom(domain.LiveID, string) {}

// DeliverPrivate sends a delta of the user channel. Until the sign-in session has been checked, the delta waits. If too
// many wait, the client must reconnect.
func (a *accountClient) DeliverPrivate(d projections.Delta) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.open:
		a.send(d)
	case a.revoked:
	case len(a.waiting) < maxWaitingDeltas:
		a.waiting = append(a.waiting, d)
	default:
		a.Reset()
	}
}

func (a *accountClient) send(d projections.Delta) {
	switch e := d.Event.(type) {
	case domain.GiftSent:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.CoinsCorrected:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.GiftRefunded:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.TicketBought:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.TicketRefunded:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.CoinsCredited:
		a.coins = e.BalanceAfter
		a.emit(e.BalanceAfter)
	case domain.UserAgeChanged:
		a.emit(e.Age)
	case domain.UserProfileChanged:
		a.emit(accountOf(d.Profile, a.coins))
	}
}

func accountOf(p projections.Profile, coins domain.Coins) accountDTO {
	return accountDTO{p.ID, p.Username, p.Nickname, p.Avatar, coins}
}

func (a *accountClient) emit(value any) { a.socket.Emit("message", value) }

// Revoke stops the sending of deltas. The socket stays connected, unless the user is banned or unavailable.
func (a *accountClient) Revoke(refusal *domain.Refusal) {
	if refusal != nil && a.disconnectUnavailable(a.socket, refusal) {
		return
	}
	a.cfg.Hub.Unregister(a.by.User, a)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open, a.revoked, a.waiting = false, true, nil
}
