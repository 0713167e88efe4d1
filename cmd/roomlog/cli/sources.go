package cli

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"roomlog/internal/settings"
)

// Sources are the places that settings come from: the command line, the environment and the configuration file, in the order of
// their precedence.
type Sources struct {
	environment environment
	file        *configFile                // nil: none
	flags       map[string]settings.Source // where the value of a flag was found
}

// NewSources returns the sources without a configuration file. environ contains the variables of the process, as NAME=value.
func NewSources(environ []string) *Sources {
	return &Sources{environment: newEnvironment(environ), flags: map[string]settings.Source{}}
}

// CheckEnvironment returns an error for each variable of the environment whose name has the form of a setting, but is not
// the name of one. flags are the variables of all flags.
func (s *Sources) CheckEnvironment(flags []string) error { return s.environment.check(flags) }

// ReadFile reads the configuration file. flags are the names of the flags of all settings. name is the name of the
// file's setting that the user has written. If the file has faults, ReadFile returns them, and the settings without
// faults are used.
func (s *Sources) ReadFile(name, path string, flags []string) (err error) {
	known := slices.DeleteFunc(slices.Clone(flags), func(flag string) bool { return flag == "config" })
	for _, variable := range variables {
		known = append(known, KeyOf(variable), KeyOf(variable+fileSuffix))
	}
	s.file, err = readConfigFile(path, known)
	if err != nil && s.file == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// FileValues returns the values in the configuration file.
func (s *Sources) FileValues() []string {
	if s.file == nil {
		return nil
	}
	return slices.Collect(maps.Values(s.file.values))
}

// SecretFiles returns the contents of the files that variables NAME_FILE name. Files that cannot be read are left out: Variable returns
// their faults.
func (s *Sources) SecretFiles() (contents []string) {
	for _, variable := range variables {
		if path := s.Getenv(variable + fileSuffix); path != "" {
			if content, err := ReadSmallFile(path); err == nil {
				contents = append(contents, content)
			}
		}
	}
	return contents
}

// Flag returns the value of a flag that is not on the command line: of its variables, or of the file.
func (s *Sources) Flag(flag string, variables []string) (value string, found bool) {
	for _, variable := range variables {
		if value := s.environment[variable]; value != "" {
			s.flags[flag] = settings.Source{Kind: settings.FromEnvironment, Name: variable}
			return value, true
		}
	}
	if s.file != nil && s.file.values[flag] != "" {
		s.flags[flag] = s.inFile(flag)
		return s.file.values[flag], true
	}
	return "", false
}

// OnCommandLine notes that a flag is on the command line.
func (s *Sources) OnCommandLine(flag string) {
	s.flags[flag] = settings.Source{Kind: settings.FromFlag, Name: "--" + flag}
}

// Of returns the source of a flag; its Kind is empty if the flag has its default.
func (s *Sources) Of(flag string) settings.Source { return s.flags[flag] }

// NameOf returns how the user has named a flag.
func (s *Sources) NameOf(flag string) string {
	if source := s.Of(flag); source.Kind != "" {
		return source.Name
	}
	return "--" + flag
}

func (s *Sources) inFile(key string) settings.Source {
	return settings.Source{Kind: settings.FromFile, Name: key + " in " + s.file.path}
}

// Getenv returns a variable of the environment. A setting without a flag may also come from the configuration file, which
// the environment overrides.
func (s *Sources) Getenv(name string) string {
	if value := s.environment[name]; value != "" {
		return value
	}
	if s.fromFile(name) {
		return s.file.values[KeyOf(name)]
	}
	return ""
}

// fromFile reports whether the file determines a variable: the environment has neither NAME nor NAME_FILE.
func (s *Sources) fromFile(name string) bool {
	for _, variable := range variables {
		if s.file != nil && (name == variable || name == variable+fileSuffix) {
			return s.environment[variable] == "" && s.environment[variable+fileSuffix] == ""
		}
	}
	return false
}

// OfVariable returns the source of a setting without a flag.
func (s *Sources) OfVariable(name string) settings.Source {
	for _, one := range []string{name, name + fileSuffix} {
		switch {
		case s.Getenv(one) == "":
		case s.fromFile(one):
			return s.inFile(KeyOf(one))
		default:
			return settings.Source{Kind: settings.FromEnvironment, Name: one}
		}
	}
	return settings.Source{Kind: settings.FromDefault, Name: name}
}

var variableName = regexp.MustCompile(`\b[A-Z][A-Z_]+[A-Z]\b`)

// Rename replaces variables in a fault by the keys of the configuration file, if their values come from there.
func (s *Sources) Rename(fault error) error {
	if fault == nil || s.file == nil {
		return fault
	}
	return errors.New(variableName.ReplaceAllStringFunc(fault.Error(), func(name string) string {
		if s.fromFile(name) && s.Getenv(name) != "" {
			return s.inFile(KeyOf(name)).Name
		}
		return name
	}))
}

// Exposed returns the path of the configuration file and the secrets in it, if other users can read it.
func (s *Sources) Exposed() (path string, keys []string) {
	if keys = s.file.exposed(); len(keys) > 0 {
		path = s.file.path
	}
	return path, keys
}
