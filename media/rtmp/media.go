package rtmp

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const unpublishTime = 2 * time.Second // from FCUnpublish to deleteStream

// ReadMedia returns the next audio, video or data message of a publisher, with at least one byte. It answers
// everything else itself. It returns ErrDone when the client said that it has finished, and an error that
// wraps ErrIdle when no message came in fifteen seconds, or no media in a minute.
func (c *Conn) ReadMedia() (Message, error) {
	for {
		m, err := c.nextMessage()
		switch {
		case err != nil && c.over:
			return Message{}, ErrDone
		case errors.Is(err, os.ErrDeadlineExceeded):
			return Message{}, fmt.Errorf("%w for %v", ErrIdle, c.cfg.MessageTimeout)
		case err != nil:
			return Message{}, err
		}
		wanted, err := c.sort(&m)
		if err != nil {
			return Message{}, err
		}
		c.acknowledge()
		err = c.send()
		switch {
		case err != nil && c.over:
			return Message{}, ErrDone
		case err != nil:
			return Message{}, err
		}
		if wanted && !c.over {
			return m, nil
		}
	}
}

// nextMessage gives the whole message its time, so that a trickle of bytes does not extend it.
func (c *Conn) nextMessage() (Message, error) {
	wait := c.cfg.MessageTimeout
	if c.over {
		wait = unpublishTime
	}
	if err := c.conn.SetReadDeadline(c.cfg.Now().Add(wait)); err != nil {
		return Message{}, err
	}
	return c.r.next()
}

// sort says whether a publisher's message is for the caller, and answers it if not.
func (c *Conn) sort(m *Message) (wanted bool, err error) {
	now := c.cfg.Now()
	if now.Sub(c.pinged) >= c.cfg.RTMPPing {
		if err := c.ping(now); err != nil {
			return false, err
		}
	}
	switch {
	case m.media():
		c.heard = now
		return len(m.Data) > 0, nil
	case now.Sub(c.heard) >= c.cfg.RTMPTimeout:
		return false, fmt.Errorf("%w: no media for %v", ErrIdle, c.cfg.RTMPTimeout)
	case m.Type == typeDataAMF3 && len(m.Data) > 0 && m.Data[0] == 0:
		m.Type, m.Data = TypeData, m.Data[1:]
		return len(m.Data) > 0, nil
	case m.Type == TypeData:
		return len(m.Data) > 0, nil
	case m.command():
		return false, c.obey(*m)
	}
	return false, c.housekeep(*m)
}

// obey answers the commands of those who publish or play already.
func (c *Conn) obey(m Message) error {
	call, err := parseCommand(m)
	if err != nil {
		return err
	}
	switch call.name {
	case "publish", "play", "connect":
		return fmt.Errorf("%w: %s on a connection in use", ErrProtocol, call.name)
	case "FCUnpublish": // deleteStream follows, and whoever closes before it breaks the client's pipe
		c.over = true
		c.call(0, "_result", call.id, nil, nil)
		return nil
	}
	return c.prepare(call)
}

// Serve reads what a player says until it goes away. It returns ErrDone when the player said so, and an
// error that wraps ErrIdle when nothing was heard of it for a minute, in spite of a ping.
func (c *Conn) Serve() error {
	for {
		m, err := c.r.next()
		if err != nil {
			return err
		}
		if m.command() {
			err = c.obey(m)
		} else {
			err = c.housekeep(m)
		}
		if err != nil {
			return err
		}
		if err := c.send(); err != nil {
			return err
		}
	}
}

// Finish tells the client that it is over and closes the connection: a publisher is told that it publishes
// no more, a player that the stream has ended. Of a player Wait then returns, within a second.
func (c *Conn) Finish() {
	path := "/" + c.request.App + "/" + c.request.Name
	if c.request.Publish {
		c.status(levelStatus, UnpublishSuccess, path+" is now unpublished.")
	} else {
		c.control(eventStreamEOF, MediaStream)
		c.status(levelStatus, PlayUnpublished, path+" is now unpublished.")
	}
	c.leave()
}
