package cli

import (
	"fmt"
	"runtime/debug"
)

// Build describes the build of the running program.
type Build struct {
	Version string // version of the module: a tag, a pseudo-version, or "devel" for a build from a work tree
	Commit  string // commit of the source tree; "" if unknown
	Date    string // time of the commit in RFC 3339; "" if unknown
	Dirty   bool   // whether the work tree had changes that are not in the commit
	Go      string // version of the Go toolchain
}

// ReadBuild returns the build information that the Go toolchain has recorded in the program.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: "devel"}
	}
	b := Build{Version: info.Main.Version, Go: info.GoVersion}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// String returns the build as one line: "v1.2.0 (commit 1a2b3c4d5e6f, 2026-11-28T10:00:00Z, go1.26.0)".
func (b Build) String() string {
	text := b.Version + " ("
	if b.Commit != "" {
		text += "commit " + b.Commit[:min(12, len(b.Commit))]
		if b.Dirty {
			text += " with changes"
		}
		text += ", "
	}
	if b.Date != "" {
		text += b.Date + ", "
	}
	return fmt.Sprintf("%s%s)", text, b.Go)
}
