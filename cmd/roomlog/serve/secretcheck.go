package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"roomlog/eventstore"
	"roomlog/eventstore/fingerprint"
)

// sharedSecret is a secret that all servers with one log must have.
type sharedSecret struct {
	secretSetting
	newestFirst []string
}

// sharedSecrets returns the secrets that the roles of this process use.
func sharedSecrets(roles []string, s secrets) []sharedSecret {
	shared := []sharedSecret{{jwtSecret, s.jwt}} // every role uses it, because the checksums of snapshots depend on it
	if slices.Contains(roles, roleAPI) || slices.Contains(roles, roleMedia) {
		shared = append(shared, sharedSecret{signSecret, s.sign})
	}
	if slices.Contains(roles, roleAPI) {
		shared = append(shared, sharedSecret{paymentSecret, s.payment})
	}
	return shared
}

// checkSecrets returns an error with each secret that differs from that of the other servers with the same log.
func checkSecrets(ctx context.Context, store *eventstore.Store, c *config, env *environment) error {
	shared := sharedSecrets(c.Roles, env.secrets)
	check := fingerprint.Config{Log: store.ID(), Replace: c.ReplaceSecrets, MemoryKiB: env.sh.FingerprintKiB}
	for _, s := range shared {
		check.Secrets = append(check.Secrets, fingerprint.Secret{Name: s.file, NewestFirst: s.newestFirst})
	}
	replaced, err := fingerprint.Check(ctx, store.Pool(), check)
	for _, name := range replaced {
		env.log.WarnContext(ctx, "a secret was replaced, all servers on this database need the new one", slog.String("secret", name))
	}
	var mismatch *fingerprint.MismatchError
	if !errors.As(err, &mismatch) {
		return err
	}
	var faults []error
	for _, s := range shared {
		if slices.Contains(mismatch.Names, s.file) {
			faults = append(faults, fmt.Errorf("%s is not the secret of the other servers on this database: set %s or %s_FILE to theirs "+
				"(a generated one is in secrets/%s of their data folder); to replace it, set OLD NEW (both, separated by a space) "+
				"on all servers and restart one after another, then do the same with NEW OLD, then with NEW; if the old one is lost, start once with --replace-secrets", s.variable, s.variable, s.variable, s.file))
		}
	}
	return errors.Join(faults...)
}
