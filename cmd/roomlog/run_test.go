package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/pgtest"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	nowhere := map[string]string{"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"}
	for _, tt := range []struct {
		name   string
		env    map[string]string
		args   []string
		code   int
		stderr string
	}{
		{"success", nil, []string{"version"}, exitOK, ""},
		{"help", nil, []string{"--help"}, exitOK, ""},
		{"version as a flag", nil, []string{"--version"}, exitOK, ""},
		{"no arguments print the help", nil, nil, exitOK, ""},
		{"help of a command", nil, []string{"gift", "add", "--help"}, exitOK, ""},
		{"an unknown command", nil, []string{"dance"}, exitUsage, "See: roomlog --help"},
		{"an unknown flag", nil, []string{"verify", "--loud"}, exitUsage, "See: roomlog verify --help"},
		{"a missing flag", nil, []string{"gift", "add", "--name", "Rose"}, exitUsage, "missing flags: --coin=N\n  See: roomlog gift add --help"},
		{"a value of the wrong type", nil, []string{"gift", "reprice", "rose", "--coin", "3"}, exitUsage, "See: roomlog gift reprice --help"},
		{"an unknown role", nil, []string{"user", "grant", "1", "--role", "king"}, exitUsage, "--role"},
		{"a setting of the wrong type", map[string]string{"ROOMLOG_QUEUE_SIZE": "many"}, []string{"serve", "--log-format=text"}, exitUsage, "ROOMLOG_QUEUE_SIZE must be a whole number"},
		{"several settings out of bounds", map[string]string{"ROOMLOG_COINS_PER_UNIT": "-3"}, []string{"serve", "--log-format=text", "--time-zone", "Mars", "--tick", "1s",
			"--max-streams", "0"}, exitUsage, "roomlog: ROOMLOG_COINS_PER_UNIT must be at least 1 (got -3)\n         --tick must be at most 100ms (got 1s)\n" +
			"         --max-streams must be at least 1 (got 0)\n         --time-zone must be an IANA name like Asia/Shanghai (got \"Mars\")\n  See: roomlog serve --help\n"},
		{"no pings, which Socket.IO clients need", nil, []string{"serve", "--log-format=text", "--ping-interval", "0"}, exitUsage,
			"--ping-interval must be at least 1s (got 0)"},
		{"a list with a wrong word in a variable", map[string]string{"ROOMLOG_ROLES": "api,king"}, []string{"serve", "--log-format=text"}, exitUsage, "ROOMLOG_ROLES must be one of"},
		{"a list in a variable", map[string]string{"ROOMLOG_ROLES": "api,projector", "ROOMLOG_HTTP_ADDR": "127.0.0.1:0",
			"DATABASE_URL": nowhere["DATABASE_URL"], "ROOMLOG_DATA": t.TempDir(), "ROOMLOG_LOG_FORMAT": "text"}, []string{"serve"}, exitFailed, "Check that the database runs"},
		{"an unwritable data folder", map[string]string{"ROOMLOG_HTTP_ADDR": "127.0.0.1:0", "DATABASE_URL": nowhere["DATABASE_URL"],
			"ROOMLOG_DATA": "/dev/null/data"}, []string{"serve", "--log-format=text"}, exitUsage, `ROOMLOG_DATA must be a folder, or a path where one can be made (got "/dev/null/data")`},
		{"no database", nowhere, []string{"verify"}, exitFailed, "Check that the database runs"},
		{"forgetting without --yes", nil, []string{"user", "forget", "1"}, exitUsage, "--yes"},
		{"erasing a participant without --yes", nil, []string{"participant", "forget", "1"}, exitUsage, "--yes"},
		{"a ban of half a second", nil, []string{"ban", "--user", "1", "--for", "500ms"}, exitUsage, "--for must be a positive number of whole seconds (got 500ms)"},
		{"a price of 0", nil, []string{"gift", "add", "--name", "Rose", "--coin", "0"}, exitUsage, "--coin must be from 1 to 1000000000 (got 0)\n  See: roomlog gift add --help"},
		{"a new price that is too high", nil, []string{"gift", "reprice", "1", "--coin", "1000000001"}, exitUsage, "--coin must be from 1"},
		{"no coins", nil, []string{"coins", "credit", "--user", "1", "--amount", "0", "--order", "a"}, exitUsage, "--amount must be from 1"},
		{"a cursor that is none", nil, []string{"export", "--after", "zzz"}, exitUsage, "--after must be a cursor that an export printed, like 4711.1a2b3c4d (got \"zzz\")"},
		{"setting aside without a reason", nil, []string{"events", "set-aside", "1", "--reason", " "}, exitUsage, "--reason must have 1 to 100 characters (got 0)"},
		{"setting aside with a reason that is too long", nil, []string{"events", "set-aside", "1", "--reason", strings.Repeat("x", 101)}, exitUsage, "--reason must have 1 to 100 characters (got 101)"},
		{"a reason that is too long", nil, []string{"user", "disable", "1", "--reason", strings.Repeat("礼", 101)}, exitUsage, "--reason must have at most 100 characters (got 101)"},
		{"the same with a confirmation", nil, []string{"user", "forget", "1", "--yes", "--reason", strings.Repeat("x", 101)}, exitUsage, "--reason must have"},
		{"a standby of the private PostgreSQL", nil, []string{"serve", "--require-synchronous", "--log-format", "text"}, exitUsage, "--require-synchronous needs DATABASE_URL"},
		{"a bridge without NATS", nil, []string{"bridge"}, exitUsage, "roomlog: --nats-url is required: the address of a NATS server with JetStream"},
		{"a bridge with wrong settings", map[string]string{"ROOMLOG_NATS_URL": "nats://10.0.0.7:4222", "ROOMLOG_NATS_USER": "bridge"},
			[]string{"bridge", "--stream", "a.b", "--replicas", "6", "--max-age=-1s", "--metrics-addr", "here"}, exitUsage,
			"roomlog: ROOMLOG_NATS_URL must begin with tls:// for another host than this one, because the messages contain texts of users (got \"nats://10.0.0.7:4222\")\n" +
				"         ROOMLOG_NATS_USER and ROOMLOG_NATS_PASSWORD need each other\n         --stream must have 1 to 64 letters, digits, - and _ (got \"a.b\")\n" +
				"         --metrics-addr must be an address like 127.0.0.1:9464 (got \"here\")\n         --replicas must be at most 5 (got 6)\n         --max-age must be at least 0s (got -1s)\n  See: roomlog bridge --help\n"},
		{"a bridge to the subjects of the nodes", nil, []string{"bridge", "--nats-url", "nats://127.0.0.1:4222", "--stream", "roomlog"}, exitUsage, "--stream must not be roomlog"},
		{"two places to start an export", nil, []string{"export", "--out", "x", "--after", "0"}, exitUsage, "--out and --after"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runIn(t.Context(), tt.env, tt.args...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d; printed %q, want %q in it", got.code, tt.code, got.stderr, tt.stderr)
			}
			if tt.code == exitOK && got.stdout == "" {
				t.Error("standard output is empty")
			}
			if tt.code != exitOK && (got.stdout != "" || !strings.Contains("\n"+got.stderr, "\nroomlog: ")) {
				t.Errorf("an error is printed to standard error, after the name of the program: %q, %q", got.stdout, got.stderr)
			}
		})
	}
}

