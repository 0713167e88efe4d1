package protocol

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"sync"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// maxPendingAcks is the maximum number of outstanding acknowledgements of a client. If there are more, the oldest is
// dropped.
const maxPendingAcks = 64

// ServerDisconnect is the reason, in the words of the protocol, for which the server disconnected a socket.
const ServerDisconnect = "server namespace disconnect"

// Socket is one client in one namespace. Its events are handled one after another. Unless a method says otherwise, any
// goroutine may call it at any time.
type Socket struct {
	session    *engineio.Session
	namespace  string
	id         string
	auth       json.RawMessage
	pid        string // private id for the recovery; "": the client has not requested recovery
	query      url.Values
	disconnect func(k *Socket, all bool)
	shared     *sharedValue

	// Only the goroutine that handles the client's packets uses the following fields.
	handlers     map[string]func(*Event)
	middleware   []func(*Event) error
	onDisconnect []func(reason string)
	restored     any
	kept         any
	left         chan struct{} // closed when the socket has disconnected

	mu     sync.Mutex
	closed bool
	acks   map[int64]func(*Event) // callbacks of outstanding acknowledgements
	nextID int64
}

// newID returns a random id of 120 bits.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // rand.Read never fails.
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// protocol4 reports whether a session's client speaks protocol 4.
func protocol4(s *engineio.Session) bool { return s.Version() == engineio.V3 }

// sharedValue is the value of Socket.Shared.
type sharedValue struct {
	created bool
	value   any
}

// newSocket returns the socket of a session in a namespace. query is the query of the namespace.
func newSocket(s *engineio.Session, namespace string, query url.Values, auth json.RawMessage) *Socket {
	k := &Socket{session: s, namespace: namespace, auth: auth, handlers: make(map[string]func(*Event)), left: make(chan struct{})}
	k.query = mergeQueries(s.Query(), query)
	if !protocol4(s) {
		k.id = newID()
	} else { // Clients of protocol 4 derive their ids from the id of the Engine.IO session.
		k.id = k.idOf(s.ID())
	}
	return k
}

// mergeQueries returns the query of a handshake with the keys that only the query of the namespace has.
func mergeQueries(handshake, namespace url.Values) url.Values {
	if len(namespace) == 0 {
		return handshake
	}
	merged := maps.Clone(namespace)
	maps.Copy(merged, handshake)
	return merged
}

// ID returns the id of the socket. The client of the socket knows the id, too.
func (k *Socket) ID() string { return k.id }

// PublicID returns the id that other users may see.
func (k *Socket) PublicID() string {
	if !protocol4(k.session) {
		return k.id
	}
	return k.idOf(k.session.PublicID())
}

// Alias returns the id under which other users saw the socket while its client polled, or "" if there is none.
func (k *Socket) Alias() string {
	if k.session.Alias() == "" {
		return ""
	}
	return k.idOf(k.session.Alias())
}

// HasID reports whether id is, or was, the public id of the socket.
func (k *Socket) HasID(id string) bool {
	if !protocol4(k.session) {
		return id == k.id
	}
	if k.namespace == "/" {
		return k.session.HasID(id)
	}
	id, ok := strings.CutPrefix(id, k.namespace+"#")
	return ok && k.session.HasID(id)
}

// idOf returns the id of the socket for an id of its session.
func (k *Socket) idOf(session string) string {
	if k.namespace == "/" {
		return session
	}
	return k.namespace + "#" + session
}

// Namespace returns the namespace of the socket.
func (k *Socket) Namespace() string { return k.namespace }

// Session returns the Engine.IO session that carries the socket.
func (k *Socket) Session() *engineio.Session { return k.session }

// Query returns the query of the request that opened the session, together with the query that a client of protocol 4
// has sent with the name of the namespace. If both contain a key, the value of the request counts. The query may
// contain a token: do not log it.
func (k *Socket) Query() url.Values { return k.query }

// Auth returns the JSON object that the client sent when it connected to the namespace.
func (k *Socket) Auth() json.RawMessage { return k.auth }

// On sets the handler of an event. Call it from Namespace.Connected or from a handler.
func (k *Socket) On(event string, handle func(*Event)) { k.handlers[event] = handle }

// Use adds a function that is called with every event before its handler. After an error the handler is not called. The
// error is sent to clients of protocol 4, as Socket.IO 2 does; it is not sent to newer clients.
func (k *Socket) Use(check func(*Event) error) { k.middleware = append(k.middleware, check) }

// OnDisconnect adds a function that is called when the socket has disconnected. Call it from Namespace.Connected or from
// a handler.
func (k *Socket) OnDisconnect(handle func(reason string)) {
	k.onDisconnect = append(k.onDisconnect, handle)
}

