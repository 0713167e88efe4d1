package main

import (
	"strings"
	"testing"
	"time"
)

// play feeds events of go test -json to a report and returns what it prints.
func play(t *testing.T, passed bool, checks []string, events ...string) (printed string, code int) {
	t.Helper()
	var out strings.Builder
	r := newReport(&out)
	for _, e := range events {
		r.line([]byte(e))
	}
	code = r.summary(checks, "race", 90*time.Second, passed)
	return out.String(), code
}

func TestReport(t *testing.T) {
	t.Run("prints package lines and a summary", func(t *testing.T) {
		printed, code := play(t, true, []string{"check=ok", "lint=skipped"},
			`{"Action":"start","Package":"roomlog/a"}`,
			`{"Action":"run","Package":"roomlog/a","Test":"TestX"}`,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX","Output":"=== RUN   TestX\n"}`,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX","Output":"    a_test.go:3: needs ffmpeg\n"}`,
			`{"Action":"skip","Package":"roomlog/a","Test":"TestX"}`,
			`{"Action":"output","Package":"roomlog/a","Output":"PASS\n"}`,
			`{"Action":"output","Package":"roomlog/a","Output":"ok  \troomlog/a\t0.1s\n"}`,
			`{"Action":"pass","Package":"roomlog/a"}`)
		want := "ok  \troomlog/a\t0.1s\n\nchecks:  check=ok, lint=skipped\nran:      1 tests of 1 packages in 1m30s\n" +
			"skipped:  1 tests (needs ffmpeg); race (ROOMLOG_SKIP)\nfailed:   none\nresult:   PASS\n"
		if printed != want || code != 0 {
			t.Fatalf("exit code %d, got\n%s", code, printed)
		}
	})
	t.Run("prints the output of failed subtests and names them", func(t *testing.T) {
		printed, code := play(t, false, nil,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX/good","Output":"    good output\n"}`,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX/bad","Output":"    bad output\n"}`,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX","Output":"--- FAIL: TestX (0.00s)\n"}`,
			`{"Action":"output","Package":"roomlog/a","Test":"TestX/bad","Output":"    --- FAIL: TestX/bad (0.00s)\n"}`,
			`{"Action":"pass","Package":"roomlog/a","Test":"TestX/good"}`,
			`{"Action":"fail","Package":"roomlog/a","Test":"TestX/bad"}`,
			`{"Action":"fail","Package":"roomlog/a","Test":"TestX"}`,
			`{"Action":"output","Package":"roomlog/a","Output":"FAIL\troomlog/a\t0.1s\n"}`,
			`{"Action":"fail","Package":"roomlog/a"}`)
		if !strings.HasPrefix(printed, "    bad output\n--- FAIL: TestX (0.00s)\n    --- FAIL: TestX/bad (0.00s)\nFAIL\troomlog/a") ||
			!strings.Contains(printed, "\nfailed:   1: a TestX/bad\nresult:   FAIL\n") || code != 1 {
			t.Fatalf("exit code %d, got\n%s", code, printed)
		}
	})
	t.Run("names packages that do not build, panic or fail without a test", func(t *testing.T) {
		printed, code := play(t, false, nil,
			`{"Action":"build-output","ImportPath":"roomlog/a","Output":"a.go:1: broken\n"}`,
			`{"Action":"build-fail","ImportPath":"roomlog/a"}`,
			`{"Action":"fail","Package":"roomlog/a"}`,
			`{"Action":"output","Package":"roomlog/b","Test":"TestY","Output":"panic: oh\n"}`,
			`{"Action":"fail","Package":"roomlog/b"}`,
			`{"Action":"fail","Package":"roomlog/c"}`,
			`some other text`)
		if !strings.Contains(printed, "a.go:1: broken\npanic: oh\nsome other text\n") ||
			!strings.Contains(printed, "\nfailed:   3: roomlog/a (does not build), b TestY (did not end), c\n") || code != 1 {
			t.Fatalf("exit code %d, got\n%s", code, printed)
		}
	})
	t.Run("names the packages that took longest", func(t *testing.T) {
		printed, _ := play(t, true, nil,
			`{"Action":"pass","Package":"roomlog/a","Elapsed":9.9}`,
			`{"Action":"pass","Package":"roomlog/b","Elapsed":12.3}`,
			`{"Action":"fail","Package":"roomlog/c/d","Elapsed":408.2}`)
		if !strings.Contains(printed, "\nran:      0 tests of 3 packages in 1m30s; longest: c/d 408s, b 12s\nskipped: ") {
			t.Fatalf("got\n%s", printed)
		}
	})
	t.Run("fails when a check failed", func(t *testing.T) {
		if printed, code := play(t, true, []string{"lint=failed"}); code != 1 || !strings.HasSuffix(printed, "result:   FAIL\n") {
			t.Fatalf("exit code %d, got\n%s", code, printed)
		}
	})
}
