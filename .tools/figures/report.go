package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// figureUnit matches the units that name figures. It matches no unit of go test (ns/op, B/op, MB/s).
var figureUnit = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)+$`)

// report prints one line for each figure as it arrives and stores the figures that are missing.
type report struct {
	out     io.Writer
	targets []target
	values  map[string]float64
	short   int
}

func newReport(out io.Writer, targets []target) *report {
	return &report{out: out, targets: targets, values: map[string]float64{}}
}

// take reads one line of go test. It returns false if the line is not the result of a benchmark.
func (r *report) take(line string) (bool, error) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return false, nil
	}
	if _, err := strconv.Atoi(fields[1]); err != nil {
		return false, nil
	}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return false, fmt.Errorf("%s: %w", fields[0], err)
		}
		if !figureUnit.MatchString(fields[i+1]) {
			continue
		}
		if err := r.add(fields[i+1], value); err != nil {
			return true, fmt.Errorf("%s: %w", fields[0], err)
		}
	}
	return true, nil
}

func (r *report) add(name string, value float64) error {
	if _, twice := r.values[name]; twice {
		return fmt.Errorf("figure %s is reported twice", name)
	}
	r.values[name] = value
	shown := strconv.FormatFloat(value, 'g', 4, 64)
	for _, t := range r.targets {
		if t.name != name {
			continue
		}
		verdict := "ok"
		if !t.met(value) {
			verdict = "short"
			r.short++
		}
		r.line(name, shown, t.String(), verdict)
		return nil
	}
	r.line(name, shown, "-", "no target")
	return nil
}

func (r *report) line(name, value, target, verdict string) {
	fmt.Fprintf(r.out, "%-28s %-10s %-10s %s\n", name, value, target, verdict)
}

// end prints one line for each figure that no benchmark reported, then a summary. It returns the number of missing
// figures.
func (r *report) end() int {
	missing := 0
	for _, t := range r.targets {
		if _, ok := r.values[t.name]; !ok {
			missing++
			r.line(t.name, "-", t.String(), "missing")
		}
	}
	fmt.Fprintf(r.out, "%d figures: %d ok, %d short, %d missing\n",
		len(r.targets), len(r.targets)-r.short-missing, r.short, missing)
	return missing
}