// TestOutputOnAFullDisk checks that a command fails whose output cannot be written, whether or not it looks at the error.
func TestOutputOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no /dev/full: %v", err)
	}
	defer full.Close()
	for _, args := range [][]string{{"version"}, {"config", "check"}} {
		var stderr strings.Builder
		code := run(t.Context(), args, cli.Shell{Stdin: strings.NewReader(""), Stdout: full, Stderr: &stderr, Environ: []string{"ROOMLOG_DATA=" + t.TempDir()}, Now: time.Now})
		if code != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%v: exit code %d, printed %q", args, code, stderr.String())
		}
	}
}

// TestServeChecksSettingsFirst checks that all faults of single values are reported together, before a port is opened
// or the data folder is created.
func TestServeChecksSettingsFirst(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("tr0ub4dor\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runIn(t.Context(), map[string]string{
		"ROOMLOG_DATA": data, "DATABASE_URL": "postgres://u:tr0ub4dor@host:port/d",
		"ROOMLOG_JWT_SECRET": "tr0ub4dor", "ROOMLOG_SIGN_SECRET_FILE": short, "ROOMLOG_PAYMENT_SECRET": "a-secret-of-16-b tr0ub4dor", "ROOMLOG_HOOK_SECRET": "tr0ub4dor",
		"ROOMLOG_NPM_REGISTRY": "registry", "ROOMLOG_PPROF_ADDR": ":99999",
	}, "serve", "--log-format", "text", "--http-addr", "7001", "--rtmp-addr", ":8000", "--flv-addr", "127.0.0.1:8000",
		"--trusted-proxies", "10.0.0.0/33", "--metrics-from", "here", "--cors-origins", "https://a.example/,https://b.example", "--allow-origin", "a.example",
		"--public-url", "live.example", "--time-zone", "Mars", "--hook-url", "hooks", "--ping-interval", "2m", "--rtmp-timeout", "10s", "--comment-rate=-1")
	if got.code != exitUsage || got.stdout != "" {
		t.Errorf("exit code %d, want %d; standard output %q", got.code, exitUsage, got.stdout)
	}
	want := []string{
		`ROOMLOG_NPM_REGISTRY must be a URL like https://registry.npmjs.org (got "registry")`,
		"--comment-rate must be at least 0.001 (got -1)",
		`--http-addr must be an address with a port number, like :7001 or 127.0.0.1:7001 (got "7001")`,
		`ROOMLOG_PPROF_ADDR must be an address with a port number, like :7001 or 127.0.0.1:7001 (got ":99999")`,
		`--trusted-proxies: "10.0.0.0/33" is neither a network like 10.0.0.0/8 nor an IP address`,
		`--metrics-from: "here" is neither a network like 10.0.0.0/8 nor an IP address`,
		`--cors-origins must contain origins like https://live.example, without a path (got "https://a.example/")`,
		`--public-url must be a URL like https://live.example (got "live.example")`,
		`--time-zone must be an IANA name like Asia/Shanghai (got "Mars")`,
		"--socket-timeout must be longer than --ping-interval, 2m0s (got 1m0s)",
		`--allow-origin must be * or one origin such as https://live.example, without a path (got "a.example")`,
		"--rtmp-timeout must be longer than --rtmp-ping, 30s (got 10s)",
		`--hook-url must be a URL such as https://hooks.example/media (got "hooks")`,
		`--flv-addr must differ from --rtmp-addr (got "127.0.0.1:8000" and ":8000")`,
		"DATABASE_URL must be an address like postgres://user:password@host:5432/database: ",
		"ROOMLOG_JWT_SECRET: token secret 1 must have at least 16 bytes (got 9)",
		"ROOMLOG_SIGN_SECRET: sign secret 1 must have at least 16 bytes (got 9)",
		"ROOMLOG_PAYMENT_SECRET: payment secret 2 must have at least 16 bytes (got 9)",
		"ROOMLOG_HOOK_SECRET: webhook secret must have at least 16 bytes (got 9)",
	}
	lines := strings.Split(strings.TrimPrefix(got.stderr, "roomlog: "), "\n")
	for i, w := range want {
		if i >= len(lines) || !strings.HasPrefix(strings.TrimSpace(lines[i]), w) {
			t.Fatalf("fault %d: want %q in:\n%s", i, w, got.stderr)
		}
	}
	if len(lines) != len(want)+2 || !strings.Contains(lines[len(want)], "See: roomlog serve --help") {
		t.Errorf("want no more faults, and a reference to the help:\n%s", got.stderr)
	}
	if strings.Contains(got.stderr, "tr0ub4dor") {
		t.Errorf("the error contains a secret:\n%s", got.stderr)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data folder was created: %v", err)
	}
}

