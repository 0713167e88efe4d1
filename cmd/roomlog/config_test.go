package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"roomlog/eventstore/pgtest"
)

// writeFile writes a configuration file and returns its path.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "roomlog.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var gaps = regexp.MustCompile(` {2,}`)

// configCheck returns the rows of `roomlog config check` by the name of the setting.
func configCheck(t *testing.T, env map[string]string, args ...string) map[string]string {
	t.Helper()
	got := runIn(t.Context(), env, append([]string{"config", "check"}, args...)...)
	if got.code != exitOK || got.stderr != "" {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	rows := map[string]string{}
	for line := range strings.Lines(got.stdout) {
		name, rest, _ := strings.Cut(gaps.ReplaceAllString(strings.TrimSpace(line), " | "), " | ")
		rows[name] = rest
	}
	return rows
}

func TestConfigCheckPrintsEverySetting(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `
		# Every kind of value.
		comment-rate = 7
		gift-rate = 2.5
		join-rate = "3"
		guest-chat = true
		trusted-proxies = ["10.0.0.0/8", "127.0.0.1"]
		presence-grace = "90s"
		push-window = 0
		drain-timeout = "5m"
		log-level = "debug"
		lock-timeout = "1m"
		postgres-bin = "/usr/lib/postgresql/17/bin"
		database-url = "postgres://anna:geheim@db.example/roomlog?sslpassword=geheim2"
		sign-secret = "geheim-geheim-geheim"
	`)
	env := map[string]string{"ROOMLOG_COMMENT_RATE": "8", "ROOMLOG_GIFT_RATE": "9", "ROOMLOG_JWT_SECRET": "geheim-geheim-geheim-1"}
	rows := configCheck(t, env, "--config", file, "--gift-rate", "10", "--http-addr=:8080")
	for name, want := range map[string]string{
		"SETTING":         "VALUE | TYPE | UNIT | BOUNDS | SOURCE",
		"gift-rate":       "10 | number | gifts/s | 0.001 to 1000000 | flag",
		"comment-rate":    "8 | number | comments/s | 0.001 to 1000000 | environment (ROOMLOG_COMMENT_RATE)",
		"join-rate":       "3 | number | joins/s | 0.001 to 1000000 | file (join-rate in " + file + ")",
		"guest-chat":      "true | true or false | - | - | file (guest-chat in " + file + ")",
		"trusted-proxies": "10.0.0.0/8,127.0.0.1 | list | - | - | file (trusted-proxies in " + file + ")",
		"presence-grace":  "1m30s | duration | - | 1ms to 1h | file (presence-grace in " + file + ")",
		"push-window":     "0 | duration | - | 1ms to 1s | file (push-window in " + file + ")",
		"drain-timeout":   "5m | duration | - | 100ms to 10m | file (drain-timeout in " + file + ")",
		"log-level":       "debug | text | - | auto, debug, info, warn, error | file (log-level in " + file + ")",
		"lock-timeout":    "1m | duration | - | 1s to 24h | file (lock-timeout in " + file + ")",
		"postgres-bin":    "/usr/lib/postgresql/17/bin | text | - | - | file (postgres-bin in " + file + ")",
		"http-addr":       ":8080 | text | - | - | flag",
		"queue-size":      "8192 | whole number | commands | 1 to 1000000 | default",
		"config":          file + " | text | - | - | flag",
		"database-url":    "postgres://anna:xxxxx@db.example/roomlog?sslpassword=xxxxx | text | - | - | file (database-url in " + file + ")",
		"jwt-secret":      "set, 22 bytes | text | - | - | environment (ROOMLOG_JWT_SECRET)",
		"sign-secret":     "set, 20 bytes | text | - | - | file (sign-secret in " + file + ")",
		"payment-secret":  "(generated once) | text | - | - | default",
	} {
		if rows[name] != want {
			t.Errorf("%s: got %q, want %q", name, rows[name], want)
		}
	}
	for _, s := range allSettings() {
		if _, ok := rows[s.Name()]; !ok {
			t.Errorf("%s is missing", s.Name())
		}
	}
	env["ROOMLOG_CONFIG"] = file
	if rows := configCheck(t, env); rows["join-rate"] != "3 | number | joins/s | 0.001 to 1000000 | file (join-rate in "+file+")" || rows["config"] != file+" | text | - | - | environment (ROOMLOG_CONFIG)" {
		t.Errorf("the variable of the file: %q, %q", rows["join-rate"], rows["config"])
	}
}

