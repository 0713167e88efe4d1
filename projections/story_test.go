package projections_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/projections/projtest"
)

var update = flag.Bool("update", false, "write the golden file of the tables anew")

// The columns that differ in every run.
var random = regexp.MustCompile(`"(name_key|id)": "[0-9a-f]+"`)

// golden answers the tables as the golden file has them.
func golden(w *projtest.World) string {
	return random.ReplaceAllString(w.Dump("read"), `"$1": "…"`)
}

func TestTables(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	s.Project()
	s.CatchUp()
	file := filepath.Join("testdata", "tables.golden")
	got := golden(s.World)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the tables of the story (-golden +now):\n%s", diff)
	}
	s.Verify()
}

func TestForgottenPeopleLeaveNoText(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	stop := s.Project()
	s.CatchUp()
	for _, text := range []string{`"cat"`, "my name is cat", "chatting"} {
		if strings.Contains(s.Dump("read"), text) {
			t.Errorf("%s is still in the tables", text)
		}
	}
	live := s.Dump("read")
	stop()
	s.Rebuild()
	if again := s.Dump("read"); again != live {
		t.Errorf("rebuilt tables differ:\n%s", cmp.Diff(strings.Split(live, "\n"), strings.Split(again, "\n")))
	}
	t.Run("nor in replaced tables", func(t *testing.T) {
		s.Project()
		s.Do(domain.ForgetUser{User: s.Ann.ID})
		s.CatchUp()
		for _, text := range []string{`"ann"`, "Ann the cook", "cooking"} {
			if strings.Contains(s.Dump("read_old_0"), text) {
				t.Errorf("%s is still in the replaced tables", text)
			}
		}
	})
}
