package eventstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// CredentialID returns the id of a password hash. The hash contains a random salt. The id is a UUID of version 8 that
// is derived from the hash, so that a verification notices if the hash is replaced. Nobody can derive the password from
// the id: the salt is lost when the hash is deleted.
func CredentialID(hash string) uuid.UUID {
	sum := sha256.Sum256([]byte(hash))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id
}

// InsertCredential stores a password hash under its CredentialID. The user.registered event contains only the id, so
// the hash itself is never in the log.
func (s *Store) InsertCredential(ctx context.Context, id uuid.UUID, hash string) error {
	if _, err := s.pool.Exec(ctx, insertCredential, id, hash, s.Now()); err != nil {
		return fmt.Errorf("insert a credential: %w", err)
	}
	return nil
}

// Credential returns the password hash with this id, or "" if there is none.
func (s *Store) Credential(ctx context.Context, id uuid.UUID) (string, error) {
	var hash string
	err := s.pool.QueryRow(ctx, selectCredential, id).Scan(&hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read a credential: %w", err)
	}
	return hash, nil
}

// DeleteCredential deletes the password hash with this id, if there is one.
func (s *Store) DeleteCredential(ctx context.Context, id uuid.UUID) error {
	if _, err := s.pool.Exec(ctx, deleteCredentials, []uuid.UUID{id}); err != nil {
		return fmt.Errorf("delete a credential: %w", err)
	}
	return nil
}

// DeleteCredentials deletes password hashes in the transaction tx. It returns the number of deleted hashes.
func DeleteCredentials(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (int64, error) {
	tag, err := tx.Exec(ctx, deleteCredentials, ids)
	if err != nil {
		return 0, fmt.Errorf("delete %d credentials: %w", len(ids), err)
	}
	return tag.RowsAffected(), nil
}
