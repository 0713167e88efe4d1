package rtmp

import (
	"fmt"

	"roomlog/media/amf"
)

// command is a command of the client: its name, its transaction id, and its arguments. The first argument is an
// object or null.
type command struct {
	name string
	id   float64
	args []any
}

// parseCommand decodes a command message. If an argument is not valid AMF0, it leaves out this argument and all later ones:
// some clients append arguments in AMF3.
func parseCommand(m Message) (command, error) {
	b := m.Data
	if m.Type == typeCommandAMF3 { // AMF0 values after a zero byte
		if len(b) == 0 || b[0] != 0 {
			return command{}, fmt.Errorf("%w: command in AMF3", ErrProtocol)
		}
		b = b[1:]
	}
	values, err := amf.Decode(b)
	if err != nil && len(values) < 3 {
		return command{}, fmt.Errorf("%w: command: %w", ErrProtocol, err)
	}
	if len(values) < 2 {
		return command{}, fmt.Errorf("%w: command with %d values", ErrProtocol, len(values))
	}
	name, isText := values[0].(string)
	id, isNumber := values[1].(float64)
	if !isText || !isNumber {
		return command{}, fmt.Errorf("%w: command without name or transaction id", ErrProtocol)
	}
	return command{name, id, values[2:]}, nil
}

// flag reports whether argument i is true.
func (c command) flag(i int) bool {
	if i >= len(c.args) {
		return false
	}
	on, _ := c.args[i].(bool)
	return on
}

// text returns argument i if it is a string, otherwise "".
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}
