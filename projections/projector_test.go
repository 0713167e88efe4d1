package projections_test

import (
	"testing"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCrowd(w, 10, 3)
	w.project()
	c.act(8, 2000)
	w.caughtUp()
	t.Log(len(w.dump("read")))
}
