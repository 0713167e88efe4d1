package rtmp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"roomlog/media/amf"
)

// ReadConnect performs the handshake and reads the connect command, to which ReadRequest or Reject then responds. The
// client must send publish or play within HandshakeTimeout after the call.
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
	cmd, err := c.nextCommand()
	switch {
	case err != nil:
		return Connect{}, err
	case cmd.name != "connect":
		return Connect{}, fmt.Errorf("%w: %.40q before connect", ErrProtocol, cmd.name)
	case len(cmd.args) == 0:
		return Connect{}, fmt.Errorf("%w: connect without object", ErrProtocol)
	}
	fields, _ := cmd.args[0].(amf.Object)
	app, _ := fields["app"].(string)
	c.connectID, c.app = cmd.id, app
	return Connect{App: app, Fields: fields}, nil
}

// Reject refuses the connect command and closes the connection.
func (c *Conn) Reject(text string) {
	c.sendCommand(0, "_error", c.connectID, nil,
		amf.Object{"level": levelError, "code": ConnectRejected, "description": text})
	c.closeGracefully()
}

// ReadRequest accepts the connect command and reads until publish or play. It refuses a malformed stream path and
// then returns an error that wraps ErrPath.
func (c *Conn) ReadRequest() (Request, error) {
	c.acceptConnect()
	return c.readRequest()
}

func (c *Conn) readRequest() (Request, error) {
	for {
		if err := c.flush(); err != nil {
			return Request{}, err
		}
		cmd, err := c.nextCommand()
		if err != nil {
			return Request{}, err
		}
		if cmd.name == "publish" || cmd.name == "play" {
			return c.parseRequest(cmd)
		}
		if err := c.prepare(cmd); err != nil && !(c.reused && errors.Is(err, ErrDone)) {
			return Request{}, err
		}
	}
}

// nextCommand reads messages up to the next command. It returns ErrLimit after maxMessages messages.
func (c *Conn) nextCommand() (command, error) {
	if cmd := c.early; cmd != nil {
		c.early = nil
		return *cmd, nil
	}
	for {
		if c.budget--; c.budget < 0 {
			return command{}, fmt.Errorf("%w: %d messages before publish or play", ErrLimit, maxMessages)
		}
		m, err := c.r.next()
		if err != nil {
			return command{}, err
		}
		if m.isCommand() {
			return parseCommand(m)
		}
		if m.isMedia() { // The message belongs to the stream that has ended.
			c.budget++
			continue
		}
		if err := c.handleControl(m); err != nil {
			return command{}, err
		}
		if err := c.flush(); err != nil {
			return command{}, err
		}
	}
}

// prepare responds to the commands that clients send before publish or play. Like other servers it ignores unknown
// commands.
func (c *Conn) prepare(cmd command) error {
	switch cmd.name {
	case "connect":
		return fmt.Errorf("%w: a second connect", ErrProtocol)
	case "createStream":
		c.sendCommand(0, "_result", cmd.id, nil, MediaStream)
	case "FCPublish": // Some hardware encoders wait for the response that Flash Media Server sends.
		c.sendCommand(0, "onFCPublish", 0, nil, amf.Object{"level": levelStatus, "code": PublishStart, "description": "Please follow up with publish."})
		c.sendCommand(0, "_result", cmd.id, nil, nil)
	case "releaseStream", "FCSubscribe":
		c.sendCommand(0, "_result", cmd.id, nil, nil)
	case "getStreamLength":
		c.sendCommand(0, "_result", cmd.id, nil, 0) // players wait for a number
	case "deleteStream", "closeStream":
		return ErrDone
	}
	return nil
}

// parseRequest reads the arguments of publish or play.
func (c *Conn) parseRequest(cmd command) (Request, error) {
	r := Request{Publish: cmd.name == "publish"}
	var err error
	r.App, r.Name, r.Args, err = SplitPath(c.app, cmd.text(1))
	c.request = r
	if err != nil {
		if r.Publish {
			c.Refuse(PublishFailed, pathFault(err))
		} else {
			c.Refuse(PlayNotFound, pathFault(err))
		}
		return Request{}, err
	}
	return r, nil
}

// pathFault returns the description of an error of SplitPath for people.
func pathFault(err error) string {
	return "Bad stream address: " + strings.TrimPrefix(err.Error(), ErrPath.Error()+": ")
}

// Accept accepts the request. Media is read or written only afterwards.
func (c *Conn) Accept() error {
	now := c.cfg.Now()
	c.heardAt, c.pingedAt = now, now
	if c.request.Publish {
		c.r.media = true
		c.status(levelStatus, PublishStart, c.request.path()+" is now published.")
	} else {
		c.playing = true
		c.userControl(eventStreamBegin, MediaStream)
		c.status(levelStatus, PlayReset, "Playing and resetting stream.")
		c.status(levelStatus, PlayStart, "Started playing stream.")
		c.respond(csData, TypeData, MediaStream, ChunkSize, amf.Encode("|RtmpSampleAccess", true, true))
	}
	return c.flush()
}

// Refuse refuses the request with a status code. It closes the connection after the client had time to read the code,
// and discards later input.
func (c *Conn) Refuse(code, text string) {
	c.status(levelError, code, text)
	c.closeGracefully()
}
