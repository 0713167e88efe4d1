package flv

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped when codec data is malformed.
var ErrMalformed = errors.New("flv: malformed codec data")

// guard turns a panic of a parser into an error. Defer it.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrMalformed, p)
	}
}

const maxUnits = 1 << 14 // maximum number of NAL units or OBUs in a frame; real frames have far fewer
