package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"roomlog/domain"
	"roomlog/internal/logtest"
	"roomlog/internal/natsconn/natstest"
	"roomlog/projections/projtest"
)

// TestBridge copies the log with the program: once, then with metrics until it is interrupted, and then to a stream to which somebody
// else writes.
func TestBridge(t *testing.T) {
	t.Parallel()
	w, server := projtest.New(t), natstest.JetStream(t)
	w.Project()
	traffic := projtest.NewTraffic(w, 3, 1)
	w.CatchUp()
	command := func(args ...string) (*exec.Cmd, *bytes.Buffer, *logtest.Buffer) {
		c := exec.CommandContext(t.Context(), program(t), append([]string{"bridge", "--nats-url", server.URL, "--log-format", "text"}, args...)...)
		c.Env = append(environment0(), "DATABASE_URL="+w.DB.DSN, "ROOMLOG_DATA="+t.TempDir())
		out, log := &bytes.Buffer{}, &logtest.Buffer{}
		c.Stdout, c.Stderr = out, io.MultiWriter(log, os.Stderr)
		return c, out, log
	}
	once, out, _ := command("--once")
	if err := once.Run(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("stream roomlog-log contains the log up to position %d\n", w.Head()); out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}

	follow, out, log := command("--metrics-addr", "127.0.0.1:0")
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	before := w.Head()
	traffic.Act(2, 100)
	w.CatchUp()
	var address []string
	w.Eventually(func() error {
		if address = regexp.MustCompile(`msg="serving metrics" address=(\S+)`).FindStringSubmatch(log.String()); address == nil {
			return fmt.Errorf("the bridge does not serve metrics: %s", log.String())
		}
		return nil
	})
	w.Eventually(func() error {
		response, err := http.Get("http://" + address[1] + "/metrics")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		for name, value := range map[string]int64{"position": w.Head(), "released_position": w.Head(), "behind_seconds": 0, "copied_total": w.Head() - before, "conflicts_total": 0, "failures_total": 0} {
			want := fmt.Sprintf("\nroomlog_bridge_%s{nats_stream=\"roomlog-log\"} %d\n", name, value)
			if !strings.Contains(string(body), want) {
				return fmt.Errorf("the metrics do not contain %q:\n%s", want, body)
			}
		}
		return nil
	})
	if err := follow.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); err != nil {
		t.Error(err)
	}
	if want := fmt.Sprintf("up to position %d\n", w.Head()); !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want %q at the end", out, want)
	}

	js, err := jetstream.New(server.Connect())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "roomlog-log.none.forged", nil); err != nil {
		t.Fatal(err)
	}
	traffic.Users[0].Send(domain.IncrementAge{})
	w.CatchUp()
	foreign, _, log := command()
	err = foreign.Run()
	if foreign.ProcessState.ExitCode() != 3 || !strings.Contains(log.String(), "roomlog: the stream does not continue the log: message ") {
		t.Errorf("%v, want exit code 3: %s", err, log.String())
	}
}
