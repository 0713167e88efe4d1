package rtmp

import (
	"bufio"
	"fmt"
	"io"
	"net/url"

	"roomlog/media/amf"
)

// ReadConnect is what a client says of itself when it connects.
type Connect struct {
	App    string     // as it was sent, with a query behind it
	Fields amf.Object // everything, for those who want to know more
}

// ReadRequest is what a client asks for.
type Request struct {
	Publish bool // or play
	App     string
	Name    string
	Args    url.Values // of the query
}

// ReadConnect shakes hands and reads up to the client's connect, which Request or Reject then answers. Ten
// seconds from here on the client must have asked for something.
func (c *Conn) ReadConnect() (Connect, error) {
	if err := c.conn.SetDeadline(c.cfg.Now().Add(c.cfg.HandshakeTimeout)); err != nil {
		return Connect{}, err
	}
	type both struct {
		*bufio.Reader
		io.Writer
	}
	if err := handshake(both{c.r.r, c.conn}); err != nil {
		return Connect{}, fmt.Errorf("handshake: %w", err)
	}
	call, err := c.nextCommand()
	switch {
	case err != nil:
		return Connect{}, err
	case call.name != "connect":
		return Connect{}, fmt.Errorf("%w: %.40q before connect", ErrProtocol, call.name)
	case len(call.args) == 0:
		return Connect{}, fmt.Errorf("%w: connect without object", ErrProtocol)
	}
	fields, _ := call.args[0].(amf.Object)
	app, _ := fields["app"].(string)
	c.connect, c.request.App = call.id, app
	return Connect{App: app, Fields: fields}, nil
}

// Reject answers connect with a refusal and closes the connection.
func (c *Conn) Reject(text string) {
	c.call(0, "_error", c.connect, nil,
		amf.Object{"level": levelError, "code": ConnectRejected, "description": text})
	c.leave()
}

// ReadRequest answers connect and reads until the client wants to publish or to play. A path that names no
// stream is refused here.
func (c *Conn) ReadRequest() (Request, error) {
	c.welcome()
	for {
		if err := c.send(); err != nil {
			return Request{}, err
		}
		call, err := c.nextCommand()
		if err != nil {
			return Request{}, err
		}
		if call.name == "publish" || call.name == "play" {
			return c.asked(call)
		}
		if err := c.prepare(call); err != nil {
			return Request{}, err
		}
	}
}

// nextCommand reads messages, of which there is a budget, up to a command.
func (c *Conn) nextCommand() (command, error) {
	for {
		if c.budget--; c.budget < 0 {
			return command{}, fmt.Errorf("%w: %d messages before publish or play", ErrLimit, maxMessages)
		}
		m, err := c.r.next()
		if err != nil {
			return command{}, err
		}
		if m.command() {
			return parseCommand(m)
		}
		if err := c.housekeep(m); err != nil {
			return command{}, err
		}
		if err := c.send(); err != nil {
			return command{}, err
		}
	}
}

// prepare answers what clients ask on their way to publish or play. What it does not know it leaves
// unanswered, as other servers do.
func (c *Conn) prepare(call command) error {
	switch call.name {
	case "connect":
		return fmt.Errorf("%w: a second connect", ErrProtocol)
	case "createStream":
		c.call(0, "_result", call.id, nil, MediaStream)
	case "releaseStream", "FCPublish", "FCSubscribe":
		c.call(0, "_result", call.id, nil, nil)
	case "getStreamLength":
		c.call(0, "_result", call.id, nil, 0) // without a number players wait
	case "deleteStream", "closeStream":
		return ErrDone
	}
	return nil
}

func (c *Conn) asked(call command) (Request, error) {
	r := Request{Publish: call.name == "publish"}
	var err error
	r.App, r.Name, r.Args, err = SplitPath(c.request.App, call.text(1))
	c.request = r
	if err != nil {
		if r.Publish {
			c.Refuse(PublishBadName, "Bad stream name")
		} else {
			c.Refuse(PlayNotFound, "Bad stream name")
		}
		return Request{}, err
	}
	return r, nil
}

// Accept tells the client that it may begin. Only from here on media is read or written.
func (c *Conn) Accept() error {
	now := c.cfg.Now()
	c.heard, c.pinged = now, now
	if c.request.Publish {
		c.r.media = true
		c.status(levelStatus, PublishStart, "/"+c.request.App+"/"+c.request.Name+" is now published.")
	} else {
		c.playing = true
		c.control(eventStreamBegin, MediaStream)
		c.status(levelStatus, PlayReset, "Playing and resetting stream.")
		c.status(levelStatus, PlayStart, "Started playing stream.")
		c.answer(csData, TypeData, MediaStream, ChunkSize, amf.Encode("|RtmpSampleAccess", true, true))
	}
	return c.send()
}

// Refuse answers publish or play with an error and closes the connection, once the client had the time to
// read it. Nothing that the client sends is looked at any more.
func (c *Conn) Refuse(code, text string) {
	c.status(levelError, code, text)
	c.leave()
}
