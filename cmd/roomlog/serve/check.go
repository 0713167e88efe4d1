package serve

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// check returns the faults of the settings and the environment variables, as far as these show them. It opens and
// creates nothing, but reads the files to which NAME_FILE variables refer.
func (c *config) check(g *cli.Globals, getenv func(string) string) error {
	faults := []error{c.checkPorts(), checkDatabaseURL(getenv)}
	if g.NPMRegistry != "" && !settings.IsHTTPURL(g.NPMRegistry) {
		faults = append(faults, fmt.Errorf("--npm-registry must be a URL like https://registry.npmjs.org (got %q)", g.NPMRegistry))
	}
	secrets := []secretSetting{jwtSecret, signSecret, paymentSecret}
	if c.hooks.HookURL != "" {
		secrets = append(secrets, hookSecret)
	}
	for _, secret := range secrets {
		_, err := secret.set(getenv)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// checkPorts returns an error if two servers of this process have the same listen address.
func (c *config) checkPorts() error {
	var faults []error
	used := c.addresses()
	if !slices.Contains(c.Roles, roleMedia) {
		used = slices.DeleteFunc(used, func(a listenAddress) bool { return a.flag == "rtmp-addr" || a.flag == "flv-addr" })
	}
	for i, one := range used {
		for _, other := range used[:i] {
			if one.overlaps(other) {
				faults = append(faults, fmt.Errorf("--%s must differ from --%s (got %q and %q)", one.flag, other.flag, one.value, other.value))
			}
		}
	}
	return errors.Join(faults...)
}

// overlaps reports whether two addresses have the same port, and the same host or a host that stands for all.
func (a listenAddress) overlaps(b listenAddress) bool {
	hostA, portA, errA := net.SplitHostPort(a.value)
	hostB, portB, errB := net.SplitHostPort(b.value)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	all := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	return hostA == hostB || all(hostA) || all(hostB)
}

// checkDatabaseURL returns an error if DATABASE_URL is set but is not a connection string. The error contains no
// password.
func checkDatabaseURL(getenv func(string) string) error {
	dsn, err := cli.Variable(getenv, "DATABASE_URL")
	if err != nil || dsn == "" {
		return err
	}
	if _, err := pgxpool.ParseConfig(dsn); err != nil {
		return fmt.Errorf("DATABASE_URL must be an address like postgres://user:password@host:5432/database: %w", err)
	}
	return nil
}