func TestConfigCheckMasksPasswords(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"host=db user=anna password=geheim dbname=roomlog":        "host=db user=anna password=xxxxx dbname=roomlog",
		`host=db password = 'geheim \' geheim' user=anna`:         "host=db password = xxxxx user=anna",
		"postgres://anna@db/roomlog?password=geheim&sslmode=off2": "", // refused, without the password
	} {
		got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn}, "config", "check")
		if !strings.Contains(got.stdout, want) || strings.Contains(got.stdout+got.stderr, "geheim") {
			t.Errorf("got %s%s, want %s", got.stdout, got.stderr, want)
		}
	}
}

func TestConfigFileFaults(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `
		comment_rate = 7
		gift-rat = 1
		coins-per-unit = -3
		presence-grace = 1979-05-27T07:32:00Z
		roles = ["api", 3]
		config = "/other.toml"
		jwt-secret = "short"
		sign-secret-file = "/nowhere"
		[serve]
		x = 1
	`)
	want := []string{
		"comment_rate in " + file + " is not a setting: do you mean comment-rate?",
		"config in " + file + " is not a setting: do you mean ",
		"gift-rat in " + file + " is not a setting: do you mean gift-rate?",
		"presence-grace in " + file + " must not be a date or time: write a duration in quotation marks, like \"30s\"",
		"roles in " + file + " must be a list of texts without commas",
		"serve in " + file + " is a table: write all settings outside of tables",
		"coins-per-unit in " + file + " must be at least 1 (got -3)",
		"jwt-secret in " + file + ": token secret 1 must have at least 16 bytes (got 5)",
		"sign-secret-file in " + file + ": stat /nowhere: no such file or directory",
	}
	for _, command := range []string{"serve --log-format text", "config check"} {
		got := runIn(t.Context(), map[string]string{"ROOMLOG_CONFIG": file}, strings.Fields(command)...)
		lines := strings.Split(strings.TrimPrefix(got.stderr, "roomlog: "), "\n")
		if got.code != exitUsage || got.stdout != "" || len(lines) != len(want)+2 {
			t.Fatalf("%s: exit code %d, want %d, and %d faults:\n%s", command, got.code, exitUsage, len(want), got.stderr)
		}
		for i, w := range want {
			if !strings.HasPrefix(strings.TrimSpace(lines[i]), w) {
				t.Errorf("%s: fault %d: got %q, want %q", command, i, lines[i], w)
			}
		}
	}
	for name, tt := range map[string]struct{ file, want string }{
		"no file":         {"/nowhere.toml", "--config: open /nowhere.toml: no such file or directory"},
		"a folder":        {t.TempDir(), "is not a regular file"},
		"a key twice":     {writeFile(t, "tick = \"1ms\"\ntick = \"2ms\"\n"), "line 2, column 1 is not TOML"},
		"no TOML":         {writeFile(t, "comment-rate: 7\n"), "line 1, column 13 is not TOML"},
		"an unknown word": {writeFile(t, "guest-chat = on\n"), "line 1, column 14 is not TOML"},
	} {
		if got := runIn(t.Context(), nil, "user", "list", "--config", tt.file); got.code != exitUsage || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: exit code %d, got %q, want %q", name, got.code, got.stderr, tt.want)
		}
	}
}

