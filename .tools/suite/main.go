// Command suite runs go test and prints a summary of five lines at the end: checks, tests that ran, skipped tests
// with reasons, the first failures, the result. Like go test it prints one line for each package and the output of
// failed tests. It exits with 1 if a test or a check failed.
//
//	suite [-check name=result]... [flags and packages of go test]
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	var checks []string
	for len(args) > 1 && args[0] == "-check" {
		checks, args = append(checks, args[1]), args[2:]
	}
	started := time.Now()
	cmd := exec.Command("go", append([]string{"test", "-json", fmt.Sprint("-parallel=", parallel())}, args...)...)
	cmd.Dir = ".." // The tools are a separate module.
	if _, set := os.LookupEnv(raceOptions); !set {
		cmd.Env = append(os.Environ(), raceOptions+"=atexit_sleep_ms=0") // by default each program sleeps a second before it ends
	}
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(out, "suite:", err)
		return 1
	}
	r := newReport(out)
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		r.line(lines.Bytes())
	}
	readErr := lines.Err()
	if readErr != nil {
		_, _ = io.Copy(io.Discard, events)
	}
	testErr := cmd.Wait()
	return r.summary(checks, os.Getenv("ROOMLOG_SKIP"), time.Since(started), readErr == nil && testErr == nil)
}

// raceOptions is the variable with the options of the race detector.
const raceOptions = "GORACE"

// parallel returns how many tests of a package run at the same time. Most tests wait for databases, sockets and timers,
// so there are more tests than cores. More than four tests for two cores would need more memory than small machines have.
func parallel() int { return max(4, runtime.NumCPU()) }

// failed reports whether the result of a check is neither ok nor skipped.
func failed(check string) bool {
	_, result, _ := strings.Cut(check, "=")
	return result != "ok" && result != "skipped"
}
