// Command figures runs the benchmarks that measure the project's figures and compares each value with its target. A
// value that misses its target is reported, but is not an error. A figure that no benchmark reports is an error.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.SetOutput(log)
	root := flags.String("root", "..", "folder of the module to measure")
	bench := flags.String("bench", "", "measure only benchmarks that match; others then count as missing, without an error")
	timeout := flags.String("timeout", "60m", "what one package's benchmarks may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := openTargets(filepath.Join(*root, "docs", "figures.txt"))
	if err != nil {
		return err
	}
	pattern := *bench
	if pattern == "" {
		pattern = "^BenchmarkFigure"
	}
	// go test runs the benchmarks of several packages one after another. With -v each result is on its own line, even
	// if the code under test logs in between.
	test := exec.CommandContext(ctx, "go", "test", "-v", "-run", "^$", "-bench", pattern,
		"-benchtime", "1x", "-timeout", *timeout, "./...")
	test.Dir = *root
	test.Stderr = log
	report := newReport(out, targets)
	failed := follow(test, report, log)
	if missing := report.end(); failed == nil && missing > 0 && *bench == "" {
		failed = fmt.Errorf("%d figures are missing", missing)
	}
	return failed
}

func openTargets(path string) ([]target, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	targets, err := readTargets(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return targets, nil
}

// follow passes the results of test to report as they arrive, and writes all other lines to log.
func follow(test *exec.Cmd, report *report, log io.Writer) error {
	lines, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	var wrong error
	for read := bufio.NewReader(lines); ; {
		line, err := read.ReadString('\n')
		result, fault := report.take(line)
		wrong = errors.Join(wrong, fault)
		if !result {
			io.WriteString(log, line)
		}
		if err != nil {
			break
		}
	}
	if err := test.Wait(); err != nil {
		return errors.Join(wrong, fmt.Errorf("go test: %w", err))
	}
	return wrong
}
