package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/cmd/roomlog/analytics/duckdbtest"
	"roomlog/cmd/roomlog/export"
	"roomlog/projections/projtest"
)

// TestAnalyticsExamples runs the examples of docs/ANALYTICS.md about files and SQL: commands, queries in DuckDB and in
// PostgreSQL, and Python. (The examples of the replay are tested in package api.)
func TestAnalyticsExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/ANALYTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?ms)^```(bash|sql|python)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if len(blocks["bash"]) < 3 || len(blocks["sql"]) < 6 || len(blocks["python"]) < 3 {
		t.Fatalf("the page has the examples %v", blocks)
	}
	w := projtest.New(t)
	projtest.NewTraffic(w, 6, 2).Act(4, 150)
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "DATABASE_URL="+w.DB.DSN, "PATH="+filepath.Dir(program(t))+":"+os.Getenv("PATH"))
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	_, noPsql := exec.LookPath("psql")
	for _, block := range blocks["bash"] {
		if noPsql != nil {
			t.Log("psql is not installed: lines with it are left out")
			block = regexp.MustCompile("(?m)^psql.*$").ReplaceAllString(block, "")
		}
		run("bash", "-ec", block)
	}

	t.Run("sql", func(t *testing.T) {
		for _, query := range blocks["sql"] {
			if strings.HasPrefix(query, "-- DuckDB") {
				continue
			}
			rows, err := w.OwnerPool().Query(t.Context(), query)
			if err == nil {
				_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (any, error) { return row.Values() })
			}
			if err != nil {
				t.Errorf("PostgreSQL: %v:\n%s", err, query)
			}
		}
		for i, rows := range duckdbtest.Query(t, "testdata/clients", filepath.Join(dir, "lake", export.ViewsName), blocks["sql"]) {
			if len(rows) == 0 {
				t.Errorf("DuckDB returns nothing:\n%s", blocks["sql"][i])
			}
		}
	})
	for _, script := range blocks["python"] {
		imports := regexp.MustCompile(`(?m)^import \w+\n`).FindAllString(script, -1)
		t.Run(strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(imports, ""), "import ", "")), "_"), func(t *testing.T) {
			for _, python := range []string{"python3", "/usr/bin/python3"} {
				if exec.CommandContext(t.Context(), python, "-c", strings.Join(imports, "")).Run() == nil {
					run(python, "-c", script)
					return
				}
			}
			t.Skip("Python or one of the modules is not installed")
		})
	}
}