func TestServeHelpNamesFlagsVariablesAndDefaults(t *testing.T) {
	t.Parallel()
	help := runIn(t.Context(), map[string]string{"DATABASE_URL": "postgres://u:geheim@h/d", "ROOMLOG_JWT_SECRET": "geheim"}, "serve", "--help").stdout
	for _, want := range []string{"Examples:", "DATABASE_URL", ":7001", "$ROOMLOG_HTTP_ADDR", "$ROOMLOG_DATA", "$ROOMLOG_TRUSTED_PROXIES", "$ROOMLOG_PRESENCE_GRACE", "127.0.0.0/8", "/docs"} {
		if !strings.Contains(help, want) {
			t.Errorf("serve --help does not contain %s", want)
		}
	}
	if strings.Contains(help, "geheim") {
		t.Error("the help contains a secret")
	}
}

func TestAFlagOverridesItsVariable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"the variable is used", map[string]string{"ROOMLOG_LOG_FORMAT": "text"}, nil, "level=INFO"},
		{"the flag overrides it", map[string]string{"ROOMLOG_LOG_FORMAT": "text"}, []string{"--log-format", "json"}, `"level":"INFO"`},
		{"an empty variable counts as unset", map[string]string{"ROOMLOG_LOG_FORMAT": ""}, nil, `"level":"INFO"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"DATABASE_URL": pgtest.Blank(t)}
			for k, v := range tt.env {
				env[k] = v
			}
			if got := runIn(t.Context(), env, append([]string{"migrate"}, tt.args...)...); got.code != exitOK || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("exit code %d, printed %q, want %q in it", got.code, got.stderr, tt.want)
			}
		})
	}
}

// TestRefusedArguments checks the exit codes: a string or number that the rules refuse is a wrong argument, and another
// refusal is a failure.
func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": pgtest.New(t).DSN}
	for _, tt := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"gift", "add", "--name", " ", "--coin", "3"}, exitUsage, "name must not be empty\n  See: roomlog gift add --help"},
		{[]string{"gift", "add", "--name", "Rose", "--coin", "3", "--image", "javascript:x"}, exitUsage, "image must be a URL"},
		{[]string{"gift", "reprice", "77", "--coin", "3"}, exitFailed, "List the gifts: roomlog gift list"},
	} {
		if got := runIn(t.Context(), env, tt.args...); got.code != tt.code || !strings.Contains(got.stderr, tt.stderr) {
			t.Errorf("%q: exit code %d, want %d; printed %q, want %q in it", tt.args, got.code, tt.code, got.stderr, tt.stderr)
		}
	}
	if got := runIn(t.Context(), env, "gift", "add", "--name", "Leaf", "--coin", "1"); got.stdout != "gift 1: Leaf, 1 coin\n" {
		t.Errorf("printed %q", got.stdout)
	}
}

// TestVerifyOfAMissingTable checks that verify prints the faults that it has found, although a missing table prevents it from
// checking the rest.
func TestVerifyOfAMissingTable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	env := map[string]string{"DATABASE_URL": db.DSN}
	if got := runIn(t.Context(), env, "gift", "add", "--name", "Rose", "--coin", "3"); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	if _, err := db.Owner.Exec(t.Context(), "ALTER TABLE read.gift RENAME TO former"); err != nil {
		t.Fatal(err)
	}
	got := runIn(t.Context(), env, "verify", "--quiet")
	if got.code != exitFault || !strings.Contains(got.stdout, "fault: schema: table read.gift is missing") || !strings.Contains(got.stderr, "the rest could not be checked") {
		t.Errorf("exit code %d, want %d\n%s\n%s", got.code, exitFault, got.stdout, got.stderr)
	}
}
