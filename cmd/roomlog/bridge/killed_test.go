package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"roomlog/cmd/roomlog/bridge"
	"roomlog/internal/porttest"
	"roomlog/projections/projtest"
)

const childConfig = "BRIDGE_CHILD_NATS_CONFIG"

// runNATS runs a NATS server with a configuration file until it is killed.
func runNATS(file string) int {
	options, err := server.ProcessConfigFile(file)
	if err == nil {
		options.NoLog, options.NoSigs = true, true
		var s *server.Server
		if s, err = server.NewServer(options); err == nil {
			s.Start()
			s.WaitForShutdown()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// natsProcess is a NATS server in a process of its own.
type natsProcess struct {
	t       *testing.T
	name    string
	url     string
	config  string
	command *exec.Cmd
}

// natsProcesses starts NATS servers with JetStream that form a cluster, each in a process of its own.
func natsProcesses(t *testing.T, size int) (all []*natsProcess) {
	t.Helper()
	var routes []string
	ports := make([]int, size)
	for i := range ports {
		ports[i] = porttest.Reserve(t)
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i, port := range ports {
		dir, client := t.TempDir(), porttest.Reserve(t)
		p := &natsProcess{t: t, name: fmt.Sprint("node", i), url: fmt.Sprintf("nats://127.0.0.1:%d", client), config: filepath.Join(dir, "nats.conf")}
		text := fmt.Sprintf("server_name: %s\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q }\ncluster { name: test, listen: \"127.0.0.1:%d\", routes: [%s] }\n",
			p.name, client, dir, port, strings.Join(routes, ", "))
		if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.start()
		t.Cleanup(p.kill)
		all = append(all, p)
	}
	return all
}

func (p *natsProcess) start() {
	p.t.Helper()
	p.command = exec.Command(os.Args[0])
	p.command.Env = append(os.Environ(), childConfig+"="+p.config)
	p.command.Stderr = os.Stderr
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *natsProcess) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// TestLeaderIsKilled kills the leader of a stream with three replicas with SIGKILL, again and again, while a bridge copies.
func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	traffic := projtest.NewTraffic(w, 6, 3)
	w.CatchUp()
	processes := natsProcesses(t, 3)
	c := &copied{World: w}
	for _, p := range processes {
		c.servers = append(c.servers, p.url)
	}
	c.open()
	c.Start(c.bridge(func(config *bridge.Config) { config.Replicas = 3 }).Run)
	c.reaches(1)
	for range 3 {
		growing := make(chan struct{})
		go func() {
			defer close(growing)
			traffic.Seed++
			traffic.Act(2, 300)
		}()
		var leader *natsProcess
		c.Eventually(func() error {
			info, err := c.stream().Info(context.WithoutCancel(t.Context()))
			if err != nil {
				return err
			}
			for _, p := range processes {
				if info.Cluster != nil && info.Cluster.Leader == p.name {
					leader = p
					return nil
				}
			}
			return errors.New("the stream has no leader")
		})
		leader.kill()
		<-growing
		c.CatchUp()
		c.reaches(c.Head())
		leader.start()
	}
	c.same()
}
