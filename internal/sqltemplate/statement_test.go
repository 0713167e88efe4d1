package sqltemplate_test

import (
	"slices"
	"testing"

	"roomlog/internal/sqltemplate"
)

const list = `{{define "order"}}ORDER BY id{{if .newest}} DESC{{end}}{{end -}}
SELECT 1{{if .live}} WHERE live_id = @live{{else if .user}} WHERE user_id = @user{{end}} {{template "order" .}}`

func TestStatement(t *testing.T) {
	t.Parallel()
	s := sqltemplate.Must(list)
	got := s.With(sqltemplate.Options{"live": false, "user": true, "newest": true})
	if want := "SELECT 1 WHERE user_id = @user ORDER BY id DESC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := []string{
		"SELECT 1 ORDER BY id", "SELECT 1 ORDER BY id DESC",
		"SELECT 1 WHERE live_id = @live ORDER BY id", "SELECT 1 WHERE live_id = @live ORDER BY id DESC",
		"SELECT 1 WHERE user_id = @user ORDER BY id", "SELECT 1 WHERE user_id = @user ORDER BY id DESC",
	}
	if all := s.All(); !slices.Equal(all, want) {
		t.Errorf("all statements: %q, want %q", all, want)
	}
	if all := sqltemplate.Must("SELECT 1").All(); !slices.Equal(all, []string{"SELECT 1"}) {
		t.Errorf("all statements without options: %q", all)
	}
}

func TestFaultsPanic(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(){
		"text that is no template":    func() { sqltemplate.Must("SELECT {{if}}") },
		"a value in the statement":    func() { sqltemplate.Must("SELECT {{.live}}") },
		"a condition with a function": func() { sqltemplate.Must("SELECT {{if not .live}}1{{end}}") },
		"an unknown option":           func() { sqltemplate.Must(list).With(sqltemplate.Options{"oldest": false}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}
