package tree

import "context"

// Step extends the tree by at most one batch.
func (f *Follower) Step(ctx context.Context) (more bool, err error) { return f.step(ctx) }
