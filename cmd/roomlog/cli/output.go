package cli

import (
	"fmt"
	"io"
	"sync"
)

// Output is the standard output of a command. It remembers the first error, because most commands do not check whether their text was
// written. It is safe for concurrent use.
type Output struct {
	to io.Writer

	mu  sync.Mutex
	err error
}

// NewOutput returns an Output that writes to w.
func NewOutput(w io.Writer) *Output { return &Output{to: w} }

// Write writes to the standard output.
func (o *Output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err //nolint:wrapcheck // a writer adds nothing to errors
}

// Unwrap returns the writer below, for IsTerminal.
func (o *Output) Unwrap() io.Writer { return o.to }

// Err returns an error if something was not written, for example because the disk is full.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("the output is incomplete: %w", o.err)
}
