// Package settings makes the struct tags of a Config the one place where a setting is described: name, default,
// bounds, unit and help. A field with a help tag is a setting with a flag, a field with only a default tag is a setting
// without one. Other fields are dependencies or values that the caller computes; the package leaves them alone.
//
//	type Config struct {
//		Store *eventstore.Store // no tag: not a setting
//
//		CommentRate float64       `default:"5" min:"0.1" max:"1000" unit:"comments/s" help:"Comments accepted from one user."`
//		PushWindow  time.Duration `default:"50ms" max:"1s" zero:"every push is written at once" help:"Time during which pushes are collected."`
//		Mode        string        `default:"requested" oneof:"off,requested,all" help:"Lives that are recorded."`
//		WriteTimeout time.Duration `default:"8s"` // no help tag: no flag
//	}
//
// The flag and the environment variable follow from the field: CommentRate is --comment-rate and
// ROOMLOG_COMMENT_RATE. The tags:
//
//   - help: one full sentence. Unit, bounds and variable are added to it in the command's help.
//   - default: the value of a field that is zero. A bool has none: name it so that false is the default.
//   - min, max: inclusive bounds in the syntax of the value.
//   - zero: what an explicit 0 means, if it means something. The flag then stores Off in the field, because a zero
//     field means the default. Code that uses the field tests for > 0.
//   - oneof: the permitted values of a string, separated by commas.
//   - unit: the unit of a number that is no duration.
//   - placeholder: shown instead of a default that does not exist.
//
// A nested struct field of a Config is searched for settings too. Two Configs share a setting by nesting the struct
// that declares it; a second declaration of the same name is a fault of the program. Rules that tags cannot express are written in a
// method CheckSettings() error of the Config.
//
// The package imports nothing of roomlog, and packages with tags need not import it: the caller that builds the Config
// calls Defaults. It never reads the environment or the command line.
package settings
