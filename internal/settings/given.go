package settings

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// text collects the values of a flag on the command line, as texts.
type text struct{ given []string }

// Decode adds the next word of the command line to the values of the flag.
func (t *text) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("value")
	if err != nil {
		return err
	}
	t.given = append(t.given, fmt.Sprint(token.Value))
	return nil
}

// last returns the last value. For a list, it returns all values, separated by commas.
func (t text) last(list bool) string {
	if list || len(t.given) == 0 {
		return strings.Join(t.given, ",")
	}
	return t.given[len(t.given)-1]
}

// String returns the last value.
func (t text) String() string { return t.last(false) }

// toggle collects the values of a flag that needs no value.
type toggle struct{ text }

// IsBool returns true: the flag needs no value.
func (toggle) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (t *toggle) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		return t.text.Decode(ctx)
	}
	t.given = append(t.given, "true")
	return nil
}