// Keep sets the state that is passed to Recovery.Restore. Without it, the socket cannot be recovered. Call it from
// OnDisconnect.
func (k *Socket) Keep(state any) { k.kept = state }

// Recoverable reports whether the client has requested recovery, and so expects an offset behind the arguments of
// events.
func (k *Socket) Recoverable() bool { return k.pid != "" }

// Restored returns the result of Recovery.Restore, or nil for a new socket. Call it from Namespace.Connected.
func (k *Socket) Restored() any { return k.restored }

// Shared returns a value that all sockets of the client share, in every namespace, as long as the session lasts. The
// first call creates it. Call it from Namespace.Connected or from a handler.
func (k *Socket) Shared(create func() any) any {
	if !k.shared.created {
		k.shared.created, k.shared.value = true, create()
	}
	return k.shared.value
}

// Emit sends an event.
func (k *Socket) Emit(event string, arguments ...any) { k.emit(noID, event, arguments) }

// EmitWithAck sends an event and requests an acknowledgement. When the acknowledgement arrives, acknowledged is called
// in the same way as a handler.
func (k *Socket) EmitWithAck(acknowledged func(*Event), event string, arguments ...any) {
	k.mu.Lock()
	if k.acks == nil {
		k.acks = make(map[int64]func(*Event))
	}
	id := k.nextID
	k.nextID++
	k.acks[id] = acknowledged
	delete(k.acks, id-maxPendingAcks)
	k.mu.Unlock()
	k.emit(id, event, arguments)
}

func (k *Socket) emit(id int64, event string, arguments []any) {
	k.sendValues(packet{kind: typeEvent, id: id}, append([]any{event}, arguments...))
}

func (k *Socket) acknowledge(id int64, arguments []any) {
	k.sendValues(packet{kind: typeAck, id: id}, arguments)
}

func (k *Socket) sendValues(p packet, values []any) {
	p.namespace = k.namespace
	p.data, p.attachments = encodeArguments(values)
	if len(p.attachments) > 0 {
		p.kind += typeBinaryEvent - typeEvent
	}
	k.Send(p.frame(k.session))
}

// Payload returns the payload of a frame that emits an event to sockets of this socket's namespace.
func (k *Socket) Payload(event string, arguments ...any) []byte {
	return Payload(k.namespace, event, arguments...)
}

// Send sends frames whose payloads Payload returned for this socket's namespace.
func (k *Socket) Send(frames ...*ws.Frame) {
	if !k.isClosed() {
		k.session.Send(frames...)
	}
}

// Disconnect disconnects the socket from its namespace. Its client does not reconnect by itself. If all is true,
// Disconnect disconnects the client from every namespace and ends the Engine.IO session. It does not wait.
func (k *Socket) Disconnect(all bool) {
	if k.close() {
		k.disconnect(k, all)
	}
}

// close sends DISCONNECT. Nothing is sent to the socket afterwards. It reports false if the socket was closed before.
func (k *Socket) close() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	k.closed = true
	p := packet{kind: typeDisconnect, namespace: k.namespace, id: noID}
	k.session.Send(p.frame(k.session))
	return true
}

func (k *Socket) isClosed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.closed
}

// receive handles an event or an acknowledgement.
func (k *Socket) receive(p *packet) {
	e, err := parseEvent(p)
	if err != nil {
		k.session.Fail("parse error")
		return
	}
	e.reply = k.acknowledge
	if p.kind == typeAck || p.kind == typeBinaryAck {
		k.receiveAck(e)
	} else {
		k.dispatch(e)
	}
}

// dispatch calls the middleware and the handler of an event. An event without a handler is ignored.
func (k *Socket) dispatch(e *Event) {
	for _, check := range k.middleware {
		if err := check(e); err != nil {
			if protocol4(k.session) {
				p := packet{kind: typeConnectError, namespace: k.namespace, id: noID, data: encodeRefusal(err, true)}
				k.session.Send(p.frame(k.session))
			}
			return
		}
	}
	if handle := k.handlers[e.Name]; handle != nil {
		handle(e)
	}
}

// receiveAck calls the function that waits for an acknowledgement. It ignores an acknowledgement for which no function
// waits.
func (k *Socket) receiveAck(e *Event) {
	k.mu.Lock()
	handle := k.acks[e.id]
	delete(k.acks, e.id)
	k.mu.Unlock()
	if handle != nil {
		e.id = noID // An acknowledgement is not acknowledged itself.
		handle(e)
	}
}

// disconnected calls the functions that were passed to OnDisconnect.
func (k *Socket) disconnected(reason string) {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	for _, handle := range k.onDisconnect {
		handle(reason)
	}
}
