package main

import (
	"cmp"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestReadTargets(t *testing.T) {
	got, err := readTargets(strings.NewReader("# names\n\nappend_ratio >= 1.5 events/s\nidle_xids <= 0 ids\n"))
	if err != nil || len(got) != 2 || got[0] != (target{"append_ratio", ">=", 1.5}) || got[1] != (target{"idle_xids", "<=", 0}) {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, bad := range []string{"a_b > 1 x", "a_b >= one x", "a_b >= 1", "a_b >= 1 x\na_b <= 2 y"} {
		if _, err := readTargets(strings.NewReader(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestMet(t *testing.T) {
	for _, tt := range []struct {
		op           string
		limit, value float64
		want         bool
	}{
		{">=", 1.5, 1.5, true}, {">=", 1.5, 1.49, false}, {"<=", 2, 2, true}, {"<=", 2, 2.01, false},
		{">=", 1, math.NaN(), false}, {"<=", 1, math.NaN(), false},
	} {
		if got := (target{"x", tt.op, tt.limit}).met(tt.value); got != tt.want {
			t.Errorf("%v %s %v: got %v", tt.value, tt.op, tt.limit, got)
		}
	}
}

// TestRun runs the command on modules with a few benchmarks. It checks the output and whether the command fails.
func TestRun(t *testing.T) {
	const good = `
func BenchmarkFigureOne(b *testing.B) {
	for b.Loop() {
		println("noise of the code under test")
	}
	b.ReportMetric(2, "fast_ratio")
	b.ReportMetric(0, "idle_xids")
}
func BenchmarkFigureTwo(b *testing.B) { b.ReportMetric(0.5, "slow_ratio"); b.ReportMetric(7, "side_value") }
func BenchmarkOther(b *testing.B)     { b.Fatal("not a figure") }
`
	for _, tt := range []struct {
		name, code string
		args       []string
		fails      bool
		want       []string
	}{
		{"prints every figure and passes when one is short", good, nil, false,
			[]string{"fast_ratio 2 >= 1.5 ok", "idle_xids 0 <= 0 ok", "slow_ratio 0.5 >= 1 short", "side_value 7 - no target", "3 figures: 2 ok, 1 short, 0 missing"}},
		{"fails when a figure is missing", strings.Replace(good, "slow_ratio", "slow_rati0", 1), nil, true,
			[]string{"slow_ratio - >= 1 missing"}},
		{"allows missing ones when only some are asked for", good, []string{"-bench", "FigureOne"}, false,
			[]string{"fast_ratio 2 >= 1.5 ok", "slow_ratio - >= 1 missing"}},
		{"fails when a figure comes twice", strings.Replace(good, "side_value", "fast_ratio", 1), nil, true, nil},
		{"fails when a benchmark fails", strings.Replace(good, "BenchmarkOther", "BenchmarkFigureOther", 1), nil, true,
			[]string{"3 figures: 2 ok, 1 short, 0 missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			write(t, root, "go.mod", "module measured\n\ngo 1.26.0\n")
			write(t, root, "docs/figures.txt", "fast_ratio >= 1.5 x\nslow_ratio >= 1 x\nidle_xids <= 0 x\n")
			write(t, root, "a_test.go", "package measured\nimport \"testing\"\n"+tt.code)
			var out, log strings.Builder
			err := run(t.Context(), append([]string{"-root", root}, tt.args...), &out, &log)
			if (err != nil) != tt.fails {
				t.Errorf("err %v, want failure %v\n%s", err, tt.fails, log.String())
			}
			printed := strings.Join(strings.Fields(out.String()), " ")
			for _, line := range tt.want {
				if !strings.Contains(printed, line) {
					t.Errorf("no line %q in\n%s\nlog\n%s", line, out.String(), log.String())
				}
			}
		})
	}
}

func TestTheProjectsTargetsCanBeRead(t *testing.T) {
	targets, err := openTargets(filepath.Join("..", "..", "docs", "figures.txt"))
	if err != nil || len(targets) == 0 {
		t.Fatalf("%d targets, %v", len(targets), err)
	}
	for _, target := range targets {
		if !figureUnit.MatchString(target.name) {
			t.Errorf("%s would not be seen as a figure", target.name)
		}
	}
}

// TestTheResultsNameTheTargets checks that the page with the results has one row for each figure, with its target and the
// result that its values have.
func TestTheResultsNameTheTargets(t *testing.T) {
	targets, err := openTargets(filepath.Join("..", "..", "docs", "figures.txt"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "BENCH.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| Figure | Loaded | Quiet | Target | Result |\n|---|---|---|---|---|\n")
	if !found {
		t.Fatal("BENCH.md has no table of results")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := make(map[string][]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 7 {
			t.Fatalf("a row of BENCH.md has %d columns: %s", len(cells)-2, line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows[cells[1]] = cells[2:6]
	}
	for _, target := range targets {
		row, found := rows[target.name]
		delete(rows, target.name)
		if !found {
			t.Errorf("BENCH.md has no row for %s", target.name)
			continue
		}
		want := strings.NewReplacer(">=", "≥", "<=", "≤").Replace(target.op) + " " + strconv.FormatFloat(target.limit, 'f', -1, 64)
		if got := strings.ReplaceAll(row[2], ",", ""); got != want {
			t.Errorf("BENCH.md has the target %q for %s, not %q", got, target.name, want)
		}
		switch met, missed := verdicts(t, target, cmp.Or(row[1], row[0])); {
		case met+missed == 0:
			if !strings.HasPrefix(row[3], "not measured") {
				t.Errorf("BENCH.md has no value for %s", target.name)
			}
		case missed == 0 && !strings.HasPrefix(row[3], "ok"):
			t.Errorf("all values of %s meet the target, but BENCH.md says %q", target.name, row[3])
		case met == 0 && !strings.HasPrefix(row[3], "**short**"):
			t.Errorf("all values of %s miss the target, but BENCH.md says %q", target.name, row[3])
		}
	}
	for name := range rows {
		t.Errorf("BENCH.md has a row for %s, which is no figure", name)
	}
}

// verdicts counts the values of a cell, separated by commas or dashes, that meet and miss a target.
func verdicts(t *testing.T, target target, cell string) (met, missed int) {
	t.Helper()
	thousands := regexp.MustCompile(`(\d),(\d{3})`)
	for _, text := range regexp.MustCompile(`[0-9.]+`).FindAllString(thousands.ReplaceAllString(cell, "$1$2"), -1) {
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("BENCH.md has the value %q for %s", text, target.name)
		}
		if target.met(value) {
			met++
		} else {
			missed++
		}
	}
	return met, missed
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
