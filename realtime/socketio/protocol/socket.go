package protocol

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sync"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// maxAsked is how many questions a client may leave unanswered; older ones are forgotten.
const maxAsked = 64

// Socket is one client in one namespace. What it hears is handled one event after another; the other methods
// may be called by any goroutine at any time.
type Socket struct {
	client *client
	hall   *hall
	id     string
	auth   json.RawMessage
	pid    string // known to the client alone; "" without recovery

	// Used by the goroutine that handles the client's packets.
	handlers     map[string]func(*Event)
	middleware   []func(*Event) error
	disconnected []func(reason string)
	restored     any
	kept         any
	left         chan struct{} // closed when all that is over

	mu    sync.Mutex
	gone  bool
	asked map[int64]func(*Event)
	next  int64
}

func newSocket(c *client, h *hall, name string, auth json.RawMessage) *Socket {
	k := &Socket{client: c, hall: h, auth: auth, handlers: make(map[string]func(*Event)), left: make(chan struct{})}
	switch {
	case !c.old():
		k.id = newID()
	case name == "/": // these clients make up their ids themselves
		k.id = c.session.ID()
	default:
		k.id = name + "#" + c.session.ID()
	}
	return k
}

// newID draws an id that nobody can guess.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// admit asks the namespace whether the socket may connect, and recovers what it was.
func (k *Socket) admit() error {
	for _, ask := range k.hall.Use {
		if err := ask(k); err != nil {
			return err
		}
	}
	if m := k.hall.memory; m != nil && !k.client.old() {
		m.recover(k)
	}
	return nil
}

// welcome is the data of the answer to CONNECT.
func (k *Socket) welcome() json.RawMessage {
	if k.client.old() {
		return nil
	}
	return encodeJSON(struct {
		ID  string `json:"sid"`
		PID string `json:"pid,omitempty"`
	}{k.id, k.pid})
}

// ID is by which the client knows itself.
func (k *Socket) ID() string { return k.id }

// PublicID is by which other people may know the client.
func (k *Socket) PublicID() string {
	if !k.client.old() {
		return k.id
	}
	if k.hall.Name == "/" {
		return k.client.session.PublicID()
	}
	return k.hall.Name + "#" + k.client.session.PublicID()
}

// Session carries the socket's events.
func (k *Socket) Session() *engineio.Session { return k.client.session }

// Query is that of the request which opened the session. It may hold a token: it is not to be logged.
func (k *Socket) Query() url.Values { return k.client.session.Query() }

// Auth is what the client said for itself when it connected to the namespace: a JSON object.
func (k *Socket) Auth() json.RawMessage { return k.auth }

// On says what happens when the client emits an event. It is for Namespace.Connected and for handlers.
func (k *Socket) On(event string, handle func(*Event)) { k.handlers[event] = handle }

// Use has every event looked at before its handler is called, which it is not after an error. Old clients
// are told a *Refusal, or the text of another error, as their servers did; newer ones are not.
func (k *Socket) Use(look func(*Event) error) { k.middleware = append(k.middleware, look) }

// OnDisconnect has handle called when the socket has gone. It is for Namespace.Connected and for handlers.
func (k *Socket) OnDisconnect(handle func(reason string)) {
	k.disconnected = append(k.disconnected, handle)
}

// Keep says what a recovery of the socket needs to know; without it there is none. It is for OnDisconnect.
func (k *Socket) Keep(state any) { k.kept = state }

// Restored answers what Recovery.Restore made of what was kept; nil for a new socket. It is for
// Namespace.Connected.
func (k *Socket) Restored() any { return k.restored }

// Shared answers what all sockets of the client in this namespace have in common, one after another, as long as its
// session lasts: what first makes. It is for Namespace.Connected and for handlers.
func (k *Socket) Shared(first func() any) any {
	c := k.client
	if c.shared == nil {
		c.shared = make(map[*hall]any)
	}
	if _, made := c.shared[k.hall]; !made {
		c.shared[k.hall] = first()
	}
	return c.shared[k.hall]
}

// Emit sends an event.
func (k *Socket) Emit(event string, arguments ...any) { k.emit(noID, event, arguments) }

