package peertest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NodeScript returns the command that runs the script in the folder with Node.js. If necessary, it installs the npm
// packages in the folder's package-lock.json.
func NodeScript(t testing.TB, folder, script string, args ...string) *exec.Cmd {
	t.Helper()
	if err := install(folder); err != nil {
		t.Fatalf("%s needs node and npm: %v", folder, err)
	}
	cmd := exec.Command("node", append([]string{filepath.Join(folder, script)}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	return cmd
}

// install installs the npm packages of a folder. It copies package-lock.json last, to mark the installation as
// complete.
func install(folder string) error {
	wanted, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	installed := filepath.Join(folder, "node_modules", ".installed")
	if have, err := os.ReadFile(installed); err == nil && bytes.Equal(have, wanted) {
		return nil
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return os.WriteFile(installed, wanted, 0o644)
}
