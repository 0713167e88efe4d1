package serve

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"roomlog/internal/settings"
)

// TestHelpOfSettings checks that the help of every flag is a full sentence with unit, bounds and default.
func TestHelpOfSettings(t *testing.T) {
	t.Parallel()
	var c Command
	for _, group := range c.groups() {
		for _, s := range settings.Of(group.config) {
			if s.Text == "" {
				continue
			}
			fault := func(cure string) { t.Errorf("--%s: %q: %s", s.Name(), s.Help(), cure) }
			if !unicode.IsUpper(rune(s.Text[0])) || !strings.HasSuffix(s.Text, ".") || len(strings.Fields(s.Text)) < 4 {
				fault("write full sentences, with a capital letter and a full stop")
			}
			switch value := s.Value().(type) {
			case bool:
				if !strings.Contains(s.Text, "Default: ") {
					fault(`say with "Default: …" what happens without the flag`)
				}
			case string, []string:
				if s.Default == "" && (s.Placeholder == "" || !strings.Contains(s.Text, "Default: ")) {
					fault(`add a placeholder tag, and say with "Default: …" what happens without the flag`)
				}
			default:
				if _, isDuration := value.(time.Duration); !isDuration && len(s.OneOf) == 0 && s.Unit == "" {
					fault("add a unit tag")
				}
				if s.Max == "" && len(s.OneOf) == 0 {
					fault("add a max tag")
				}
				if s.Default == "" && !strings.Contains(s.Text, "Default: ") {
					fault(`add a default tag, or say with "Default: …" what happens without the flag`)
				}
			}
		}
	}
}