// TestAddressesWithAPasswordInFiles checks that every address that may contain a password can be in a file of its own, which a variable or
// the configuration file names, that the password is shown nowhere, and that faults name what the user has set.
func TestAddressesWithAPasswordInFiles(t *testing.T) {
	t.Parallel()
	const database = "postgres://anna@db/roomlog"
	for flag, tt := range map[string]struct{ value, shown string }{
		"read-url":     {"postgres://anna:geheim@standby/roomlog", "postgres://anna:xxxxx@standby/roomlog"},
		"hook-url":     {"https://anna:geheim@live.example/hook?token=geheim", "https://xxxxx@live.example/hook?xxxxx"},
		"npm-registry": {"https://anna:geheim@npm.example", "https://xxxxx@npm.example"},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			variable := "ROOMLOG_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
			content, empty := writeFile(t, tt.value+"\n"), writeFile(t, "\n")
			named := func(path string) string { return writeFile(t, flag+"-file = "+strconv.Quote(path)+"\n") }
			twice := writeFile(t, flag+" = "+strconv.Quote(tt.value)+"\n"+flag+"-file = "+strconv.Quote(content)+"\n")
			check := func(want string, code int, env map[string]string, args ...string) {
				t.Helper()
				env["DATABASE_URL"], env["ROOMLOG_DATA"] = database, t.TempDir()
				got := runIn(t.Context(), env, append([]string{"config", "check"}, args...)...)
				spaces := regexp.MustCompile(` {2,}`).ReplaceAllString(got.stdout+got.stderr, " ")
				if got.code != code || !strings.Contains(spaces, want) || strings.Contains(spaces, "geheim") {
					t.Errorf("%v: exit code %d, %s, want %q and no password", env, got.code, spaces, want)
				}
			}
			good, other := named(content), strings.ReplaceAll(tt.value, "anna", "bert")
			check(flag+" "+tt.shown+" text - - environment ("+variable+"_FILE)", exitOK, map[string]string{variable + "_FILE": content})
			check(flag+" "+tt.shown+" text - - file ("+flag+"-file in "+good+")", exitOK, map[string]string{"ROOMLOG_CONFIG": good})
			check(" text - - environment ("+variable+")", exitOK, map[string]string{"ROOMLOG_CONFIG": good, variable: other})
			check(" text - - flag", exitOK, map[string]string{variable + "_FILE": "/nowhere"}, "--"+flag, other)
			check("both "+variable+" and "+variable+"_FILE are set: remove one of them", exitUsage, map[string]string{variable: tt.value, variable + "_FILE": content})
			check("both "+flag+" in "+twice+" and "+flag+"-file in "+twice+" are set", exitUsage, map[string]string{"ROOMLOG_CONFIG": twice})
			check(variable+"_FILE: stat /nowhere", exitUsage, map[string]string{variable + "_FILE": "/nowhere"})
			missing := named(empty)
			check(flag+"-file in "+missing+": "+empty+" is empty", exitUsage, map[string]string{"ROOMLOG_CONFIG": missing})
			if help := runIn(t.Context(), nil, "serve", "--help"); !strings.Contains(strings.Join(strings.Fields(help.stdout), " "), "$"+variable+", $"+variable+"_FILE)") {
				t.Errorf("the help of --%s does not name %s_FILE", flag, variable)
			}
		})
	}
}

func TestSecretsInAReadableConfigFile(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{"https://anna:geheim@live.example/", "https://live.example/hooks/geheim"} { // receivers of hooks often have a secret in the path
		file := writeFile(t, "payment-secret = \"geheim-geheim-geheim\"\nhook-url = \""+hook+"\"\nnpm-registry = \"https://npm.example\"\n")
		for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			got := runIn(t.Context(), nil, "config", "check", "--config", file)
			for key, secret := range map[string]bool{"payment-secret": true, "hook-url": true, "npm-registry": false} {
				warning := key + " in " + file + " can be read by other users, run chmod 600 on the file"
				if got.code != exitOK || strings.Contains(got.stderr, warning) != (want && secret) {
					t.Errorf("%s, mode %o: exit code %d, warned %q of %s, want %v", hook, mode, got.code, got.stderr, key, want && secret)
				}
			}
		}
	}
}

// TestCommandsUseTheConfigFile checks that every command uses the file, and that DATABASE_URL_FILE in the environment
// replaces database-url in the file.
func TestCommandsUseTheConfigFile(t *testing.T) {
	t.Parallel()
	db, other := pgtest.New(t).DSN, writeFile(t, pgtest.New(t).DSN)
	file := writeFile(t, "database-url = \""+db+"\"\ncomment-rate = 7\n")
	if got := runIn(t.Context(), nil, "gift", "add", "--name", "Tulip", "--coin", "3", "--config", file); got.code != exitOK {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	for env, want := range map[string]bool{"": true, "DATABASE_URL_FILE": false} {
		got := runIn(t.Context(), map[string]string{env: other}, "gift", "list", "--config", file)
		if got.code != exitOK || strings.Contains(got.stdout, "Tulip") != want {
			t.Errorf("%s: exit code %d: %s%s", env, got.code, got.stdout, got.stderr)
		}
	}
}

// TestFatalErrorsInTheLog checks that a fatal error is a line of a JSON log, and precedes the lines about its
// consequences.
func TestFatalErrorsInTheLog(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	free := []string{"--http-addr=127.0.0.1:0", "--rtmp-addr=127.0.0.1:0", "--flv-addr=127.0.0.1:0"}
	nowhere := "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"
	for _, tt := range []struct {
		name     string
		args     []string
		code     int
		messages []string
		cause    string
	}{
		{"no database", append([]string{"serve"}, free...), exitFailed, []string{"failed", "stopped"}, "Check that the database runs"},
		{"a port in use", append([]string{"serve", "--http-addr=" + taken.Addr().String()}, free[1:]...), exitFailed, []string{"failed"}, "address already in use"},
		{"wrong settings", []string{"serve", "--coins-per-unit=-3", "--queue-size=many"}, exitUsage, []string{"wrong setting or argument", "wrong setting or argument"}, "--coins-per-unit must be at least 1"},
		{"an unknown flag", []string{"serve", "--loud"}, exitUsage, []string{"wrong setting or argument"}, "unknown flag --loud"},
		{"migrate", []string{"migrate"}, exitFailed, []string{"failed"}, "Check that the database runs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"DATABASE_URL": nowhere, "ROOMLOG_DATA": t.TempDir(), "ROOMLOG_JWT_SECRET": strings.Repeat("j", 16),
				"ROOMLOG_SIGN_SECRET": strings.Repeat("s", 16), "ROOMLOG_PAYMENT_SECRET": strings.Repeat("p", 16), "ROOMLOG_AUDIT_SECRET": strings.Repeat("a", 32)}
			got := runIn(t.Context(), env, tt.args...)
			var messages []string
			lines := bufio.NewScanner(strings.NewReader(got.stderr))
			for lines.Scan() {
				var line struct{ Level, Msg, Error, Cure string }
				if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
					t.Fatalf("%v: %s", err, lines.Text())
				}
				if len(messages) == 0 && (line.Level != "ERROR" || !strings.Contains(line.Error+line.Cure, tt.cause) || line.Cure == "") {
					t.Errorf("the first line is %s", lines.Text())
				}
				messages = append(messages, line.Msg)
			}
			if got.code != tt.code || !slices.Equal(messages, tt.messages) {
				t.Errorf("exit code %d, want %d; messages %q, want %q", got.code, tt.code, messages, tt.messages)
			}
			env["ROOMLOG_LOG_FORMAT"] = "text"
			text := runIn(t.Context(), env, tt.args...)
			if !strings.HasPrefix(text.stderr, "roomlog: ") || strings.Count(text.stderr, "roomlog: ") != 1 {
				t.Errorf("as text: %s", text.stderr)
			}
		})
	}
}

