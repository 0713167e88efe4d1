package serve

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"

	"roomlog/cmd/roomlog/cli"
)

// check returns the faults of settings and environment variables that can be found without opening or creating
// anything. It only reads the files that NAME_FILE variables name.
func (c *config) check(sh cli.Shell) error {
	faults := []error{c.checkPorts(sh.Sources), c.checkTLS(sh.Sources), c.checkRelay(sh.Sources), cli.CheckNATS(sh, &c.nats), c.checkTraces(sh), cli.CheckDatabaseURL(sh.Getenv)}
	secrets := []secretSetting{jwtSecret, signSecret, paymentSecret, auditSecret}
	if c.hooks.HookURL != "" {
		secrets = append(secrets, hookSecret)
	}
	for _, secret := range secrets {
		_, err := secret.set(sh.Getenv)
		faults = append(faults, err)
	}
	if url, _ := cli.Variable(sh.Getenv, cli.DatabaseURL); c.sequencer.RequireSynchronous && url == "" {
		faults = append(faults, fmt.Errorf("%s needs %s: the private PostgreSQL has no standby", sh.Sources.NameOf("require-synchronous"), cli.DatabaseURL))
	}
	return errors.Join(faults...)
}

var otlpFlag = regexp.MustCompile(`--otlp-[a-z]+`)

// checkTraces returns an error if the headers for the collector are not valid, or do not fit its URL.
func (c *config) checkTraces(sh cli.Shell) error {
	headers, err := traceHeaders(sh.Getenv)
	if err != nil {
		return err
	}
	if err := c.traces.CheckHeaders(headers); err != nil {
		return errors.New(otlpFlag.ReplaceAllStringFunc(err.Error(), func(flag string) string { return sh.Sources.NameOf(flag[2:]) }))
	}
	return nil
}

// checkPorts returns an error if two servers of this process are to listen on the same address.
func (c *config) checkPorts(sources *cli.Sources) error {
	var faults []error
	used := c.addresses()
	if c.MediaInternalAddr != "" {
		used = append(used, listenAddress{"media-internal-addr", c.MediaInternalAddr})
	}
	if !slices.Contains(c.Roles, roleMedia) {
		used = slices.DeleteFunc(used, func(a listenAddress) bool {
			return a.flag == "rtmp-addr" || a.flag == "rtmps-addr" || a.flag == "flv-addr" || a.flag == "media-internal-addr"
		})
	}
	for i, one := range used {
		for _, other := range used[:i] {
			if one.overlaps(other) {
				faults = append(faults, fmt.Errorf("%s must differ from %s (got %q and %q)",
					sources.NameOf(one.flag), sources.NameOf(other.flag), one.value, other.value))
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
