package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"

	"roomlog/realtime/socketio/engineio"
)

// client is a session with its sockets. Its methods are called one after another.
type client struct {
	server  *Server
	session *engineio.Session
	sockets map[string]*Socket
	partial *packet // attachments of it are to come
	bytes   int     // of those that came
	shared  map[*hall]any
}

// old says that the client speaks protocol 4.
func (c *client) old() bool { return c.session.Version() == engineio.V3 }

// Message implements engineio.Handler.
func (c *client) Message(data []byte, binary bool) {
	p, err := c.complete(data, binary)
	switch {
	case err != nil:
		c.session.Fail("parse error")
	case p != nil:
		c.handle(p)
	}
}

// complete answers the packet that a message completes, or nil if more of it has to come.
func (c *client) complete(data []byte, binary bool) (*packet, error) {
	if binary {
		return c.attach(data)
	}
	p, err := decode(data, c.server.maxAttachments)
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
	if c.partial == nil || c.bytes > c.server.maxBytes {
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

// handle does what a packet asks for.
func (c *client) handle(p *packet) {
	k := c.sockets[p.namespace]
	if k != nil && k.hasGone() { // we put it out
		c.drop(k, ServerDisconnect)
		k = nil
	}
	switch {
	case p.kind == typeConnect && k == nil:
		c.connect(p.namespace, c.auth(p))
	case p.kind == typeConnect && c.old(): // asking twice is harmless there
	case p.kind != typeConnect && k != nil:
		k.handle(p)
	case c.old() || p.kind == typeDisconnect: // it came late for a namespace that was left
	default:
		c.session.Fail("parse error")
	}
}

// auth is what a client says for itself with a CONNECT: of an old one the query, as an object.
func (c *client) auth(p *packet) json.RawMessage {
	if !c.old() {
		return p.data
	}
	query, err := url.ParseQuery(p.query)
	if err != nil || len(query) == 0 {
		return nil
	}
	flat := make(map[string]string, len(query))
	for key := range query {
		flat[key] = query.Get(key)
	}
	return encodeJSON(flat)
}

var (
	errNoNamespace       = errors.New("Invalid namespace")   //nolint:staticcheck // clients know this text
	errTooManyNamespaces = errors.New("Too many namespaces") //nolint:staticcheck // like the other
)

// connect makes a socket in a namespace, or says why not.
func (c *client) connect(name string, auth json.RawMessage) {
	if len(auth) == 0 {
		auth = json.RawMessage("{}")
	}
	hall := c.server.namespaces[name]
	k := newSocket(c, hall, name, auth)
	err := errNoNamespace
	switch {
	case hall == nil:
	case len(c.sockets) >= c.server.maxNamespaces:
		err = errTooManyNamespaces
	default:
		err = k.admit()
	}
	if err != nil {
		c.send(&packet{kind: typeConnectError, namespace: name, id: noID, data: refusalData(err, c.old())})
		return
	}
	c.sockets[name] = k
	c.session.Settled()
	c.send(&packet{kind: typeConnect, namespace: name, id: noID, data: k.welcome()})
	if hall.Connected != nil {
		hall.Connected(k)
	}
}

// drop takes a socket out of its namespace.
func (c *client) drop(k *Socket, reason string) {
	if c.sockets[k.hall.Name] == k {
		delete(c.sockets, k.hall.Name)
		k.leave(reason, false)
	}
}

func (c *client) send(p *packet) { c.session.Send(frameOf(c.session, p)) }

// Closed implements engineio.Handler.
func (c *client) Closed(reason string) {
	for _, k := range c.sockets {
		k.leave(reason, true)
	}
	c.sockets, c.partial = nil, nil
}