// TestMistypedVariables checks that every command refuses variables that are named like settings, but are none, together with all
// other faults.
func TestMistypedVariables(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"ROOMLOG_COMENT_RATE": "9", "ROOMLOG_DATABASE_URL": "postgres://u:geheim@h/d", "ROOMLOG_JWT_SECRET_FIL": "/run/geheim", "ROOMLOG_HTTP_PORT": "8080",
		"ROOMLOG_LOG_LEVEL": "loud", "ROOMLOG_EMPTY": "",
		// set by Kubernetes for services called roomlog and roomlog-media
		"ROOMLOG_SERVICE_HOST": "10.0.0.1", "ROOMLOG_SERVICE_PORT": "7001", "ROOMLOG_SERVICE_PORT_HTTP": "7001", "ROOMLOG_PORT": "tcp://10.0.0.1:7001",
		"ROOMLOG_PORT_7001_TCP": "tcp://10.0.0.1:7001", "ROOMLOG_PORT_7001_TCP_PROTO": "tcp", "ROOMLOG_PORT_7001_TCP_PORT": "7001",
		"ROOMLOG_PORT_7001_TCP_ADDR": "10.0.0.1", "ROOMLOG_MEDIA_SERVICE_HOST": "10.0.0.2", "ROOMLOG_MEDIA_PORT_443_UDP": "udp://10.0.0.2:443",
		// set by a developer
		"ROOMLOG_SKIP": "ffmpeg",
	}
	want := []string{
		"ROOMLOG_COMENT_RATE is not a setting: do you mean ROOMLOG_COMMENT_RATE?", "ROOMLOG_DATABASE_URL is not a setting: do you mean DATABASE_URL?",
		"ROOMLOG_HTTP_PORT is not a setting: do you mean ROOMLOG_HTTP_", "ROOMLOG_JWT_SECRET_FIL is not a setting: do you mean ROOMLOG_JWT_SECRET_FILE?",
		"ROOMLOG_LOG_LEVEL must be one of ",
	}
	for args, faults := range map[string][]string{"serve --log-format=text": want, "config check": want, "user list": want, "talk --token x": want[:4], "user list --bogus": want[:4]} {
		got := runIn(t.Context(), env, strings.Fields(args)...)
		for _, fault := range faults {
			if strings.Count(got.stderr, fault) != 1 {
				t.Errorf("%s: want one %q in:\n%s", args, fault, got.stderr)
			}
		}
		if got.code != exitUsage || strings.Count(got.stderr, "is not a setting") != 4 || strings.Contains(got.stderr, "geheim") {
			t.Errorf("%s: exit code %d:\n%s", args, got.code, got.stderr)
		}
	}
	for _, s := range allSettings() {
		if got := runIn(t.Context(), map[string]string{s.Env(): "x"}, "version"); got.code != exitOK {
			t.Errorf("%s is refused: %s", s.Env(), got.stderr)
		}
	}
}
