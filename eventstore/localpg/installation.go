package localpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// minMajor is the oldest major version of PostgreSQL that roomlog can use.
const minMajor = 15

// installation is a folder that contains the programs initdb and postgres.
type installation struct {
	bin   string
	major int
}

// lookPath returns the path of a program in PATH, or "" if there is none. It resolves symbolic links, because the other
// programs are in the folder of the real file.
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

// version returns the major version of a program, and whether it is a release. The program postgres prints
// "postgres (PostgreSQL) 15.14 (Debian …)", or "… 18beta1".
func version(ctx context.Context, program string) (major int, released bool) {
	cmd := exec.CommandContext(ctx, program, "--version")
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

// exists reports whether there is a file or folder at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