// Ask sends an event; answered is called like a handler when the client answers, if it does.
func (k *Socket) Ask(answered func(*Event), event string, arguments ...any) {
	k.mu.Lock()
	if k.asked == nil {
		k.asked = make(map[int64]func(*Event))
	}
	id := k.next
	k.next++
	k.asked[id] = answered
	delete(k.asked, id-maxAsked)
	k.mu.Unlock()
	k.emit(id, event, arguments)
}

func (k *Socket) emit(id int64, event string, arguments []any) {
	k.sendValues(packet{kind: typeEvent, id: id}, append([]any{event}, arguments...))
}

func (k *Socket) reply(id int64, arguments []any) {
	k.sendValues(packet{kind: typeAck, id: id}, arguments)
}

func (k *Socket) sendValues(p packet, values []any) {
	p.namespace = k.hall.Name
	p.data, p.attachments = encodeArguments(values)
	if len(p.attachments) > 0 {
		p.kind += typeBinaryEvent - typeEvent
	}
	k.Send(frameOf(k.client.session, &p))
}

// Send sends frames made of a Payload for this socket's namespace.
func (k *Socket) Send(frames ...*ws.Frame) {
	k.mu.Lock()
	gone := k.gone
	k.mu.Unlock()
	if !gone {
		k.client.session.Send(frames...)
	}
}

// Disconnect puts the socket out of its namespace: its client does not come back by itself. With all, the
// client is put out of every namespace, and its session ends.
func (k *Socket) Disconnect(all bool) {
	if !k.dismiss() {
		return
	}
	c := k.client
	go c.session.Do(func() { // after the event that is being handled: that may be what asks for it
		c.drop(k, ServerDisconnect)
		if all {
			for _, other := range c.sockets {
				other.dismiss()
				c.drop(other, ServerDisconnect)
			}
			c.session.Close()
		}
	})
}

// The reasons of a disconnect, as clients and servers of this protocol name them.
const (
	// ServerDisconnect: the server put the socket out.
	ServerDisconnect = "server namespace disconnect"
	clientDisconnect = "client namespace disconnect"
)

// dismiss tells the client that it is put out; nothing is sent to it afterwards. It answers false if it had
// gone before.
func (k *Socket) dismiss() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone {
		return false
	}
	k.gone = true
	k.client.send(&packet{kind: typeDisconnect, namespace: k.hall.Name, id: noID})
	return true
}

// hasGone says that nothing is heard or sent any more.
func (k *Socket) hasGone() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone
}

// handle does what a packet for this socket asks for.
func (k *Socket) handle(p *packet) {
	if p.kind == typeDisconnect {
		k.client.drop(k, clientDisconnect)
		return
	}
	e, err := eventOf(p)
	if err != nil {
		k.client.session.Fail("parse error")
		return
	}
	e.socket = k
	if p.kind == typeAck || p.kind == typeBinaryAck {
		k.answered(e)
	} else {
		k.hear(e)
	}
}

// hear handles an event. One that nobody handles is ignored.
func (k *Socket) hear(e *Event) {
	for _, look := range k.middleware {
		if err := look(e); err != nil {
			if k.client.old() {
				k.client.send(&packet{kind: typeConnectError, namespace: k.hall.Name, id: noID, data: refusalData(err, true)})
			}
			return
		}
	}
	if handle := k.handlers[e.Name]; handle != nil {
		handle(e)
	}
}

// answered hands an answer to who asked. Answers to nothing are ignored.
func (k *Socket) answered(e *Event) {
	k.mu.Lock()
	handle := k.asked[e.id]
	delete(k.asked, e.id)
	k.mu.Unlock()
	if handle != nil {
		e.id = noID // there is no answer to an answer
		handle(e)
	}
}

// leave is the end of the socket; one that was lost can be recovered.
func (k *Socket) leave(reason string, lost bool) {
	k.mu.Lock()
	k.gone = true
	k.mu.Unlock()
	for _, tell := range k.disconnected {
		tell(reason)
	}
	if m := k.hall.memory; m != nil {
		m.leave(k, lost)
	}
	close(k.left)
}
