package settings_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"roomlog/internal/settings"
)

type coins int64

type limits struct {
	MaxHTTPConnections int `default:"100" min:"1" max:"1000" help:"Open HTTP connections."`
}

type config struct {
	Log any

	CommentRate  float64       `default:"5" min:"0.1" max:"1000" unit:"comments/s" help:"Comments accepted from one user."`
	CoinsPerUnit coins         `default:"10" min:"1" unit:"coins" help:"Coins for one currency unit."`
	PushWindow   time.Duration `default:"50ms" max:"1s" zero:"every push is written at once" help:"Time during which pushes are collected."`
	Mode         string        `default:"asked" oneof:"off,asked,all" help:"Which lives are recorded."`
	Origins      []string      `default:"a,b" help:"Browser origins."`
	Strict       bool          `help:"Refuse unknown fields."`
	Keep         time.Duration `zero:"for ever" help:"Time after which recordings are deleted."`
	WriteTimeout time.Duration `default:"8s" min:"1s"` // a setting without a flag
	Limits       limits
}

func (c *config) CheckSettings() error {
	if c.Mode == "all" && c.Strict {
		return errors.New("--mode all excludes --strict")
	}
	return nil
}

func defaults() config {
	return config{CommentRate: 5, CoinsPerUnit: 10, PushWindow: 50 * time.Millisecond, Mode: "asked", Origins: []string{"a", "b"},
		WriteTimeout: 8 * time.Second, Limits: limits{MaxHTTPConnections: 100}}
}

func TestDefaults(t *testing.T) {
	t.Run("fills every zero field", func(t *testing.T) {
		var c config
		if settings.Defaults(&c); !reflect.DeepEqual(c, defaults()) {
			t.Fatalf("got %+v", c)
		}
	})
	t.Run("leaves other values alone", func(t *testing.T) {
		c := config{CommentRate: 1, PushWindow: settings.Off, Mode: "off", Limits: limits{MaxHTTPConnections: 7}}
		settings.Defaults(&c)
		want := defaults()
		want.CommentRate, want.PushWindow, want.Mode, want.Limits.MaxHTTPConnections = 1, settings.Off, "off", 7
		if !reflect.DeepEqual(c, want) {
			t.Fatalf("got %+v", c)
		}
	})
}

