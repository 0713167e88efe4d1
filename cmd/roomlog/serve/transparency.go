package serve

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"roomlog/eventstore"
	"roomlog/eventstore/fingerprint"
	"roomlog/eventstore/transparency/tree"
)

// newTreeFollower returns the follower that extends and signs the transparency log.
func newTreeFollower(ctx context.Context, store *eventstore.Store, c *config, env *environment) (*tree.Follower, error) {
	secrets, err := checkAuditSecret(ctx, store, c, env)
	if err != nil {
		return nil, err
	}
	witnesses, err := c.WitnessSettings.Open()
	if err != nil {
		return nil, err
	}
	return tree.NewFollower(tree.Config{Store: store, Secrets: secrets, Memory: openTreeMemory(env), Witnesses: witnesses, Log: env.log})
}

// checkAuditSecret returns the secrets with which this server signs checkpoints. If the secret differs from the secret of the
// other servers with the same log, the server still serves its clients, but it does not sign: readers of checkpoints do not
// have its key.
func checkAuditSecret(ctx context.Context, store *eventstore.Store, c *config, env *environment) ([]string, error) {
	if env.secrets.audit == nil {
		return nil, nil
	}
	replaced, err := fingerprint.Check(ctx, store.Pool(), fingerprint.Config{
		Log: store.ID(), Replace: c.ReplaceSecrets, Secrets: []fingerprint.Secret{{Name: auditSecret.file, NewestFirst: env.secrets.audit}}})
	var mismatch *fingerprint.MismatchError
	if errors.As(err, &mismatch) {
		env.log.WarnContext(ctx, "transparency log is not signed by this server, because the other servers have another secret, set ROOMLOG_AUDIT_SECRET to theirs", slog.String("secret", auditSecret.file))
		return nil, nil
	}
	for _, name := range replaced {
		env.log.WarnContext(ctx, "a secret was replaced, all servers on this database need the new one", slog.String("secret", name))
	}
	return env.secrets.audit, err
}

// openTreeMemory opens the file in which this process stores the newest checkpoint. Without a data folder, the process keeps
// the checkpoint in memory only.
func openTreeMemory(env *environment) *tree.Memory {
	if env.folderless {
		return nil
	}
	memory, err := tree.OpenMemory(filepath.Join(env.dataDir, tree.MemoryFile))
	if err != nil {
		env.log.Error("the remembered checkpoint cannot be read, a restore of the database before this start goes unnoticed", slog.Any("error", err))
		return nil
	}
	return memory
}
