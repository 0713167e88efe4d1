package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// locate returns the installation with major version want, the version of existing data. If want is 0, it returns the
// newest installation. If there is no such installation, locate fetches one.
func locate(ctx context.Context, c Config, f folder, as *account, want int) (installation, error) {
	found := installations(ctx, c, f, as)
	for _, in := range found {
		if want == 0 || in.major == want {
			return in, nil
		}
	}
	if c.BinDir != "" && len(found) == 0 {
		return installation{}, fmt.Errorf("%w: %s has no initdb and postgres of version %d or newer that user %s can run", ErrNotInstalled, c.BinDir, minMajor, as.name)
	}
	if c.BinDir == "" && (want == 0 || want == fetchedMajor) {
		in, err := fetch(ctx, c, f)
		if err != nil {
			return in, errors.Join(fmt.Errorf("%w: %s", ErrNotInstalled, hint(cmp.Or(want, fetchedMajor))), err)
		}
		return in, nil
	}
	return installation{}, fmt.Errorf("%w: %s was made by PostgreSQL %d, installed is %s; nothing was changed: %s",
		ErrVersionMismatch, f.data(), want, majors(found), hint(want))
}

// installations returns the usable installations, newest first.
func installations(ctx context.Context, c Config, f folder, as *account) []installation {
	var found []installation
	for _, dir := range candidates(ctx, c, f) {
		if slices.ContainsFunc(found, func(in installation) bool { return in.bin == dir }) {
			continue
		}
		if !exists(filepath.Join(dir, "initdb")) || as.other() && as.shutOut(dir) != "" {
			continue
		}
		major, released := version(ctx, filepath.Join(dir, "postgres"))
		if major >= minMajor && (released || c.BinDir != "") {
			found = append(found, installation{dir, major})
		}
	}
	slices.SortStableFunc(found, func(a, b installation) int { return b.major - a.major })
	return found
}

// candidates returns the folders that may contain an installation.
func candidates(ctx context.Context, c Config, f folder) []string {
	if c.BinDir != "" {
		return []string{c.BinDir}
	}
	var dirs []string
	for _, name := range []string{"initdb", "postgres"} {
		if path := lookPath(c, name); path != "" {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	if tool := lookPath(c, "pg_config"); tool != "" {
		if out, err := exec.CommandContext(ctx, tool, "--bindir").Output(); err == nil {
			dirs = append(dirs, strings.TrimSpace(string(out)))
		}
	}
	for _, pattern := range append(slices.Clone(c.SearchPaths), filepath.Join(fetchedDir(f), "bin")) {
		match, _ := filepath.Glob(pattern)
		dirs = append(dirs, match...)
	}
	return dirs
}

// majors lists the major versions of installations for an error message.
func majors(found []installation) string {
	if len(found) == 0 {
		return "none"
	}
	var s []string
	for _, in := range found {
		s = append(s, strconv.Itoa(in.major))
	}
	return strings.Join(s, ", ")
}

// hint returns a sentence that says how to install PostgreSQL on this system.
func hint(major int) string {
	var how string
	switch {
	case runtime.GOOS == "darwin":
		how = fmt.Sprintf("brew install postgresql@%d", major)
	case exists("/etc/alpine-release"):
		how = fmt.Sprintf("apk add postgresql%d", major)
	case exists("/etc/redhat-release"):
		how = "dnf install postgresql-server"
	case major == fetchedMajor:
		how = "apt-get install postgresql"
	default:
		how = fmt.Sprintf("apt-get install postgresql-%d", major)
	}
	return "install it (" + how + "), or let PG_BINDIR name its bin folder, or let DATABASE_URL name a running server"
}
