package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// nonsense contains a wrong value for each setting whose type alone does not determine its wrong values.
var nonsense = map[string]string{
	"data": "/dev/null/x", "postgres-bin": "/dev/null/x", "read-url": "here", "npm-registry": "ftp://x", "assets": "/dev/null/x", "recordings": "/dev/null/x",
	"http-addr": "7001", "rtmp-addr": ":x", "flv-addr": ":-1", "pprof-addr": "here", "trusted-proxies": "10.0.0.0/33", "metrics-from": "here",
	"cors-origins": "a.example", "public-url": "live.example", "time-zone": "Mars", "allow-origin": "a.example", "hook-url": "hooks",
	"namespaces": "chat", "media-url": "media.example/x", "https-addr": "443", "rtmps-addr": ":y", "tls-cert": "/dev/null", "tls-key": "/dev/null",
	"witnesses": "x", "webhook-networks": "10.0.0.0/33", "acme-domains": "localhost", "acme-email": "nobody", "acme-directory": "http://acme.example", "acme-roots": "/dev/null",
	"otlp-endpoint": "collector", "nats-url": "http://nats.example", "nats-credentials": "/dev/null/x", "nats-ca": "/dev/null", "nats-cert": "/dev/null",
	"media-internal-url": "node1", "media-internal-addr": "23482", "media-internal-ca": "/dev/null", "restream-networks": "10.0.0.0/33",
}

// anyText are the settings and secrets that are wrong only beside others, or that are used only with others.
var anyText = []string{"nats-user", "nats-key", cli.HookSecret, cli.NATSPassword, cli.NATSToken}

// nonsenseFor returns wrong values of a setting.
func nonsenseFor(t *testing.T, s settings.Setting) (values []string) {
	t.Helper()
	switch {
	case len(s.OneOf) > 0:
		return []string{"nothing-of-that"}
	case slices.Contains(anyText, s.Name()):
		return nil
	case nonsense[s.Name()] != "":
		return []string{nonsense[s.Name()]}
	}
	if s.Min != "" && s.Zero == "" {
		values = append(values, "0")
	}
	switch s.Value().(type) {
	case bool:
		return []string{"perhaps"}
	case time.Duration:
		values = append(values, "soon", "5", "-1s", "1000000h", "-9223372036854775808ns")
	case float64:
		values = append(values, "many", "-5", "NaN", "Inf", "1e300")
	case string, []string:
		t.Errorf("--%s: add a wrong value to nonsense", s.Name())
	default:
		values = append(values, "many", "-1", "-3", "9223372036854775807", "99999999999999999999", "1.5")
	}
	if min, err := strconv.ParseFloat(s.Min, 64); err == nil && min <= 0 {
		values = values[1:]
	}
	return values
}

// allSettings returns the settings of serve.
func allSettings() []settings.Sourced {
	i := newInvocation(cli.Shell{})
	all := i.line.Serve.Values(nil)
	for _, s := range i.flags.Values(nil) {
		if s.Name() != "config" && s.Name() != "log-format" { // the runs set these two themselves
			all = append(all, s)
		}
	}
	return all
}

