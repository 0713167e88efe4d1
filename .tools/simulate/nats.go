package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serverEnv is set in the environment of the child process that is the NATS server.
const serverEnv = "SIMULATE_NATS_SERVER"

// serveNATS is the main function of the child process: a NATS server on two free ports of the loopback interface. It writes the ports to
// out as a line, and returns when in ends.
func serveNATS(in io.Reader, out io.Writer) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) || s.MonitorAddr() == nil {
		return errors.New("the NATS server does not start")
	}
	if _, err := fmt.Fprintf(out, "%s %s\n", s.Addr(), s.MonitorAddr()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// natsServer is a NATS server in a process of its own, whose CPU time can be measured.
type natsServer struct {
	addr    string // host and port of clients
	monitor string // host and port of the monitoring API
	cmd     *exec.Cmd
	in      io.Closer
}

func startNATS() (*natsServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &natsServer{cmd: exec.Command(self)}
	s.cmd.Env = append(os.Environ(), serverEnv+"=1")
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.in = in
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(out, &s.addr, &s.monitor); err != nil {
		s.stop()
		return nil, fmt.Errorf("read the address of the NATS server: %w", err)
	}
	return s, nil
}

// stop ends the server: it reads the end of its standard input.
func (s *natsServer) stop() {
	_ = s.in.Close()
	_ = s.cmd.Wait()
}

// sent returns the number of messages and of bytes, without the protocol around them, that the server has sent to its clients.
func (s *natsServer) sent() (traffic, error) {
	response, err := http.Get("http://" + s.monitor + "/varz")
	if err != nil {
		return traffic{}, err
	}
	defer response.Body.Close()
	var v struct {
		Messages int64 `json:"out_msgs"`
		Bytes    int64 `json:"out_bytes"`
	}
	err = json.NewDecoder(response.Body).Decode(&v)
	return traffic{v.Messages, v.Bytes}, err
}

// traffic is a number of messages and of bytes.
type traffic struct{ messages, bytes int64 }

func (t traffic) minus(o traffic) traffic { return traffic{t.messages - o.messages, t.bytes - o.bytes} }

func (t traffic) String() string {
	return strconv.FormatInt(t.messages, 10) + " messages, " + strconv.FormatInt(t.bytes, 10) + " bytes"
}
