package docgen

import (
	"bytes"
	"fmt"
	"io/fs"
)

// page holds EVENTS.md and its sources while it is generated.
type page struct {
	bytes.Buffer
	*source
	tree fs.FS
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }
