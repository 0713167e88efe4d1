package rtmp

import (
	"fmt"

	"roomlog/media/amf"
)

// command is a call of the client: a name, the number under which it wants an answer, and arguments,
// the first of which is an object or null.
type command struct {
	name string
	id   float64
	args []any
}

// parseCommand reads a message that is a command.
func parseCommand(m Message) (command, error) {
	b := m.Data
	if m.Type == typeCommandAMF3 { // AMF0 values behind a byte that says so
		if len(b) == 0 || b[0] != 0 {
			return command{}, fmt.Errorf("%w: command in AMF3", ErrProtocol)
		}
		b = b[1:]
	}
	values, err := amf.Decode(b)
	if err != nil {
		return command{}, fmt.Errorf("%w: command: %w", ErrProtocol, err)
	}
	if len(values) < 2 {
		return command{}, fmt.Errorf("%w: command of %d values", ErrProtocol, len(values))
	}
	name, isText := values[0].(string)
	id, isNumber := values[1].(float64)
	if !isText || !isNumber {
		return command{}, fmt.Errorf("%w: command without name or number", ErrProtocol)
	}
	return command{name, id, values[2:]}, nil
}

// text is the i-th argument if it is a string.
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}

func (m Message) command() bool { return m.Type == typeCommand || m.Type == typeCommandAMF3 }