// TestSettingsRefuseNonsense checks that every setting refuses wrong values, whether they come from a flag, the
// environment or the configuration file. All faults must be reported at once, in the names that the user has used, and
// nothing may be created.
func TestSettingsRefuseNonsense(t *testing.T) {
	t.Parallel()
	all := allSettings()
	if len(all) < 100 {
		t.Fatalf("only %d settings were found", len(all))
	}
	for round := range 7 {
		for _, from := range []string{settings.FromFlag, settings.FromEnvironment, settings.FromFile} {
			t.Run(fmt.Sprintf("round %d, %s", round, from), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				file, lines := filepath.Join(dir, "roomlog.toml"), ""
				env := map[string]string{"ROOMLOG_DATA": filepath.Join(dir, "data"), "ROOMLOG_LOG_FORMAT": "text"}
				args, want := []string{"serve"}, []string{}
				for _, s := range all {
					values := nonsenseFor(t, s.Setting)
					if len(values) == 0 {
						continue
					}
					value := values[min(round, len(values)-1)]
					switch from {
					case settings.FromFlag:
						args, want = append(args, "--"+s.Name()+"="+value), append(want, "--"+s.Name())
					case settings.FromEnvironment:
						env[s.Env()], want = value, append(want, s.Env())
					case settings.FromFile:
						lines, want = lines+s.Name()+" = "+strconv.Quote(value)+"\n", append(want, s.Name()+" in "+file)
					}
				}
				if from == settings.FromFile {
					delete(env, "ROOMLOG_DATA")
					for _, name := range cli.Secrets() {
						lines += cli.KeyOf(name) + " = \"bogus\"\n"
						if !slices.Contains(anyText, name) {
							want = append(want, cli.KeyOf(name)+" in "+file)
						}
					}
					if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
						t.Fatal(err)
					}
					args = append(args, "--config", file)
				} else {
					for _, name := range cli.Secrets() {
						env[name] = "bogus"
						if !slices.Contains(anyText, name) {
							want = append(want, name)
						}
					}
				}
				got := runIn(t.Context(), env, args...)
				if got.code != exitUsage || got.stdout != "" {
					t.Errorf("exit code %d, want %d: %s", got.code, exitUsage, got.stdout)
				}
				for _, name := range want {
					if n := strings.Count("\n"+strings.ReplaceAll(got.stderr, "roomlog: ", "\n"), "\n         "+name+" ") + strings.Count(got.stderr, "roomlog: "+name+" ") +
						strings.Count(got.stderr, "\n         "+name+": "); n != 1 {
						t.Errorf("%s is named by %d faults, want 1", name, n)
					}
				}
				if t.Failed() {
					t.Log(got.stderr)
				}
				if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) {
					t.Errorf("the data folder was created: %v", err)
				}
			})
		}
	}
}

// atBounds returns, for each number among the settings, the values at one of its bounds: the bound, and the next value beyond it. The
// second is "" if every value beyond is special or cannot be written.
func atBounds(upper bool) map[string][2]string {
	all := map[string][2]string{}
	for _, s := range allSettings() {
		bound, step := s.Min, int64(-1)
		if upper {
			bound, step = s.Max, 1
		}
		beyond := ""
		switch s.Value().(type) {
		case time.Duration:
			if d, err := time.ParseDuration(bound); err == nil {
				beyond = (d + time.Duration(step)).String()
			}
		case float64, float32:
			if f, err := strconv.ParseFloat(bound, 64); err == nil {
				beyond = strconv.FormatFloat(f+float64(step)*(0.0001+f/1000), 'f', -1, 64)
			}
		default:
			if n, err := strconv.ParseInt(bound, 10, 64); err == nil && n != math.MaxInt64 {
				beyond = strconv.FormatInt(n+step, 10)
			}
		}
		if bound == "" || len(s.OneOf) > 0 {
			continue
		}
		if s.Zero != "" && (beyond == "0" || beyond == "0s") {
			beyond = ""
		}
		all[s.Name()] = [2]string{bound, beyond}
	}
	return all
}

// besideOthers contains values for the settings that a rule ties to another setting which is at its bound.
var besideOthers = map[string]map[string]string{
	"lower": {"wrong-passwords-per-name": "2", "socket-timeout": "1001ms", "rtmp-timeout": "11ms"},
	"upper": {"wrong-passwords-per-device": "500000"},
}

// TestSettingsAtTheirBounds checks that the bounds of every number are accepted, and that the next values beyond are
// refused.
func TestSettingsAtTheirBounds(t *testing.T) {
	t.Parallel()
	for name, upper := range map[string]bool{"lower": false, "upper": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			numbers := atBounds(upper)
			if len(numbers) < 60 {
				t.Fatalf("only %d numbers were found", len(numbers))
			}
			accepted, refused := map[string]string{"ROOMLOG_LOG_FORMAT": "text"}, []string{"config", "check"}
			for setting, at := range numbers {
				if at[1] != "" {
					refused = append(refused, "--"+setting+"="+at[1])
				}
			}
			args := []string{"config", "check"}
			for setting, at := range numbers {
				args = append(args, "--"+setting+"="+cmp.Or(besideOthers[name][setting], at[0]))
			}
			if got := runIn(t.Context(), accepted, args...); got.code != exitOK {
				t.Errorf("the bounds are refused: %s", got.stderr)
			}
			got := runIn(t.Context(), accepted, refused...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("exit code %d, want %d: %s", got.code, exitUsage, got.stdout)
			}
			for setting, at := range numbers {
				if at[1] != "" && !strings.Contains(got.stderr, "--"+setting+" must ") {
					t.Errorf("--%s=%s is accepted", setting, at[1])
				}
			}
			if t.Failed() {
				t.Log(got.stderr)
			}
		})
	}
}

