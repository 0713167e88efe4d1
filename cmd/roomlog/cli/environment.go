package cli

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// environment contains the variables of the process by name.
type environment map[string]string

// newEnvironment returns the variables in environ, which contains NAME=value. Entries without a name are left out.
func newEnvironment(environ []string) environment {
	e := environment{}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); name != "" {
			e[name] = value
		}
	}
	return e
}

// ofTests are the variables that make and the tests read. A developer may have set them in a shell that also runs the program.
var ofTests = []string{"ROOMLOG_SKIP", "ROOMLOG_PGTEST_DIR", "ROOMLOG_PGTEST_IDLE"}

// serviceLink matches the variables that Kubernetes sets in every container for a service whose name begins with "roomlog".
var serviceLink = regexp.MustCompile(`^ROOMLOG(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// isServiceLink reports whether Kubernetes has set a variable. NAME_PORT is one only with a value like tcp://10.0.0.1:7001.
func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// check returns an error for each variable whose name has the prefix, but is not the name of a setting. An empty variable counts
// as unset. flags are the variables of all flags.
func (e environment) check(flags []string) error {
	known := append(slices.Clone(variables), flags...)
	for _, name := range variables {
		known = append(known, name+fileSuffix)
	}
	for _, flag := range fileFlags {
		known = append(known, FileVariable(flag))
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if e[name] == "" || !strings.HasPrefix(name, prefix) || isServiceLink(name, e[name]) {
			continue
		}
		if !slices.Contains(known, name) && !slices.Contains(ofTests, name) {
			faults = append(faults, fmt.Errorf("%s is not a setting: do you mean %s?", name, nearestVariable(name, known)))
		}
	}
	return errors.Join(faults...)
}

// nearestVariable returns the known name that differs least from name, apart from the prefix.
func nearestVariable(name string, known []string) string {
	withPrefix := map[string]string{}
	for _, one := range known {
		withPrefix[strings.TrimPrefix(one, prefix)] = one
	}
	return withPrefix[Nearest(strings.TrimPrefix(name, prefix), slices.Sorted(maps.Keys(withPrefix)))]
}
