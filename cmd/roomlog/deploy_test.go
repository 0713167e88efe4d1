package main

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/cmd/roomlog/cli"
)

const deployFolder = "../../deploy"

// deployFiles returns the content of the files in the folder deploy, by path.
func deployFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(deployFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

var (
	namedFlag     = regexp.MustCompile(`(?:^|[\s"(])--([a-z][a-z0-9-]+)`)
	namedVariable = regexp.MustCompile(`\bROOMLOG_[A-Z_]+`)
	namedPort     = regexp.MustCompile(`(?:127\.0\.0\.1|containerPort|port|":|EXPOSE[0-9 ]*)[: "]+(7001|234[0-9]+)`)

	// foreignFlags are flags of other programs in these files, and --config.
	foreignFlags = []string{"system", "home-dir", "shell", "now", "from-literal", "from", "chown", "config"}
)

// TestDeployFilesNameSettings checks that every flag, variable and port in the folder deploy is one of roomlog, and that the
// configuration file has no fault.
func TestDeployFilesNameSettings(t *testing.T) {
	t.Parallel()
	var flags, variables, addresses []string
	for _, s := range allSettings() {
		flags, variables, addresses = append(flags, s.Name()), append(variables, s.Env()), append(addresses, s.Default)
	}
	variables = append(append(variables, "ROOMLOG_CONFIG", "ROOMLOG_LOG_FORMAT"), cli.Secrets()...)
	for path, text := range deployFiles(t) {
		for _, m := range namedFlag.FindAllStringSubmatch(text, -1) {
			ofBridge := m[1] == "metrics-addr" && filepath.Base(path) == "roomlog-bridge.service"
			if !slices.Contains(flags, m[1]) && !slices.Contains(foreignFlags, m[1]) && !ofBridge {
				t.Errorf("%s: roomlog has no flag --%s", path, m[1])
			}
		}
		for _, name := range namedVariable.FindAllString(text, -1) {
			if !slices.Contains(variables, name) {
				t.Errorf("%s: roomlog has no variable %s", path, name)
			}
		}
		for _, m := range namedPort.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(addresses, ":"+m[1]) {
				t.Errorf("%s: no address of roomlog has port %s by default", path, m[1])
			}
		}
	}
	for name, change := range map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"with its own certificate": func(s string) string { // the lines that stand in comments
			before, after, _ := strings.Cut(s, "# Without a proxy")
			_, lines, _ := strings.Cut(after, "\n")
			return strings.Replace(before, "http-addr", "# http-addr", 1) + strings.ReplaceAll(lines, "# ", "")
		},
	} {
		text, err := os.ReadFile(filepath.Join(deployFolder, "roomlog.toml"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "roomlog.toml")
		if err := os.WriteFile(file, []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": t.TempDir()}, "config", "check", "--config", file); got.code != exitOK {
			t.Errorf("roomlog.toml %s: %s", name, got.stderr)
		}
	}
}

// TestContainerFiles checks that users of a container can write its volume, and that HTTP is published only for a proxy.
func TestContainerFiles(t *testing.T) {
	t.Parallel()
	files := deployFiles(t)
	image := files[filepath.Join(deployFolder, "Containerfile")]
	if !regexp.MustCompile(`(?s)\nCOPY [^\n]*--chown=65532:65532 /\w+ /data\n.*\nVOLUME /data\n`).MatchString(image) {
		t.Error("Containerfile: root owns a new volume, and the user nonroot cannot write it")
	}
	published := regexp.MustCompile(`(?m)^ +- "([0-9.]+:)?(\d+):\d+"$`).FindAllStringSubmatch(files[filepath.Join(deployFolder, "compose.yaml")], -1)
	if len(published) != 3 {
		t.Errorf("compose.yaml publishes %q, want three ports", published)
	}
	for _, p := range published {
		if p[1] != "127.0.0.1:" && p[2] != "23480" {
			t.Errorf("compose.yaml publishes %s to everybody", p[2])
		}
	}
}

