package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// secretURLs are values with a secret: URLs, and texts that nobody can parse as one.
var secretURLs = []string{
	"https://anna:hunter2secret@live.example",
	"https://hunter2secret@live.example/x",
	"https://live.example/x?token=hunter2secret",
	"wss://anna:hunter2secret@live.example:port/\"x\"",
	"https://anna:1234/hunter2secret@live.example",
	"https://anna:pass hunter2secret@live.example",
	"tls://anna:pass,hunter2secret@nats.example",
	"tls://anna:hunter2secret,5@nats.example",
	"//anna:hunter2secret@",
	"anna:hunter2secret@live.example",
	"https:anna:hunter2secret@live.example",
	"%://a@nna:hunter2secret@live.example",
}

// expectNoSecret fails the test if a text contains a secret of secretURLs, also as a part or in other quotes.
func expectNoSecret(t *testing.T, text, about string) {
	t.Helper()
	if strings.Contains(text, "hunter2secret") {
		t.Errorf("%s: the output contains a secret:\n%s", about, text)
	}
}

// textSettings returns the settings of serve whose values are texts or lists of texts.
func textSettings() (found []settings.Setting) {
	for _, s := range allSettings() {
		switch s.Value().(type) {
		case string, []string:
			found = append(found, s.Setting)
		}
	}
	return found
}

// TestNoOutputContainsTheSecretOfAURL gives every setting whose value is a text a URL with a password: as a flag, as a
// variable, and in the configuration file.
func TestNoOutputContainsTheSecretOfAURL(t *testing.T) {
	t.Parallel()
	all := textSettings()
	if len(all) < 30 {
		t.Fatalf("only %d settings were found", len(all))
	}
	for i, value := range secretURLs {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env, lines, args := map[string]string{"ROOMLOG_DATA": dir}, "", []string{"serve", "--data", dir}
			shown := 0
			for _, s := range all {
				if s.Name() == "data" {
					continue
				}
				env[s.Env()], lines, args = value, lines+s.Name()+" = "+strconv.Quote(value)+"\n", append(args, "--"+s.Name(), value)
				if i >= 3 { // all others are refused by every setting of a URL
					continue
				}
				got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir}, "config", "check", "--"+s.Name()+"="+value)
				expectNoSecret(t, got.stdout+got.stderr, "config check --"+s.Name())
				if got.code == exitOK {
					shown++
				}
			}
			if i < 3 && shown == 0 {
				t.Error("no setting was accepted, so none was shown")
			}
			file := filepath.Join(dir, "roomlog.toml")
			if !strings.Contains(value, ",") { // a list in the file has no commas
				if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
					t.Fatal(err)
				}
				got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir}, "serve", "--config", file)
				if got.code != exitUsage || !strings.Contains(got.stderr, " in "+file) {
					t.Errorf("code %d:\n%s", got.code, got.stderr)
				}
				expectNoSecret(t, got.stdout+got.stderr, "the file")
			}
			for _, format := range []string{"text", "json"} {
				env["ROOMLOG_LOG_FORMAT"] = format
				got := runIn(t.Context(), env, "serve")
				if got.code != exitUsage {
					t.Errorf("code %d:\n%s", got.code, got.stderr)
				}
				expectNoSecret(t, got.stdout+got.stderr, "the environment")
			}
			got := runIn(t.Context(), nil, args...)
			expectNoSecret(t, got.stdout+got.stderr, "the flags")
			for _, command := range [][]string{
				{"witness", value, "--key", "x"},
				{"witness", "https://127.0.0.1:1", "--once", "--key", "live.example/1+0b1d5f2c+AQ", "--anchor", value},
				{"talk", "--url", value, "--token", "x"},
				{"replay", "--live", "1", "--socket", value},
				{"serve", "--hok-url", value},
				{"serve", value},
			} {
				got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir}, command...)
				expectNoSecret(t, got.stdout+got.stderr, strings.Join(command[:1], " "))
			}
		})
	}
}

// TestNoLogContainsTheSecretOfAURL writes values of settings into logs, alone and in errors of libraries.
func TestNoLogContainsTheSecretOfAURL(t *testing.T) {
	t.Parallel()
	for _, value := range secretURLs {
		var out bytes.Buffer
		hidden := cli.NewRedactor(&out)
		hidden.Hide("--hook-url="+value, "ROOMLOG_DATA=/var/lib/roomlog")
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(hidden, nil)), slog.New(slog.NewJSONHandler(hidden, nil))} {
			log.Info("connected", slog.String("url", value))
			log.Warn("failed", slog.String("error", "Post "+strconv.Quote(value)+": connection refused"))
			log.Info("stays", slog.String("data_dir", "/var/lib/roomlog"))
		}
		expectNoSecret(t, out.String(), value)
		if strings.Count(out.String(), "/var/lib/roomlog") != 2 || strings.Count(out.String(), "connection refused") != 2 {
			t.Errorf("%s: got\n%s", value, out.String())
		}
	}
}

// TestNoOutputContainsTheSecretOfAFile checks that the secret of a URL in a file is hidden, whether the environment or the configuration
// file names the file, and that each text is written at once.
func TestNoOutputContainsTheSecretOfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "url"), filepath.Join(dir, "roomlog.toml")
	const value = "postgres://anna:hunter2secret@127.0.0.1:5/roomlog"
	standby := filepath.Join(dir, "standby.toml")
	for path, content := range map[string]string{secret: value + "\n", file: "database-url-file = " + strconv.Quote(secret) + "\n",
		standby: "read-url-file = " + strconv.Quote(secret) + "\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, environ := range [][]string{{"DATABASE_URL_FILE=" + secret}, {"ROOMLOG_CONFIG=" + file},
		{"ROOMLOG_READ_URL_FILE=" + secret, "DATABASE_URL=host=db"}, {"ROOMLOG_CONFIG=" + standby, "DATABASE_URL=host=db"}} {
		var out writes
		i := newInvocation(cli.Shell{Stdout: &out, Stderr: &out, Environ: environ})
		if exited, err := i.parse([]string{"verify"}); exited || err != nil {
			t.Fatalf("%v: %v", environ, err)
		}
		if _, err := i.sh.Stderr.Write([]byte("cannot reach " + value + " or " + value + "\n")); err != nil {
			t.Fatal(err)
		}
		if want := "cannot reach postgres://xxxxx@127.0.0.1:5/roomlog or postgres://xxxxx@127.0.0.1:5/roomlog\n"; len(out) != 1 || out[0] != want {
			t.Errorf("%v: got %q, want %q", environ, out, want)
		}
	}
}

// writes contains the text of each write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}
