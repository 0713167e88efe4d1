package api

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

var (
	//go:embed sql/insert_credential.sql
	insertCredential string
	//go:embed sql/select_credential.sql
	selectCredential string
	//go:embed sql/delete_credential.sql
	deleteCredential string
)

func (s *server) saveCredential(ctx context.Context, id uuid.UUID, hash string) error {
	if _, err := s.Pool.Exec(ctx, insertCredential, id, hash, s.Now()); err != nil {
		return fmt.Errorf("keep a password's hash: %w", err)
	}
	return nil
}

// credential answers the hash under id, "" if there is none.
func (s *server) credential(ctx context.Context, id uuid.UUID) (string, error) {
	var hash string
	err := s.Pool.QueryRow(ctx, selectCredential, id).Scan(&hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look up a password's hash: %w", err)
	}
	return hash, nil
}

// dropCredential deletes a hash whose registration was refused. After any other error the
// account may exist: then the hash stays, and is swept one day if it does not.
func (s *server) dropCredential(ctx context.Context, id uuid.UUID, cause error) {
	if domain.AsRefusal(cause) == nil {
		return
	}
	if _, err := s.Pool.Exec(ctx, deleteCredential, id); err != nil {
		s.log.WarnContext(ctx, "an unused password hash stays until it is swept", slog.Any("err", err))
	}
}
