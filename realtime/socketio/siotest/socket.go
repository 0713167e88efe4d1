package siotest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Connect connects to the default namespace and returns the socket's id.
func (c *Client) Connect() (id string) {
	c.Helper()
	id, _ = c.Enter("/", "")
	return id
}

// Enter connects to a namespace. auth is JSON, or "". Enter returns the id of the socket and the secret for its
// recovery.
func (c *Client) Enter(namespace, auth string) (id, pid string) {
	c.Helper()
	prefix := prefixOf("40", namespace)
	if c.options.Version == 3 {
		if namespace == "/" {
			c.Expect("40") // sent by the server although the client has sent no CONNECT
			return c.sid, ""
		}
		name, _, _ := strings.Cut(namespace, "?")
		c.Send(prefix)
		for p := c.Next(); p.Text != "40"+name+","; p = c.Next() { // events of other namespaces may come first
			c.aside = append(c.aside, p)
		}
		return name + "#" + c.sid, ""
	}
	c.Send(prefix + auth)
	p := c.Next()
	for ; !strings.HasPrefix(p.Text, "4") || namespace != "/" && !strings.Contains(p.Text, namespace); p = c.Next() {
		c.aside = append(c.aside, p)
	}
	var response struct{ SID, PID string }
	text, ok := strings.CutPrefix(p.Text, prefix)
	if !ok || json.Unmarshal([]byte(text), &response) != nil || response.SID == "" {
		c.Fatalf("connected with %q", p.Text)
	}
	return response.SID, response.PID
}

// Prefix returns the beginning of a packet of the client's namespace. kind is the type of the packet, such as "42".
func (c *Client) Prefix(kind string) string { return prefixOf(kind, c.Namespace) }

func prefixOf(kind, namespace string) string {
	if namespace == "" || namespace == "/" {
		return kind
	}
	return kind + namespace + ","
}

// Emit emits an event.
func (c *Client) Emit(event string, arguments ...any) {
	c.Helper()
	c.Send(c.Prefix("42") + c.encode(append([]any{event}, arguments...)))
}

// Call emits an event, waits for its acknowledgement and returns the arguments of the acknowledgement.
func (c *Client) Call(id int, event string, arguments ...any) []json.RawMessage {
	c.Helper()
	c.Send(c.Prefix("42") + fmt.Sprint(id) + c.encode(append([]any{event}, arguments...)))
	return c.await(c.Prefix("43")+fmt.Sprint(id), nil)
}

func (c *Client) encode(v any) string {
	c.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

// Event waits for an event with this name and returns its arguments. It stores other events,
// in order, for later calls.
func (c *Client) Event(name string) []json.RawMessage {
	c.Helper()
	return c.await(c.Prefix("42"), func(arguments []json.RawMessage) bool { return string(arguments[0]) == c.encode(name) })[1:]
}

// await returns the JSON array of the next packet that begins with prefix and for which wanted returns true. It fails the
// test after Timeout, although other packets arrive.
func (c *Client) await(prefix string, wanted func([]json.RawMessage) bool) []json.RawMessage {
	c.Helper()
	read := func(p Packet) []json.RawMessage {
		text, ok := strings.CutPrefix(p.Text, prefix)
		var values []json.RawMessage
		if !ok || json.Unmarshal([]byte(text), &values) != nil || wanted != nil && !wanted(values) {
			return nil
		}
		return values
	}
	for i, p := range c.aside {
		if values := read(p); values != nil {
			c.aside = append(c.aside[:i:i], c.aside[i+1:]...)
			return values
		}
	}
	for deadline := time.Now().Add(Timeout); ; {
		p, ok := c.Hear(time.Until(deadline))
		if !ok {
			c.Fatalf("timed out waiting for a packet that begins with %s; %d others have arrived", prefix, len(c.aside))
		}
		if values := read(p); values != nil {
			return values
		}
		c.aside = append(c.aside, p)
	}
}

// Forget drops all received and stored packets.
func (c *Client) Forget() {
	c.aside, c.early = nil, nil
	for len(c.packets) > 0 {
		<-c.packets
	}
}
