package localpg

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// postmaster holds the content of postmaster.pid. The file remains when a server is killed.
type postmaster struct {
	pid          int // pid of the server; 0 if there is none
	port, socket string
	status       string // status of the server: "starting", "ready", "stopping" or "standby"
}

// postmaster reads postmaster.pid.
func (f folder) postmaster() (postmaster, error) {
	text, err := readSmall(f.pidFile())
	if errors.Is(err, fs.ErrNotExist) {
		return postmaster{}, nil
	}
	if err != nil {
		return postmaster{}, err
	}
	lines := strings.Split(text, "\n")
	for len(lines) < 8 { // the file is still being written
		lines = append(lines, "")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid < 0 { // the pid of a standalone backend is negative
		pid = 0
	}
	return postmaster{pid: pid, port: strings.TrimSpace(lines[3]), socket: strings.TrimSpace(lines[4]), status: strings.TrimSpace(lines[7])}, nil
}

func (f folder) pidFile() string { return filepath.Join(f.data(), "postmaster.pid") }
