package peertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Skipped says whether ROOMLOG_SKIP leaves a tool out.
func Skipped(tool string) bool {
	return slices.Contains(strings.Split(os.Getenv("ROOMLOG_SKIP"), ","), tool)
}

// Node is a command that runs a script of a folder with the npm packages that the folder's package.json and
// package-lock.json name. They are installed in the user's cache, never in the folder. ROOMLOG_SKIP=node
// skips the test.
func Node(t testing.TB, folder, script string, args ...string) *exec.Cmd {
	t.Helper()
	if Skipped("node") {
		t.Skip("node is left out by ROOMLOG_SKIP")
	}
	installed, err := install(folder)
	if err != nil {
		t.Fatalf("%s needs node and npm: %v", folder, err)
	}
	path, err := filepath.Abs(filepath.Join(folder, script))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", append([]string{path}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "NODE_PATH="+filepath.Join(installed, "node_modules"))
	cmd.Stderr = os.Stderr
	return cmd
}

// install has the packages installed in a folder of the user's cache, which is there as a whole or not at all.
func install(folder string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	lists := map[string][]byte{"package.json": nil, "package-lock.json": nil}
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		if lists[name], err = os.ReadFile(filepath.Join(folder, name)); err != nil {
			return "", err
		}
		sum.Write(lists[name])
	}
	dir := filepath.Join(cache, "roomlog-test-npm", hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	for name, text := range lists {
		if err := os.WriteFile(filepath.Join(fresh, name), text, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // nobody else was faster
			return "", err
		}
	}
	return dir, nil
}
