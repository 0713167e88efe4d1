package eventstore

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// ConnectToBeat connects as a heartbeat does.
func (s *Store) ConnectToBeat(ctx context.Context) (*pgx.Conn, error) { return s.connectToBeat(ctx) }
