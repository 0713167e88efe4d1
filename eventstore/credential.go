package eventstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// CredentialID returns the id of the hash of a password, which contains a random salt. The id is a UUID of version 8 that
// follows from the hash, so that a verification notices when the hash is exchanged. It does not lead to the password: after
// the hash is deleted, nobody knows the salt.
func CredentialID(hash string) uuid.UUID {
	sum := sha256.Sum256([]byte(hash))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id
}

// InsertCredential stores the hash of a password under its CredentialID. A user.registered event names the id, so that the
// hash itself is never in the log.
func (s *Store) InsertCredential(ctx context.Context, id uuid.UUID, hash string) error {
	if _, err := s.pool.Exec(ctx, insertCredential, id, hash, s.Now()); err != nil {
		return fmt.Errorf("insert a credential: %w", err)
	}
	return nil
}

// Credential returns the hash under id, or "" if there is none.
func (s *Store) Credential(ctx context.Context, id uuid.UUID) (string, error) {
	var hash string
	err := s.pool.QueryRow(ctx, selectCredential, id).Scan(&hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read a credential: %w", err)
	}
	return hash, nil
}

// DeleteCredential deletes the hash under id, if there is one.
func (s *Store) DeleteCredential(ctx context.Context, id uuid.UUID) error {
	if _, err := s.pool.Exec(ctx, deleteCredentials, []uuid.UUID{id}); err != nil {
		return fmt.Errorf("delete a credential: %w", err)
	}
	return nil
}

// DeleteCredentials deletes hashes in the transaction tx and returns the number of deleted hashes.
func DeleteCredentials(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (int64, error) {
	tag, err := tx.Exec(ctx, deleteCredentials, ids)
	if err != nil {
		return 0, fmt.Errorf("delete %d credentials: %w", len(ids), err)
	}
	return tag.RowsAffected(), nil
}
