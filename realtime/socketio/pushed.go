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
	greeting = "hello"   // to whoever comes with a token, good or bad
	echo     = "你好客户端, " // before what a client says
)

// account is a user as the user sees it.
type account struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username"`
	Nickname string        `json:"nickname"`
	Avatar   string        `json:"avatar"`
	Coin     domain.Coins  `json:"coin"`
}

// maxUntold is how much of a user's news waits until it is known whether the socket may hear it.
const maxUntold = 1000

// pushed is a socket that is told what changes about the user of its handshake.
type pushed struct {
	door   *Door
	socket *protocol.Socket
	caller hub.Identity

	mu      sync.Mutex
	open    bool                // it may be told
	over    bool                // it may not any more
	waiting []projections.Delta // until then
	coins   domain.Coins        // as of the newest news
}

// hearPushed greets a socket, and has it told what changes about its user, if it says whose it is.
func (v *visitor) hearPushed() {
	v.socket.On("message", func(e *protocol.Event) {
		said := ""
		if len(e.Arguments) > 0 {
			said = string(e.Arguments[0])
			_ = json.Unmarshal(e.Arguments[0], &said) // what is no text is shown as it is
		}
		v.socket.Emit("message", echo+said)
	})
	caller, err := v.door.cfg.Hub.Verify(v.socket.Query().Get("token"))
	if err != nil { // it stays, and hears nothing
		v.socket.Emit("message", greeting)
		return
	}
	p := &pushed{door: v.door, socket: v.socket, caller: caller}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = v.door.cfg.Hub.Register(ctx, p.caller.User, p)
	v.socket.Emit("message", greeting) // what happens from now on is pushed
	if err == nil {
		v.socket.OnDisconnect(func(string) { v.door.cfg.Hub.Unregister(p.caller.User, p) })
		err = p.admit(ctx)
	}
	if err == nil {
		return
	}
	no, ours := hub.ProblemOf(err)
	if ours {
		v.door.cfg.Log.ErrorContext(ctx, "a socket cannot be told of its user", slog.Any("err", err))
	}
	if ours || no.Code == domain.CodeBusy {
		v.socket.Session().Fail("transport close") // it comes back by itself
	}
}

// admit has a socket told its news, from the first, if its session holds.
func (p *pushed) admit(ctx context.Context) error {
	err := p.door.cfg.Hub.CheckSession(ctx, p.caller)
	var coins domain.Coins
	if err == nil {
		coins, err = p.door.cfg.Queries.Balance(ctx, p.caller.User)
	}
	if err != nil {
		p.Revoke(nil)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.coins = true, coins
	for _, d := range p.waiting {
		p.tell(d)
	}
	p.waiting = nil
	return nil
}

// Identity implements hub.Client.
func (p *pushed) Identity() hub.Identity { return p.caller }

// Ended implements hub.Client.
func (p *pushed) Ended() bool { return p.socket.Session().Ended() }

// DeliverPrivate implements hub.Client.
func (p *pushed) DeliverPrivate(d projections.Delta) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.open:
		p.tell(d)
	case !p.over && len(p.waiting) < maxUntold:
		p.waiting = append(p.waiting, d)
	}
}

// tell pushes what a piece of news comes to.
func (p *pushed) tell(d projections.Delta) {
	switch e := d.Event.(type) {
	case domain.GiftSent:
		p.coins = e.BalanceAfter
		p.push(e.BalanceAfter)
	case domain.CoinsCredited:
		p.coins = e.BalanceAfter
		p.push(e.BalanceAfter)
	case domain.UserAgeChanged:
		p.push(e.Age)
	case domain.UserProfileChanged:
		p.push(account{d.Profile.ID, d.Profile.Username, d.Profile.Nickname, d.Profile.Avatar, p.coins})
	}
}

func (p *pushed) push(news any) { p.socket.Emit("message", news) }

// Revoke implements hub.Client: the socket is told nothing more. It stays, unless it is put out.
func (p *pushed) Revoke(no *domain.Refusal) {
	if no != nil && p.door.denyFor(p.socket, no) {
		return
	}
	p.door.cfg.Hub.Unregister(p.caller.User, p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open, p.over, p.waiting = false, true, nil
}
