package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ErrNoTool means that no installation contains a program of PostgreSQL that is new enough.
var ErrNoTool = errors.New("a program of PostgreSQL was not found")

// Tool is a program of PostgreSQL, such as pg_dump.
type Tool struct {
	Path  string
	Major int // major version
}

// FindTool returns the program with a name and the lowest major version that is at least atLeast. It searches the folders in which
// Start searches an installation; a folder with client programs alone is enough. It fetches nothing.
func FindTool(ctx context.Context, c Config, name string, atLeast int) (Tool, error) {
	c, err := c.withDefaults()
	if err != nil {
		return Tool{}, err
	}
	dirs := candidates(ctx, c, folder{dir: c.DataDir})
	if path := lookPath(c, name); path != "" && c.BinDir == "" {
		dirs = append(dirs, filepath.Dir(path))
	}
	var found []Tool
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if !exists(path) {
			continue
		}
		if major, released := version(ctx, path); major >= atLeast && (released || c.BinDir != "") {
			found = append(found, Tool{path, major})
		}
	}
	if len(found) == 0 {
		return Tool{}, fmt.Errorf("%w: %s of version %d or newer; install it (apt-get install postgresql-client), or let PG_BINDIR (--postgres-bin) name its folder", ErrNoTool, name, atLeast)
	}
	return slices.MinFunc(found, func(a, b Tool) int { return a.Major - b.Major }), nil
}

// Run runs the program with additional environment variables, and blocks until it ends. When ctx ends, or this process dies, the
// program is killed. The error contains the end of what the program has written to standard error.
func (t Tool) Run(ctx context.Context, stdin io.Reader, stdout io.Writer, env []string, args ...string) error {
	cmd := exec.Command(t.Path, args...)
	cmd.Env = slices.Concat(os.Environ(), env, []string{"LC_ALL=C"})
	var messages bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &messages
	cmd.SysProcAttr, cmd.WaitDelay = childAttr(&account{}), toolTimeout
	ch, err := run(cmd)
	if err != nil {
		return err
	}
	select {
	case <-ch.exited:
	case <-ctx.Done():
		_ = syscall.Kill(-ch.pid, syscall.SIGKILL)
		<-ch.exited
		return fmt.Errorf("%s: %w", filepath.Base(t.Path), context.Cause(ctx))
	}
	if ch.err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(t.Path), ch.err, strings.TrimSpace(string(messages.Bytes()[max(0, messages.Len()-maxLogShown):])))
	}
	return nil
}
