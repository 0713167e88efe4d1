// Package settings reads the description of settings from the struct tags of a Config: name, default, bounds, unit
// and help. A field with a help tag is a setting with a flag. A field with only a default tag is a setting without a
// flag. The package ignores all other fields, such as dependencies and values that the caller computes.
//
//	type Config struct {
//		Store *eventstore.Store // no tag: not a setting
//
//		CommentRate float64       `default:"5" min:"0.1" max:"1000" unit:"comments/s" help:"Comments accepted from one user."`
//		PushWindow  time.Duration `default:"50ms" max:"1s" zero:"every push is written immediately" help:"Time during which pushes are collected."`
//		Mode        string        `default:"requested" oneof:"off,requested,all" help:"Lives that are recorded."`
//		WriteTimeout time.Duration `default:"8s"` // no help tag: no flag
//	}
//
// The names of the flag and the environment variable are derived from the field: CommentRate is --comment-rate and
// ROOMLOG_COMMENT_RATE. The tags:
//
//   - help: one full sentence. The help of the command adds the unit, the bounds and the variable.
//   - default: the value that replaces the zero value. A bool has no default: name it so that false is the default.
//   - min, max: inclusive bounds in the syntax of the value.
//   - zero: the meaning of an explicit 0, if 0 has a special meaning. The flag then stores Off in the field, because
//     the zero value means the default. Code that uses the field tests for > 0.
//   - oneof: the permitted values of a string, separated by commas.
//   - unit: the unit of a number that is not a duration.
//   - placeholder: the text that the help displays instead of a default, if there is no default.
//
// Fields of nested structs are settings too. To share a setting between two Configs, nest the struct that declares it
// in both. A second declaration of the same name is a programming error. Write rules that tags cannot express in a
// method CheckSettings() error of the Config.
//
// The package imports nothing of roomlog. Packages with tags need not import it: the code that builds the Config
// calls Defaults. The package never reads the environment or the command line.
package settings