func TestCheck(t *testing.T) {
	t.Run("accepts zero fields, defaults and switched-off settings", func(t *testing.T) {
		full := defaults()
		for _, c := range []config{{}, full, {PushWindow: settings.Off}, {Keep: settings.Off}} {
			if err := settings.Check(&c); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
	t.Run("returns all faults at once", func(t *testing.T) {
		c := config{CommentRate: 1001, CoinsPerUnit: -3, PushWindow: 2 * time.Second, Mode: "some", Keep: -time.Minute,
			WriteTimeout: 1, Limits: limits{MaxHTTPConnections: 1001}}
		err := settings.Check(&c)
		if err == nil {
			t.Fatal("no fault")
		}
		want := []string{
			"--comment-rate must be at most 1000 (got 1001)",
			"--coins-per-unit must be at least 1 (got -3)",
			"--push-window must be at most 1s (got 2s)",
			"--mode must be one of off, asked, all (got some)",
			"--keep must not be negative (got -1m0s)",
			"WriteTimeout must be at least 1s (got 1ns)",
			"--max-http-connections must be at most 1000 (got 1001)",
		}
		if got := strings.Split(err.Error(), "\n"); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %q", got)
		}
	})
	t.Run("asks the Config for rules of its own", func(t *testing.T) {
		c := config{Mode: "all", Strict: true}
		if err := settings.Check(&c); err == nil || err.Error() != "--mode all excludes --strict" {
			t.Fatalf("got %v", err)
		}
	})
}

// parse runs args through kong and into a Config.
func parse(t *testing.T, c *config, args ...string) error {
	t.Helper()
	var line struct {
		Settings kong.Plugins `embed:""`
	}
	flags := new(settings.Flags)
	flags.Add("test", c)
	line.Settings = kong.Plugins{flags.Struct()}
	parser, err := kong.New(&line)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags.Apply(nil)
}

func TestFlags(t *testing.T) {
	t.Run("without arguments give the defaults", func(t *testing.T) {
		var c config
		if err := parse(t, &c); err != nil || !reflect.DeepEqual(c, defaults()) {
			t.Fatalf("got %+v, %v", c, err)
		}
	})
	t.Run("have the names of their fields", func(t *testing.T) {
		var c config
		err := parse(t, &c, "--comment-rate=2.5", "--coins-per-unit=3", "--mode=all", "--origins=x,y", "--max-http-connections=9", "--keep=1h")
		want := config{CommentRate: 2.5, CoinsPerUnit: 3, PushWindow: 50 * time.Millisecond, Mode: "all", Origins: []string{"x", "y"},
			Keep: time.Hour, WriteTimeout: 8 * time.Second, Limits: limits{MaxHTTPConnections: 9}}
		if err != nil || !reflect.DeepEqual(c, want) {
			t.Fatalf("got %+v, %v", c, err)
		}
	})
	t.Run("store an explicit zero as Off", func(t *testing.T) {
		var c config
		if err := parse(t, &c, "--push-window=0s"); err != nil || c.PushWindow != settings.Off {
			t.Fatalf("got %v, %v", c.PushWindow, err)
		}
	})
	t.Run("refuse an explicit zero that means nothing", func(t *testing.T) {
		var c config
		err := parse(t, &c, "--coins-per-unit=0", "--max-http-connections=0")
		if err == nil || err.Error() != "--coins-per-unit must be at least 1 (got 0)\n--max-http-connections must be at least 1 (got 0)" {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("of one struct inside two Configs are one flag", func(t *testing.T) {
		var line struct {
			Settings kong.Plugins `embed:""`
		}
		var a, b struct{ Limits limits }
		var flags settings.Flags
		flags.Add("a", &a)
		flags.Add("b", &b)
		line.Settings = kong.Plugins{flags.Struct()}
		parser, err := kong.New(&line)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{"--max-http-connections=7"}); err != nil {
			t.Fatal(err)
		}
		if err := flags.Apply(nil); err != nil || a.Limits.MaxHTTPConnections != 7 || b.Limits.MaxHTTPConnections != 7 {
			t.Fatalf("got %+v, %+v, %v", a, b, err)
		}
	})
	t.Run("of the same name in two structs panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("accepted")
			}
		}()
		var flags settings.Flags
		flags.Add("a", new(limits))
		flags.Add("b", &struct {
			MaxHTTPConnections int `default:"4" help:"Open HTTP connections."`
		}{})
	})
	t.Run("describe unit, bounds and zero", func(t *testing.T) {
		help := map[string]string{}
		for _, s := range settings.Of(new(config)) {
			help[s.Env()] = s.Help()
		}
		for env, want := range map[string]string{
			"ROOMLOG_COMMENT_RATE":         "Comments accepted from one user. (comments/s; 0.1 to 1000)",
			"ROOMLOG_PUSH_WINDOW":          "Time during which pushes are collected. (at most 1s; 0: every push is written at once)",
			"ROOMLOG_MODE":                 "Which lives are recorded. (one of off, asked, all)",
			"ROOMLOG_MAX_HTTP_CONNECTIONS": "Open HTTP connections. (1 to 1000)",
			"ROOMLOG_STRICT":               "Refuse unknown fields.",
		} {
			if help[env] != want {
				t.Errorf("%s: got %q, want %q", env, help[env], want)
			}
		}
	})
}

func TestMalformedTagsPanic(t *testing.T) {
	for _, config := range []any{
		struct{}{},
		&struct {
			N int `default:"x" help:"A number."`
		}{},
		&struct {
			N int `default:"5" max:"4" help:"A number."`
		}{},
		&struct {
			B bool `default:"true" help:"A bool."`
		}{},
		&struct {
			C chan int `default:"1" help:"A channel."`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is accepted", config)
				}
			}()
			settings.Of(config)
		}()
	}
}