// TestCommandsRefuseNonsense checks that every command checks the settings that all commands have, before it opens
// anything.
func TestCommandsRefuseNonsense(t *testing.T) {
	t.Parallel()
	for _, args := range append([][]string{{"migrate"}, {"serve"}, {"config", "check"}}, existingDatabaseCommands(t)...) {
		dir := filepath.Join(t.TempDir(), "data")
		got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir, "ROOMLOG_LOG_LEVEL": "loud", "DATABASE_URL": "bogus", "ROOMLOG_LOG_FORMAT": "text"},
			append(args, "--lock-timeout=-1s")...)
		if got.code != exitUsage || got.stdout != "" {
			t.Errorf("%v: exit code %d, want %d: %s", args, got.code, exitUsage, got.stdout)
		}
		for _, want := range []string{"--lock-timeout must be at least 1s (got -1s)", "ROOMLOG_LOG_LEVEL must be one of ", "DATABASE_URL must be an address like "} {
			if strings.Count(got.stderr, want) != 1 {
				t.Errorf("%v: want one %q in:\n%s", args, want, got.stderr)
			}
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%v created the data folder: %v", args, err)
		}
	}
	for _, args := range [][]string{{"version"}, {"--help"}, {"serve", "--help"}} {
		if got := runIn(t.Context(), map[string]string{"DATABASE_URL": "bogus", "ROOMLOG_LOG_LEVEL": "loud", "ROOMLOG_CONFIG": "/nowhere"}, args...); got.code != exitOK {
			t.Errorf("%v: exit code %d: %s", args, got.code, got.stderr)
		}
	}
}

// TestArgumentsHaveBounds checks that every number among the arguments of a command has bounds, and that 0 and -1 are
// refused where they have no meaning.
func TestArgumentsHaveBounds(t *testing.T) {
	t.Parallel()
	i := newInvocation(cli.Shell{})
	i.declareFlags("serve", "config")
	parser, err := kong.New(&i.line, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	numbers := 0
	check := func(value *kong.Value) {
		switch kind := value.Target.Type().String(); {
		case kind == "time.Duration", strings.HasPrefix(kind, "float"):
			if value.Tag.Get("min") == "" || value.Tag.Get("max") == "" {
				t.Errorf("%s has no bounds: add a min and a max tag", value.Summary())
			}
		case strings.Contains(kind, "int") && !strings.Contains(kind, "interface"):
			if least := value.Tag.Get("min"); least != "0" && least != "1" {
				t.Errorf("%s has no bounds: add a min tag", value.Summary())
			}
		default:
			return
		}
		numbers++
	}
	for _, leaf := range parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			check(flag.Value)
		}
		for _, argument := range leaf.Positional {
			check(argument)
		}
	}
	if numbers < 20 {
		t.Errorf("only %d numbers were found", numbers)
	}
	for _, args := range []string{
		"gift add --name x --coin=-3", "gift reprice 1 --coin 0", "gift withdraw 0", "coins credit --user 0 --amount=-1 --order x", "coins correct user-1 --add 0 --reason x", "coins approve 0", "coins reject 0 --reason x", "gift refund 0 --reason x", "ban --user=-1", "ban --user 1 --live 0",
		"ban --user 1 --for=-5s", "kick --user 0", "export --live 0", "live stop 0", "events inspect 0", "events set-aside 0 --reason x", "talk --token x --live 0", "talk --token x --url http://x",
		"talk --token x --for=-1s", "talk --token x --for=9000h", "ban --user 1 --for 0s", "ban --user 1 --for 1500ms", "ban --user 1 --for 2000000h",
		"replay 1 --speed 0", "replay 1 --speed NaN", "replay 1 --speed=-Inf", "replay 1 --speed 1e9", "replay 1 --skip=-1s", "replay 1 --max-gap=-1s", "replay 1 --max-gap=99999h", "replay 0",
		"export lake --follow --every 0s", "export lake --follow --every 25h", "coins credit --user 1 --amount 9223372036854775807 --order x", "gift add --name x --coin 9223372036854775807",
		"sockets --user 0", "sockets --live=-1", "unban --user 0", "streams kick --live 0", "witness https://x --key k --interval 0s", "user disable 0", "participant forget 0 --yes", "streams players 0",
	} {
		if got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": t.TempDir()}, strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.stderr, " must be ") {
			t.Errorf("%s: exit code %d: %s", args, got.code, got.stderr)
		}
	}
}

// TestHelpOfCommands checks that the help of every command shows the defaults of its flags, and flags that exclude each other as
// alternatives.
func TestHelpOfCommands(t *testing.T) {
	t.Parallel()
	i := newInvocation(cli.Shell{})
	i.declareFlags("serve", "config")
	parser, err := kong.New(&i.line, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if flag.HasDefault && flag.Default != "" && flag.PlaceHolder != "" && !strings.Contains(flag.Help, flag.Default) {
				t.Errorf("%s --%s: the placeholder hides the default %s", leaf.Path(), flag.Name, flag.Default)
			}
		}
	}
	for command, usage := range map[string]string{
		"kick":         "Usage: roomlog kick (--user=ID | --connection=ID) [flags]\n",
		"streams kick": "Usage: roomlog streams kick (--live=ID | --player=PLAYER) [flags]\n",
		"gift add":     "Usage: roomlog gift add --name=NAME --coin=N [flags]\n",
	} {
		if got := runIn(t.Context(), nil, append(strings.Fields(command), "--help")...); got.code != exitOK || !strings.HasPrefix(got.stdout, usage) {
			t.Errorf("exit code %d, got %q, want %q", got.code, got.stdout[:min(120, len(got.stdout))], usage)
		}
	}
}

// TestReadURLIsChecked checks the address of a standby, before anything is opened. No message contains a password.
func TestReadURLIsChecked(t *testing.T) {
	t.Parallel()
	const primary = "postgres://roomlog:secret-1@db/roomlog"
	for name, tt := range map[string]struct {
		database, read string
		want           string
	}{
		"no database":    {read: "postgres://roomlog:secret-2@standby/roomlog", want: "ROOMLOG_READ_URL needs DATABASE_URL: the private PostgreSQL has no standby"},
		"the same":       {database: primary, read: primary, want: "ROOMLOG_READ_URL must differ from DATABASE_URL"},
		"no address":     {database: primary, read: "postgres://roomlog:secret-2@standby:port/roomlog", want: "ROOMLOG_READ_URL must be an address like"},
		"a wrong option": {database: primary, read: "postgres://roomlog:secret-2@standby/roomlog?sslmode=perhaps", want: "ROOMLOG_READ_URL must be an address like"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"config", "check"}, {"serve"}, {"export"}} {
				got := runIn(t.Context(), map[string]string{"DATABASE_URL": tt.database, "ROOMLOG_READ_URL": tt.read, "ROOMLOG_DATA": t.TempDir()}, command...)
				if got.code != exitUsage || !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stdout+got.stderr, "secret-") {
					t.Errorf("%v: exit code %d, %s, want %q and no password", command, got.code, got.stderr, tt.want)
				}
			}
		})
	}
	got := runIn(t.Context(), map[string]string{"DATABASE_URL": primary, "ROOMLOG_DATA": t.TempDir()},
		"config", "check", "--read-url", "host=standby user=roomlog password=secret-2 dbname=roomlog")
	if got.code != exitOK || !strings.Contains(got.stdout, "password=xxxxx") || strings.Contains(got.stdout+got.stderr, "secret-") {
		t.Errorf("exit code %d, %s%s", got.code, got.stdout, got.stderr)
	}
}
