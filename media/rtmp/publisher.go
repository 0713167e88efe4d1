package rtmp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"roomlog/media/amf"
)

// flashVersion is what encoders send: some servers refuse clients that name another program.
const flashVersion = "FMLE/3.0 (compatible; roomlog)"

// The transaction ids of the commands of a Publisher.
const (
	connectID      = 1
	releaseID      = 2
	fcPublishID    = 3
	createStreamID = 4
	publishID      = 5
)

// RefusedError is returned when a server refuses to let a Publisher publish.
type RefusedError struct{ Code string } // status code; "" if the server has sent none

// Error returns the status code with what it means.
func (e *RefusedError) Error() string {
	if e.Code == "" {
		return "the server has refused the stream"
	}
	return "the server has refused the stream: " + e.Code
}

// Publication describes what a Publisher publishes.
type Publication struct {
	URL    string     // URL of the server with the app, such as rtmp://host/app
	App    string     // app with its query
	Name   string     // stream name with its query
	Fields amf.Object // further fields of the connect command
}

// Publisher publishes a stream to a server. Write may run concurrently with Serve. Only one goroutine at a time may call any other
// method.
type Publisher struct {
	c      *Conn
	name   string
	stream uint32
	codecs []string // FourCCs that the server has announced
	buf    []byte
}

// Publish performs the handshake on conn and begins to publish. The server has HandshakeTimeout for all of it. A
// *RefusedError contains the status code of the server, but not its description, which may repeat the stream name.
func Publish(conn net.Conn, cfg Config, p Publication) (*Publisher, error) {
	c := NewConn(conn, cfg)
	if err := conn.SetDeadline(c.cfg.Now().Add(c.cfg.HandshakeTimeout)); err != nil {
		return nil, err
	}
	if err := handshakeAsClient(c.r.r, conn); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	s := &Publisher{c: c, name: p.Name, stream: MediaStream}
	if err := s.open(p); err != nil {
		return nil, err
	}
	return s, nil
}

// open sends the commands from connect to publish, and waits for their results.
func (s *Publisher) open(p Publication) error {
	c := s.c
	fields := amf.Object{"app": p.App, "type": "nonprivate", "flashVer": flashVersion, "tcUrl": p.URL}
	for name, value := range p.Fields {
		fields[name] = value
	}
	// Some servers refuse a connection that begins with another message than connect.
	c.respond(csCommand, typeCommand, 0, firstChunkSize, amf.Encode("connect", connectID, fields))
	result, err := s.result(connectID)
	if err != nil {
		return err
	}
	for _, value := range result.args {
		if object, ok := value.(amf.Object); ok {
			s.codecs = append(s.codecs, announcedCodecs(object)...)
		}
	}
	c.respond(csControl, typeSetChunkSize, 0, firstChunkSize, binary.BigEndian.AppendUint32(nil, ChunkSize))
	c.sendCommand(0, "releaseStream", releaseID, nil, p.Name)
	c.sendCommand(0, "FCPublish", fcPublishID, nil, p.Name)
	c.sendCommand(0, "createStream", createStreamID, nil)
	if result, err = s.result(createStreamID); err != nil {
		return err
	}
	if len(result.args) > 1 {
		if id, ok := result.args[1].(float64); ok && id >= 0 && id < 1<<32 {
			s.stream = uint32(id)
		}
	}
	c.sendCommand(s.stream, "publish", publishID, nil, p.Name, "live")
	for {
		cmd, err := s.next()
		switch {
		case err != nil:
			return err
		case cmd.name == "onStatus":
			return s.checkStatus(cmd)
		case cmd.name == "_error" && cmd.id == publishID:
			return s.refusal(cmd)
		}
	}
}

// result returns the result of the command with this transaction id.
func (s *Publisher) result(id float64) (command, error) {
	for {
		cmd, err := s.next()
		switch {
		case err != nil:
			return command{}, err
		case cmd.name == "_error" && cmd.id == id:
			return command{}, s.refusal(cmd)
		case cmd.name == "_result" && cmd.id == id:
			return cmd, nil
		case cmd.name == "onStatus":
			if err := s.checkStatus(cmd); err != nil {
				return command{}, err
			}
		}
	}
}

// next sends what is queued and returns the next command of the server. It leaves out commands without a transaction id, which
// some servers send.
func (s *Publisher) next() (command, error) {
	for range maxMessages {
		if err := s.c.flush(); err != nil {
			return command{}, err
		}
		m, err := s.c.r.next()
		if err != nil {
			return command{}, err
		}
		if !m.isCommand() {
			if err := s.c.handleControl(m); err != nil {
				return command{}, err
			}
		} else if cmd, err := parseCommand(m); err == nil {
			return cmd, nil
		}
	}
	return command{}, fmt.Errorf("%w: %d messages before the result of a command", ErrLimit, maxMessages)
}

// checkStatus returns an error if an onStatus command reports one.
func (s *Publisher) checkStatus(cmd command) error {
	for _, value := range cmd.args {
		if object, ok := value.(amf.Object); ok && object["level"] == levelError {
			return s.refusal(cmd)
		}
	}
	return nil
}

// refusal returns the error for a command with which the server refuses.
func (s *Publisher) refusal(cmd command) error {
	for _, value := range cmd.args {
		object, _ := value.(amf.Object)
		code, _ := object["code"].(string)
		if isStatusCode(code) && !strings.Contains(code, s.name) {
			return &RefusedError{code}
		}
	}
	return &RefusedError{}
}

// isStatusCode reports whether s has the form of a status code such as NetStream.Publish.BadName.
func isStatusCode(s string) bool {
	const maxCode = 64
	return s != "" && len(s) <= maxCode && strings.HasPrefix(s, "Net") && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '.' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// announcedCodecs returns the FourCCs of enhanced RTMP that an object of a connect result announces.
func announcedCodecs(object amf.Object) (codecs []string) {
	if list, ok := object["fourCcList"].(amf.Array); ok {
		for _, value := range list {
			if code, ok := value.(string); ok {
				codecs = append(codecs, code)
			}
		}
	}
	for _, name := range []string{"videoFourCcInfoMap", "audioFourCcInfoMap"} {
		if infos, ok := object[name].(amf.Object); ok {
			for code := range infos {
				codecs = append(codecs, code)
			}
		}
	}
	return codecs
}

// Takes reports whether the server has announced that it takes payloads of enhanced RTMP with this FourCC.
func (s *Publisher) Takes(fourCC string) bool {
	return slices.Contains(s.codecs, fourCC) || slices.Contains(s.codecs, "*")
}

// Write sends messages and returns how many bytes the server has accepted. The server must accept them within MediaTimeout. After
// an error, the connection must be closed.
func (s *Publisher) Write(messages []Message) (int, error) {
	s.buf = s.buf[:0]
	for _, m := range messages {
		cs := byte(csData)
		switch m.Type {
		case TypeAudio:
			cs = csAudio
		case TypeVideo:
			cs = csVideo
		}
		s.buf = appendMessage(s.buf, cs, m.Type, s.stream, m.Time, ChunkSize, m.Data)
	}
	s.c.writing.Lock()
	defer s.c.writing.Unlock()
	if err := s.c.conn.SetWriteDeadline(s.c.cfg.Now().Add(s.c.cfg.MediaTimeout)); err != nil {
		return 0, err
	}
	return s.c.conn.Write(s.buf)
}

// Serve handles the messages of the server until the connection ends, and returns why it ended. It never returns nil. A server that
// sends far more than a server has to say costs too much; the error wraps ErrLimit.
func (s *Publisher) Serve() error {
	c := s.c
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil { // a server need not send anything
		return err
	}
	c.quota = &quota{}
	for {
		m, err := c.r.next()
		if err == nil {
			err = c.quota.spend(c.cfg.Now(), quotaMessage)
		}
		switch {
		case err != nil:
			return err
		case m.isCommand():
			err = s.handleCommand(m)
		default:
			err = c.handleControl(m)
		}
		if err != nil {
			return err
		}
		c.acknowledge()
		if err := c.flush(); err != nil {
			return err
		}
	}
}

// handleCommand returns an error if a command of the server ends the publication.
func (s *Publisher) handleCommand(m Message) error {
	cmd, err := parseCommand(m)
	switch {
	case err != nil:
		return nil //nolint:nilerr // a command that says nothing
	case cmd.name == "onStatus":
		return s.checkStatus(cmd)
	case cmd.name == "close":
		return io.EOF
	}
	return nil
}

// Finish ends the publication and closes the connection. The server has ControlTimeout to accept the end.
func (s *Publisher) Finish() {
	s.c.sendCommand(0, "FCUnpublish", 0, nil, s.name)
	s.c.sendCommand(0, "deleteStream", 0, nil, s.stream)
	_ = s.c.flush()
	_ = s.c.Close()
}
