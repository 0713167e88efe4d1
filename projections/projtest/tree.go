package projtest

import (
	"fmt"
	"strings"

	"roomlog/eventstore/transparency/tree"
)

// TreeSecret is the secret of the keys with which GrowTree signs.
var TreeSecret = strings.Repeat("tree", 10)

// GrowTree runs a follower of the transparency log until a signed checkpoint covers the head of the log.
func (w *World) GrowTree() {
	w.Helper()
	follower, err := tree.NewFollower(tree.Config{Store: w.Store, Secrets: []string{TreeSecret}})
	if err != nil {
		w.Fatal(err)
	}
	stop := w.Start(follower.Run)
	defer stop()
	head := w.Head()
	w.Eventually(func() error {
		s, err := tree.ReadState(w.Context(), w.Pool)
		if err == nil && s.SignedSize < head {
			err = fmt.Errorf("the transparency log is signed up to %d of %d: %w", s.SignedSize, head, follower.Status().Err)
		}
		return err
	})
}