// TestDeployFilesAreValid checks files with the programs that read them, if these are installed.
func TestDeployFilesAreValid(t *testing.T) {
	t.Parallel()
	check := func(name string, args ...string) string {
		t.Helper()
		path, err := exec.LookPath(name)
		if err != nil {
			t.Logf("%s is not installed, its files are not checked", name)
			return ""
		}
		out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	check("promtool", "check", "rules", filepath.Join(deployFolder, "prometheus", "alerts.yaml"))
	for path, unit := range deployFiles(t) {
		if filepath.Ext(path) != ".service" {
			continue
		}
		file := filepath.Join(t.TempDir(), filepath.Base(path)) // systemd-analyze refuses a program that is not there
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(unit, "/usr/local/bin/roomlog", "/bin/true")), 0o644); err != nil {
			t.Fatal(err)
		}
		if out := check("systemd-analyze", "verify", file); out != "" {
			t.Errorf("systemd-analyze verify: %s", out)
		}
		check("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", file)
	}
}

// restriction matches the names of what a systemd unit forbids its processes.
var restriction = regexp.MustCompile("^(User|Group|UMask|NoNew|Protect|Private|Proc|Restrict|Lock|Memory|SystemCall|Capability|Ambient)")

// TestUnits checks that the commands and settings of the systemd units have no fault, that no exit code for which somebody must act leads
// to a restart, and that the bridge is as restricted as the server, but never removes the shared memory of the server's PostgreSQL: both
// have the same user.
func TestUnits(t *testing.T) {
	t.Parallel()
	server, bridge := deployUnit(t, "roomlog.service"), deployUnit(t, "roomlog-bridge.service")
	for name, values := range server {
		if want := bridge[name]; restriction.MatchString(name) && !slices.Equal(values, want) {
			t.Errorf("%s is %q for the server and %q for the bridge", name, values, want)
		}
	}
	if got := bridge["RemoveIPC"]; !slices.Equal(got, []string{"no"}) {
		t.Errorf("the bridge has RemoveIPC=%v, and would remove the shared memory of PostgreSQL", got)
	}
	if s, b := server["RestartPreventExitStatus"], bridge["RestartPreventExitStatus"]; !slices.Equal(s, []string{"2"}) || !slices.Equal(b, []string{"2 3"}) {
		t.Errorf("the server is not restarted after %q, the bridge not after %q", s, b)
	}
	here := strings.NewReplacer("/etc/roomlog", t.TempDir(), "/var/lib/roomlog", t.TempDir())
	files := map[string]string{"database-url": "postgres://roomlog@db/roomlog", "nats-bridge-password": "a-password"}
	for _, name := range []string{"roomlog.toml", "bridge.toml"} {
		settings, err := os.ReadFile(filepath.Join(deployFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = here.Replace(string(settings))
	}
	for name, content := range files {
		if err := os.WriteFile(here.Replace("/etc/roomlog/"+name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		unit              map[string][]string
		setting, settings string
		command           string
	}{
		{server, "ExecStartPre", "roomlog.toml", "config"},
		{server, "ExecStart", "roomlog.toml", "serve"},
		{bridge, "ExecStart", "bridge.toml", "bridge"},
	} {
		environment, command := strings.Fields(tt.unit["Environment"][0]), strings.Fields(tt.unit[tt.setting][0])[1:]
		if !slices.Contains(environment, "ROOMLOG_CONFIG=/etc/roomlog/"+tt.settings) || command[0] != tt.command {
			t.Fatalf("the unit runs %q with %q", command, environment)
		}
		for i := range environment {
			environment[i] = here.Replace(environment[i])
		}
		i := newInvocation(cli.Shell{Stdout: io.Discard, Stderr: io.Discard, Environ: environment})
		if exited, err := i.parse(command); exited || err != nil {
			t.Errorf("roomlog %s: %v", strings.Join(command, " "), err)
			continue
		}
		if tt.command == "config" {
			if err := i.execute(t.Context()); err != nil {
				t.Errorf("roomlog %s: %v", strings.Join(command, " "), err)
			}
		}
	}
}

// deployUnit returns the settings of a systemd unit: the values of each name, in their order.
func deployUnit(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		values[m[1]] = append(values[m[1]], m[2])
	}
	return values
}

var alertName = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)

// TestAlertsAreDocumented checks that OPERATIONS.md explains every alert.
func TestAlertsAreDocumented(t *testing.T) {
	t.Parallel()
	operations, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := alertName.FindAllStringSubmatch(deployFiles(t)[filepath.Join(deployFolder, "prometheus", "alerts.yaml")], -1)
	if len(alerts) < 10 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		if !strings.Contains(string(operations), "| `"+alert[1]+"` (") {
			t.Errorf("OPERATIONS.md does not explain the alert %s", alert[1])
		}
	}
}
