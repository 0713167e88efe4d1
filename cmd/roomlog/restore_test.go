package main_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"roomlog/eventstore/pgtest"
)

// TestRestoreOnAnotherMachine restores a backup of a server with a private PostgreSQL, which ran meanwhile, into another data folder.
// A server that starts there has the users, tokens and uploads of the first.
func TestRestoreOnAnotherMachine(t *testing.T) {
	t.Parallel()
	from, to := dataDir(t), dataDir(t)
	at := serve(t, nil, append([]string{"--data", from}, unhurried...)...)
	anna := join(t, at, "anna")
	image, _ := anna.upload(1000)
	dir := filepath.Join(t.TempDir(), "backup")
	at.roomlog("backup", "--with-secrets", dir)
	join(t, at, "late")
	if code := at.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	stopped := filepath.Join(t.TempDir(), "backup")
	at.roomlog("backup", stopped) // starts and stops the private PostgreSQL
	at.roomlog("restore", "--check", stopped)

	restore := &process{t: t, args: []string{"--data", to}}
	if out := restore.roomlog("restore", dir); !strings.Contains(out, "\nrestored: log ") {
		t.Error(out)
	}
	other := serve(t, nil, append([]string{"--data", to}, unhurried...)...)
	anna.at = other
	if coins := anna.coins(); coins != 0 {
		t.Errorf("anna has %d coins", coins)
	}
	if got := other.fetch(image[strings.Index(image, "/uploads/"):]); len(got) != 1000 {
		t.Errorf("the upload has %d bytes", len(got))
	}
	join(t, other, "late") // the name is free, because it was registered after the backup
	if out, code := other.try("restore", dir); code != 1 || !strings.Contains(out, "is not empty") {
		t.Errorf("a restore beside a server: %d, %s", code, out)
	}
}

// TestKilledRestore kills a restore while it reads the backup, and after it has put the files in their place. Nothing starts on what it
// has left, and the next restore succeeds.
func TestKilledRestore(t *testing.T) {
	t.Parallel()
	source := &process{t: t, env: []string{"DATABASE_URL=" + pgtest.New(t).DSN}, args: []string{"--data", t.TempDir()}}
	source.roomlog("gift", "add", "--name", "Rose", "--coin", "3")
	upload := filepath.Join(source.data(), "uploads", strings.Repeat("0", 32)+".gif")
	if err := errors.Join(os.MkdirAll(filepath.Dir(upload), 0o700), os.WriteFile(upload, []byte("GIF89a"), 0o600)); err != nil {
		t.Fatal(err)
	}
	stream := source.roomlog("backup", "-")
	target := &process{t: t, env: []string{"DATABASE_URL=" + pgtest.Blank(t)}, args: []string{"--data", filepath.Join(t.TempDir(), "data")}}
	marker := filepath.Join(target.data(), "restore.json")

	// restoring starts a restore with a part of the stream, kills it when the marker satisfies a condition, and checks what it has left.
	restoring := func(part int, cond func(marker string) bool) {
		t.Helper()
		cmd := exec.Command(program(t), "restore", "-")
		cmd.Env = append(append(environment0(), target.env...), "ROOMLOG_DATA="+target.data())
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(stdin, stream[:part]); err != nil {
			t.Fatal(err)
		}
		if part == len(stream) {
			_ = stdin.Close()
		}
		eventually(t, "the restore has begun", func() bool {
			text, err := os.ReadFile(marker)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			return err == nil && cond(string(text))
		})
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if _, err := os.Stat(marker); errors.Is(err, fs.ErrNotExist) {
			return // the restore has ended before it was killed
		}
		out, code := target.try("serve", "--log-format=text", "--http-addr=127.0.0.1:0", "--data", target.data())
		if code != 1 || !strings.Contains(out, "a restore into the data folder has not ended") {
			t.Errorf("serve after a killed restore: %d, %s", code, out)
		}
	}
	restoring(len(stream)/2, func(string) bool { return true })
	restoring(len(stream), func(text string) bool { return strings.Contains(text, `"id"`) })
	cmd := exec.CommandContext(t.Context(), program(t), "restore", "-")
	cmd.Env = append(append(environment0(), target.env...), "ROOMLOG_DATA="+target.data())
	cmd.Stdin = strings.NewReader(stream)
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "the database is not empty") {
		t.Fatalf("%v: %s", err, out)
	}
	target.roomlog("verify")
	if content, err := os.ReadFile(filepath.Join(target.data(), "uploads", filepath.Base(upload))); string(content) != "GIF89a" {
		t.Errorf("the upload is %q, %v", content, err)
	}
	for _, name := range []string{"restore.json", "restore.new", "restore.lock"} {
		if _, err := os.Stat(filepath.Join(target.data(), name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if out := target.roomlog("gift", "list"); !strings.Contains(out, "Rose") {
		t.Error(out)
	}
}
