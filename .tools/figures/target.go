package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// target is the limit that one figure should reach.
type target struct {
	name  string
	op    string // ">=" or "<="
	limit float64
}

func (t target) String() string {
	return t.op + " " + strconv.FormatFloat(t.limit, 'g', -1, 64)
}

// met reports whether value reaches the target. It returns false for NaN.
func (t target) met(value float64) bool {
	if t.op == ">=" {
		return value >= t.limit
	}
	return value <= t.limit
}

// readTargets reads lines of the form `name op limit description`. Lines that begin with # are comments.
func readTargets(r io.Reader) ([]target, error) {
	var targets []target
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 4 || fields[1] != ">=" && fields[1] != "<=" {
			return nil, fmt.Errorf("line %d: want `name >=|<= number meaning`", n)
		}
		limit, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if seen[fields[0]] {
			return nil, fmt.Errorf("line %d: %s stands twice", n, fields[0])
		}
		seen[fields[0]] = true
		targets = append(targets, target{fields[0], fields[1], limit})
	}
	return targets, lines.Err()
}
