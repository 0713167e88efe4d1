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
	file        *configFile                // configuration file; nil: none
	flags       map[string]settings.Source // where the value of a flag was found
	faults      map[string]error           // faults of the files that contain the values of flags, by flag
}

// NewSources returns the sources without a configuration file. environ contains the variables of the process, as NAME=value.
func NewSources(environ []string) *Sources {
	return &Sources{environment: newEnvironment(environ), flags: map[string]settings.Source{}, faults: map[string]error{}}
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
	for _, flag := range fileFlags {
		known = append(known, flag+keyFileSuffix)
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

// SecretFiles returns the contents of the files that variables NAME_FILE and keys NAME-file name. Files that cannot be read are left out:
// Variable and Faults return their faults.
func (s *Sources) SecretFiles() (contents []string) {
	var paths []string
	for _, variable := range variables {
		if path := s.Getenv(variable + fileSuffix); path != "" {
			paths = append(paths, path)
		}
	}
	for _, flag := range fileFlags {
		paths = append(paths, s.environment[FileVariable(flag)])
		if s.file != nil {
			paths = append(paths, s.file.values[flag+keyFileSuffix])
		}
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if content, err := ReadSmallFile(path); err == nil {
			contents = append(contents, content)
		}
	}
	return contents
}

// Flag returns the value of a flag that is not on the command line. The value comes from the variables of the flag,
// from the configuration file, or from the file that one of them names. Faults returns the fault of such a file.
func (s *Sources) Flag(flag string, variables []string) (value string, found bool) {
	inEnvironment := func(name string) settings.Source { return settings.Source{Kind: settings.FromEnvironment, Name: name} }
	for _, variable := range variables {
		if value := s.environment[variable]; value != "" {
			return s.choose(flag, value, inEnvironment(variable), s.environment[FileVariable(flag)], inEnvironment(FileVariable(flag)))
		}
	}
	if path := s.environment[FileVariable(flag)]; path != "" {
		return s.choose(flag, "", settings.Source{}, path, inEnvironment(FileVariable(flag)))
	}
	if s.file == nil {
		return "", false
	}
	path := ""
	if FileVariable(flag) != "" {
		path = s.file.values[flag+keyFileSuffix]
	}
	return s.choose(flag, s.file.values[flag], s.inFile(flag), path, s.inFile(flag+keyFileSuffix))
}

// choose returns the value of a flag, or the content of the file at path. The sources name both.
func (s *Sources) choose(flag, value string, source settings.Source, path string, fileSource settings.Source) (string, bool) {
	var err error
	switch {
	case value != "" && path != "":
		err = fmt.Errorf("both %s and %s are set: remove one of them", source.Name, fileSource.Name)
	case path != "":
		source = fileSource
		value, err = readNamed(source.Name, path)
	case value == "":
		return "", false
	}
	if err != nil {
		s.faults[flag] = err
		return "", false
	}
	s.flags[flag] = source
	return value, true
}

// Faults returns the faults of the files that contain the values of flags.
func (s *Sources) Faults() error {
	var faults []error
	for _, flag := range slices.Sorted(maps.Keys(s.faults)) {
		faults = append(faults, s.faults[flag])
	}
	return errors.Join(faults...)
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
