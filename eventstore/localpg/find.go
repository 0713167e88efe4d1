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

// oldest is the oldest PostgreSQL that roomlog runs on.
const oldest = 15

// installation is a folder with initdb and postgres.
type installation struct {
	bin   string
	major int
}

// places are where packages put PostgreSQL.
func places() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/pgsql-*/bin",
		"/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/bin", "/opt/local/lib/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	}
}

// locate returns the installation that fits existing data of the wanted major
// version, or the newest if there is no data yet (0). It fetches one if none fits.
func locate(ctx context.Context, c Config, f folder, as *account, want int) (installation, error) {
	found := installations(ctx, c, f, as)
	for _, in := range found {
		if want == 0 || in.major == want {
			return in, nil
		}
	}
	if c.BinDir != "" && len(found) == 0 {
		return installation{}, fmt.Errorf("%w: %s holds no initdb and postgres of version %d or newer that user %s can run", ErrNotInstalled, c.BinDir, oldest, as.name)
	}
	if c.BinDir == "" && (want == 0 || want == fetchedMajor) {
		in, err := fetch(ctx, c, f, as)
		if err != nil {
			return in, errors.Join(fmt.Errorf("%w: %s", ErrNotInstalled, hint(cmp.Or(want, fetchedMajor))), err)
		}
		return in, nil
	}
	return installation{}, fmt.Errorf("%w: %s was made by PostgreSQL %d, found is %s; nothing was changed: %s",
		ErrVersionMismatch, f.data(), want, majors(found), hint(want))
}

// installations lists what is there, newest first.
func installations(ctx context.Context, c Config, f folder, as *account) []installation {
	var found []installation
	for _, dir := range candidates(ctx, c, f) {
		if slices.ContainsFunc(found, func(in installation) bool { return in.bin == dir }) {
			continue
		}
		if !exists(filepath.Join(dir, "initdb")) || as.other() && as.shutOut(dir) != "" {
			continue
		}
		major, released := version(ctx, dir)
		if major >= oldest && (released || c.BinDir != "") {
			found = append(found, installation{dir, major})
		}
	}
	slices.SortStableFunc(found, func(a, b installation) int { return b.major - a.major })
	return found
}

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

// lookPath finds a program in PATH and follows links: next to the real one are the others.
func lookPath(c Config, name string) string {
	for _, dir := range filepath.SplitList(c.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			if real, err := filepath.EvalSymlinks(path); err == nil {
				return real
			}
		}
	}
	return ""
}

// version asks postgres, which says "postgres (PostgreSQL) 15.14 (Debian …)" or "18beta1".
func version(ctx context.Context, dir string) (major int, released bool) {
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Env = childEnv()
	out, err := cmd.Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 3 {
		return 0, false
	}
	number, _, released := strings.Cut(fields[2], ".")
	if i := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		number = number[:i]
	}
	major, err = strconv.Atoi(number)
	if err != nil {
		return 0, false
	}
	return major, released
}

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

// hint says how to get PostgreSQL here.
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
