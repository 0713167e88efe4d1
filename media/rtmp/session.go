package rtmp

import (
	"errors"
	"fmt"
	"os"
	"time"

	"roomlog/media/amf"
)

const unpublishTimeout = 2 * time.Second // maximum time from FCUnpublish to deleteStream

// ReadMedia returns the next audio, video or data message of a publisher, which has at least one byte, and handles
// all other messages. It returns ErrDone when the client has ended publishing, and an error that wraps ErrIdle when
// no message arrived within MessageTimeout or no media within RTMPTimeout.
func (c *Conn) ReadMedia() (Message, error) {
	for {
		m, err := c.nextMessage()
		c.broken = err != nil
		switch {
		case err != nil && c.unpublished:
			return Message{}, ErrDone
		case errors.Is(err, os.ErrDeadlineExceeded):
			return Message{}, fmt.Errorf("%w for %v", ErrIdle, c.cfg.MessageTimeout)
		case err != nil:
			return Message{}, err
		}
		isMedia, err := c.handle(&m)
		if err != nil {
			return Message{}, err
		}
		c.acknowledge()
		err = c.flush()
		switch {
		case err != nil && c.unpublished:
			return Message{}, ErrDone
		case err != nil:
			return Message{}, err
		}
		if isMedia && !c.unpublished {
			return m, nil
		}
	}
}

// nextMessage reads a message. The deadline applies to the whole message, so that slow bytes do not extend it.
func (c *Conn) nextMessage() (Message, error) {
	timeout := c.cfg.MessageTimeout
	if c.unpublished {
		timeout = unpublishTimeout
	}
	if err := c.conn.SetReadDeadline(c.cfg.Now().Add(timeout)); err != nil {
		return Message{}, err
	}
	return c.r.next()
}

// handle reports whether a message of a publisher is media or data. It handles all other messages.
func (c *Conn) handle(m *Message) (isMedia bool, err error) {
	now := c.cfg.Now()
	if now.Sub(c.pingedAt) >= c.cfg.RTMPPing {
		if err := c.ping(now); err != nil {
			return false, err
		}
	}
	switch {
	case m.isMedia():
		c.heardAt = now
		return len(m.Data) > 0, nil
	case now.Sub(c.heardAt) >= c.cfg.RTMPTimeout:
		return false, fmt.Errorf("%w: no media for %v", ErrIdle, c.cfg.RTMPTimeout)
	case m.Type == typeDataAMF3 && len(m.Data) > 0 && m.Data[0] == 0:
		m.Type, m.Data = TypeData, m.Data[1:]
		return len(m.Data) > 0, nil
	case m.Type == TypeData:
		return len(m.Data) > 0, nil
	case m.isCommand():
		return false, c.handleCommand(*m)
	}
	return false, c.handleControl(*m)
}

// handleCommand handles a command of a client that publishes or plays.
func (c *Conn) handleCommand(m Message) error {
	cmd, err := parseCommand(m)
	if err != nil {
		return err
	}
	switch cmd.name {
	case "publish", "play":
		if c.unpublished {
			c.early = &cmd
			return ErrDone
		}
		return fmt.Errorf("%w: %s on a connection in use", ErrProtocol, cmd.name)
	case "connect":
		return fmt.Errorf("%w: %s on a connection in use", ErrProtocol, cmd.name)
	case "FCUnpublish": // deleteStream follows; closing the connection before that would give the client a broken pipe
		c.unpublished = true
		c.sendCommand(0, "onFCUnpublish", 0, nil, amf.Object{"level": levelStatus, "code": UnpublishSuccess, "description": "Stop publishing."})
		c.sendCommand(0, "_result", cmd.id, nil, nil)
		return nil
	}
	return c.prepare(cmd)
}

// Serve handles the messages of a player until the player ends, and calls receive when the player changes what it wants to receive. It
// returns ErrDone when the client has ended playing or plays another stream, and an error that wraps ErrIdle when nothing arrived within
// RTMPTimeout.
func (c *Conn) Serve(receive func(Reception)) error {
	for {
		m, err := c.r.next()
		if err != nil {
			return err
		}
		if m.isCommand() {
			err = c.handlePlayerCommand(m, receive)
		} else {
			err = c.handleControl(m)
		}
		if err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
}

// handlePlayerCommand handles a command of a client that plays.
func (c *Conn) handlePlayerCommand(m Message, receive func(Reception)) error {
	cmd, err := parseCommand(m)
	if err != nil {
		return err
	}
	switch cmd.name {
	case "play":
		c.early = &cmd
		return ErrDone
	case "pause", "pauseRaw":
		c.reception.Paused = cmd.flag(1)
		code, text := UnpauseNotify, "Unpaused."
		if c.reception.Paused {
			code, text = PauseNotify, "Paused."
		}
		c.status(levelStatus, code, text)
	case "receiveAudio":
		c.reception.NoAudio = !cmd.flag(1)
	case "receiveVideo":
		c.reception.NoVideo = !cmd.flag(1)
	default:
		return c.handleCommand(m)
	}
	receive(c.reception)
	return nil
}

// NextRequest sends the client the status that its stream has ended, and returns the next publish or play request. Some
// encoders publish again on the same connection, and some players play again. NextRequest returns an error if no request arrives within HandshakeTimeout, or
// if the connection cannot be used any more.
func (c *Conn) NextRequest() (Request, error) {
	if c.request.Publish {
		c.status(levelStatus, UnpublishSuccess, c.request.path()+" is now unpublished.")
	} else {
		c.status(levelStatus, PlayStop, "Stopped playing "+c.request.path()+".")
	}
	if c.broken {
		c.closeGracefully()
		return Request{}, ErrDone
	}
	c.unpublished, c.reused, c.budget = false, true, maxMessages
	c.playing, c.reception = false, Reception{}
	if err := c.conn.SetDeadline(c.cfg.Now().Add(c.cfg.HandshakeTimeout)); err != nil {
		return Request{}, err
	}
	return c.readRequest()
}

// Finish sends the final status (a publisher has unpublished, or the stream of a player has ended) and closes the
// connection. A concurrent Serve returns within a second.
func (c *Conn) Finish() {
	path := c.request.path()
	if c.request.Publish {
		c.status(levelStatus, UnpublishSuccess, path+" is now unpublished.")
	} else {
		c.userControl(eventStreamEOF, MediaStream)
		c.status(levelStatus, PlayUnpublished, path+" is now unpublished.")
	}
	c.closeGracefully()
}
