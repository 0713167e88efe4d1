package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticksPerSecond is the unit of CPU times in /proc/PID/stat and /proc/stat: 1/100 s on every Linux.
const ticksPerSecond = 100

// statFields returns the fields of a line of /proc/PID/stat that follow the name of the program. The first is the state.
func statFields(line string) []string {
	return strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
}

// cpuOf returns the CPU time in seconds that the threads of a process have used. The scheduler knows their times exactly. Threads that have
// ended are missing; those of Go programs almost never end.
func cpuOf(pid int) (seconds float64, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("process %d has no threads: %w", pid, errors.Join(err, os.ErrNotExist))
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseFloat(first, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		seconds += nanoseconds / 1e9
	}
	return seconds, nil
}

// endedChildren returns the CPU time in seconds of the children of a process that have ended.
func endedChildren(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := statFields(string(text))
	if len(fields) < 15 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.ParseFloat(fields[13], 64)
	system, err2 := strconv.ParseFloat(fields[14], 64)
	return (user + system) / ticksPerSecond, errors.Join(err, err2)
}

// postgresCPU returns the CPU time in seconds that a PostgreSQL server and its processes, also ended ones, have used.
func postgresCPU(postmaster int) (float64, error) {
	ended, err := endedChildren(postmaster)
	own, err2 := cpuOf(postmaster)
	seconds := ended + own
	for _, child := range childrenOf(postmaster) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			return 0, err
		}
		if used, err := cpuOf(pid); err == nil { // otherwise the process has ended
			seconds += used
		}
	}
	return seconds, errors.Join(err, err2)
}

// childrenOf returns the ids of the processes whose parent is pid.
func childrenOf(pid int) (children []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		if fields := statFields(string(text)); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			children = append(children, filepath.Base(filepath.Dir(path)))
		}
	}
	return children
}

// machineCPU returns the CPU time in seconds that all processes of the machine have used, and the time that its host has withheld.
func machineCPU() (float64, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return busyOf(string(line))
}

// busyOf returns the seconds in the first line of /proc/stat that are neither idle nor waiting for a disk.
func busyOf(line string) (float64, error) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	busy := 0.0
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 {
			busy += ticks
		}
	}
	return busy / ticksPerSecond, nil
}

// memoryOf returns a size in bytes from a file like /proc/PID/smaps_rollup.
func memoryOf(pid, file, name string) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%s/%s has no %s", pid, file, name)
}
