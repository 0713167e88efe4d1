package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"roomlog/cmd/roomlog/cli"
)

// server is the server of the demo, in this process.
type server struct {
	sh     cli.Shell
	global []string // flags of every command
	http   string   // address of the listener; valid after ready
	rtmp   string

	once      sync.Once
	listening chan struct{}
	ended     chan struct{}
}

func newServer(sh cli.Shell, dir, postgresBin string) *server {
	s := &server{sh: sh, global: []string{"--data", dir}, listening: make(chan struct{}), ended: make(chan struct{})}
	if postgresBin != "" {
		s.global = append(s.global, "--postgres-bin", postgresBin)
	}
	return s
}

// addresses are the addresses on which the server listens.
type addresses struct{ http, rtmp, flv string }

func (s *server) run(ctx context.Context, at addresses) error {
	defer close(s.ended)
	reader, writer := io.Pipe()
	read := make(chan error, 1)
	go func() { read <- s.readLog(reader) }()
	args := append([]string{
		"serve", "--http-addr", at.http, "--rtmp-addr", at.rtmp, "--flv-addr", at.flv, "--auto-live", "--test-payments", "--log-format", "json", "--log-level", "info",
		"--cors-origins", strings.Join(origins(at.http), ","), "--registrations-per-address", "10000", "--sign-ins-per-address", "10000", "--uploads-per-user", "1000",
	}, s.global...)
	code := s.sh.Execute(ctx, args, s.shell(io.Discard, writer))
	_ = writer.Close()
	if err := <-read; err != nil || code != 0 {
		return errors.Join(err, errors.New("the server of the demo has failed"))
	}
	return nil
}

// origins returns the origins of the page of the demo. Its account has a known password, so pages of other origins must not
// use the server.
func origins(address string) []string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return []string{"http://localhost"} // the server reports what is wrong with the address
	}
	own := []string{"http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::1]:" + port}
	if page := "http://" + local(address); !slices.Contains(own, page) {
		own = append(own, page)
	}
	return own
}

// local returns the address at which this computer reaches a listener.
func local(address string) string {
	name, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(name); err == nil && (name == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return address
}

// freePort returns address with a free port instead of port 0.
func freePort(ctx context.Context, address string) (string, error) {
	if _, port, err := net.SplitHostPort(address); err != nil || port != "0" {
		return address, nil // the server reports what is wrong with the address
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// shell returns a shell without the environment variables that set up other servers.
func (s *server) shell(stdout, stderr io.Writer) cli.Shell {
	environ := slices.DeleteFunc(slices.Clone(s.sh.Environ), func(variable string) bool {
		return strings.HasPrefix(variable, "ROOMLOG_") || strings.HasPrefix(variable, "DATABASE_URL")
	})
	return cli.Shell{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr, Environ: environ, Now: s.sh.Now, Execute: s.sh.Execute}
}

// command executes another command on the data of the server.
func (s *server) command(ctx context.Context, args ...string) error {
	var stderr bytes.Buffer
	if code := s.sh.Execute(ctx, append(args, s.global...), s.shell(io.Discard, &stderr)); code != 0 {
		return fmt.Errorf("roomlog %s: %s", strings.Join(args, " "), strings.TrimSpace(stderr.String()))
	}
	return nil
}

// ready waits until the server listens.
func (s *server) ready(ctx context.Context) error {
	select {
	case <-s.listening:
		return nil
	case <-s.ended:
		return errors.New("the server has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readLog reads the log of the server. It finds the addresses, and prints warnings and errors.
func (s *server) readLog(log io.Reader) error {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Level, Msg, Address, Error, Cure string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			fmt.Fprintln(s.sh.Stderr, lines.Text())
			continue
		}
		switch {
		case line.Msg == "listening for RTMP":
			s.rtmp = line.Address
		case line.Msg == "listening":
			s.http = line.Address
			s.once.Do(func() { close(s.listening) })
		case line.Level == "ERROR":
			fmt.Fprintln(s.sh.Stderr, strings.TrimSpace(strings.Join([]string{line.Msg, line.Error, line.Cure}, " ")))
		}
	}
	return lines.Err()
}
