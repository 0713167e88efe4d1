package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run carries the command out.
func (*versionCommand) Run(sh shell) error {
	_, err := fmt.Fprintln(sh.stdout, "roomlog", version())
	return err
}

// version is the tag or commit that this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	switch v := info.Main.Version; {
	case v != "" && v != "(devel)":
		return v
	case settings["vcs.revision"] != "":
		return "dev-" + settings["vcs.revision"][:min(12, len(settings["vcs.revision"]))]
	}
	return "dev"
}
