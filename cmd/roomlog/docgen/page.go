package docgen

import (
	"bytes"
	"fmt"
	"io/fs"
)

// page is the page EVENTS.md while it is being generated, with the sources that it is generated from.
type page struct {
	bytes.Buffer
	*source
	tree fs.FS
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }
