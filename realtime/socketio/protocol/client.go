package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"

	"roomlog/realtime/socketio/engineio"
)

// clientDisconnect is the reason, in the words of the protocol, for which a client disconnected its socket.
const clientDisconnect = "client namespace disconnect"

// limits holds the maximum numbers of namespaces and attachments of a client.
type limits struct {
	namespaces, attachments, bytes int
}

// Namespace is a part of the server to which clients connect. Only the namespaces of Config exist.
type Namespace struct {
	// Name begins with a slash; "/" is the default namespace.
	Name string
	// Use contains the functions that are called in turn before a socket connects. The first error refuses the socket;
	// a *Refusal may carry data.
	Use []func(*Socket) error
	// Connected is called with each new socket, after its client got the response to CONNECT and before its first
	// event is handled. It registers the socket's handlers.
	Connected func(*Socket)
	// Recovery lets clients recover their sockets after a lost connection. Nil: they cannot. Namespaces with the same
	// Recovery share its limits.
	Recovery *Recovery
}

// namespace is a Namespace with its recovery store.
type namespace struct {
	Namespace
	recovery *recoveryStore // sockets that clients may recover; nil: no recovery
}

// client is the client of an Engine.IO session, with its sockets. It implements engineio.Handler. Its methods are
// called one after another.
type client struct {
	namespaces map[string]*namespace
	limits     limits
	session    *engineio.Session
	sockets    map[string]*Socket
	shared     *sharedValue
	introduced bool    // whether the client has sent a CONNECT
	partial    *packet // packet whose attachments are still missing
	bytes      int     // size of the attachments of partial that have arrived, in bytes
}

// protocol4 reports whether the client speaks protocol 4.
func (c *client) protocol4() bool { return protocol4(c.session) }

// Message handles a message of the session: a packet, or an attachment of one.
func (c *client) Message(data []byte, binary bool) {
	p, err := c.complete(data, binary)
	switch {
	case err != nil:
		c.session.Fail("parse error")
	case p != nil:
		c.handle(p)
	}
}

// Downgraded connects a client that turns out to speak protocol 4 to the default namespace.
func (c *client) Downgraded() {
	if c.sockets["/"] == nil {
		c.connect("/", nil, nil)
	}
	c.session.Settled()
}

// Closed disconnects all sockets. They can be recovered.
func (c *client) Closed(reason string) {
	for _, k := range c.sockets {
		c.leave(k, reason, true)
	}
	c.sockets, c.partial = nil, nil
}

// complete returns the packet that a message completes, or nil if attachments are still missing.
func (c *client) complete(data []byte, binary bool) (*packet, error) {
	if binary {
		return c.attach(data)
	}
	p, err := decode(data, c.limits.attachments)
	switch {
	case err != nil, c.partial != nil:
		return nil, errPacket
	case p.expects > 0:
		c.partial, c.bytes = &p, 0
		return nil, nil
	}
	return &p, nil
}

func (c *client) attach(data []byte) (*packet, error) {
	c.bytes += len(data)
	if c.partial == nil || c.bytes > c.limits.bytes {
		return nil, errPacket
	}
	p := c.partial
	p.attachments = append(p.attachments, bytes.Clone(data))
	if len(p.attachments) < p.expects {
		return nil, nil
	}
	c.partial = nil
	return p, nil
}

func (c *client) handle(p *packet) {
	k := c.sockets[p.namespace]
	if k != nil && k.isClosed() { // The server has disconnected the socket.
		c.remove(k, ServerDisconnect)
		k = nil
	}
	c.introduced = c.introduced || p.kind == typeConnect
	switch {
	case p.kind == typeConnect && k == nil:
		c.connect(p.namespace, p.parseQuery(), p.data)
	case p.kind == typeConnect && p.namespace == "/" && c.session.Revert(): // Clients of protocol 4 do not begin with this packet.
		c.remove(k, clientDisconnect)
		c.connect("/", nil, p.data)
	case p.kind == typeConnect && c.protocol4(): // Clients of protocol 4 may connect twice.
	case p.kind == typeDisconnect && k != nil:
		c.remove(k, clientDisconnect)
	case p.kind != typeConnect && k != nil:
		k.receive(p)
	case c.protocol4() || p.kind == typeDisconnect: // The packet arrived after the client had left the namespace.
	case !c.introduced && c.session.Downgrade(): // Clients of protocol 5 send CONNECT before anything else.
		c.handle(p)
	default:
		c.session.Fail("parse error")
	}
}

var (
	errNoNamespace       = errors.New("Invalid namespace")   //nolint:staticcheck // the text of the reference server
	errTooManyNamespaces = errors.New("Too many namespaces") //nolint:staticcheck // in the style of the other
)

// connect creates a socket in a namespace, or sends the reason for which the socket is refused. Clients of protocol 4
// send a query instead of auth.
func (c *client) connect(name string, query url.Values, auth json.RawMessage) {
	if c.protocol4() {
		auth = encodeQuery(query)
	} else {
		query = nil
	}
	if len(auth) == 0 {
		auth = json.RawMessage("{}")
	}
	n := c.namespaces[name]
	k := newSocket(c.session, name, query, auth)
	k.shared, k.disconnect = c.shared, c.disconnect
	if err := c.admit(k, n); err != nil {
		c.send(&packet{kind: typeConnectError, namespace: name, id: noID, data: encodeRefusal(err, c.protocol4())})
		return
	}
	c.sockets[name] = k
	c.session.Settled()
	c.send(&packet{kind: typeConnect, namespace: name, id: noID, data: c.connectData(k)})
	if n.Connected != nil {
		n.Connected(k)
	}
}

// encodeQuery returns the first value of each key as JSON, or nil if there is none.
func encodeQuery(query url.Values) json.RawMessage {
	if len(query) == 0 {
		return nil
	}
	flat := make(map[string]string, len(query))
	for key := range query {
		flat[key] = query.Get(key)
	}
	return encodeJSON(flat)
}

// admit calls the functions of Namespace.Use, and recovers the socket if its client requests it.
func (c *client) admit(k *Socket, n *namespace) error {
	switch {
	case n == nil:
		return errNoNamespace
	case len(c.sockets) >= c.limits.namespaces:
		return errTooManyNamespaces
	}
	for _, check := range n.Use {
		if err := check(k); err != nil {
			return err
		}
	}
	if n.recovery != nil && !c.protocol4() {
		n.recovery.connect(k)
	}
	return nil
}

// connectData returns the data of the response to CONNECT.
func (c *client) connectData(k *Socket) json.RawMessage {
	if c.protocol4() {
		return nil
	}
	return encodeJSON(struct {
		ID  string `json:"sid"`
		PID string `json:"pid,omitempty"`
	}{k.id, k.pid})
}

// disconnect removes a socket that was closed; if all is true, it removes every other socket, too. It runs after the
// event that is being handled, because the handler of that event may have called Socket.Disconnect.
func (c *client) disconnect(k *Socket, all bool) {
	c.session.Later(func() {
		c.remove(k, ServerDisconnect)
		if !all {
			return
		}
		for _, other := range c.sockets {
			other.close()
			c.remove(other, ServerDisconnect)
		}
		c.session.Close()
	})
}

func (c *client) remove(k *Socket, reason string) {
	if c.sockets[k.namespace] == k {
		delete(c.sockets, k.namespace)
		c.leave(k, reason, false)
	}
}

// leave calls the functions of Socket.OnDisconnect. A lost socket can be recovered afterwards.
func (c *client) leave(k *Socket, reason string, lost bool) {
	k.disconnected(reason)
	if r := c.namespaces[k.namespace].recovery; r != nil {
		r.disconnect(k, lost)
	}
	close(k.left)
}

func (c *client) send(p *packet) { c.session.Send(p.frame(c.session)) }
