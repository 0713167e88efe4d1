package tree

import (
	"context"
	"fmt"

	"roomlog/eventstore"
)

// errStandby means that the database is a standby, which may be behind.
var errStandby = fmt.Errorf("the database is a standby, which may lack a part of the transparency log: %w", eventstore.ErrUnavailable)

// readPrimary reads the state of the tree for readers outside the cluster. It fails with eventstore.ErrUnavailable if
// the database is a standby, which may be behind: a reader would take the older state for a lost history.
func readPrimary(ctx context.Context, db Querier) (State, error) {
	s, err := ReadState(ctx, db)
	if err == nil && s.standby {
		err = errStandby
	}
	return s, err
}
