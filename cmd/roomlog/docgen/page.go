package docgen

import (
	"bytes"
	"fmt"
	"io/fs"
)

// page is EVENTS.md while it is being written.
type page struct {
	bytes.Buffer
	*source
	tree fs.FS
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }
