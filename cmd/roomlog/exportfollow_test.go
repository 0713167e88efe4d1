package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"roomlog/cmd/roomlog/export"
	"roomlog/projections/projtest"
)

// TestExportFollows checks that an export with --follow adds new events until it is interrupted, and then ends in order.
func TestExportFollows(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Register("ann")
	dir := filepath.Join(t.TempDir(), "lake")
	command := exec.CommandContext(t.Context(), program(t), "export", dir, "--follow", "--every", "1s")
	command.Env = append(environment0(), "DATABASE_URL="+w.DB.DSN, "ROOMLOG_DATA="+t.TempDir())
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exported := func() error {
		m, err := export.ReadManifest(dir)
		if err != nil {
			return err
		}
		if m == nil || m.Position != w.Head() {
			return fmt.Errorf("the manifest is %+v; the log ends at %d", m, w.Head())
		}
		return nil
	}
	w.Eventually(exported)
	w.Register("bob")
	w.Eventually(exported)
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if want := fmt.Sprintf("up to position %d\n", w.Head()); !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want %q at the end", out.String(), want)
	}
}
