package settings

// Source is the origin of the value of a setting.
type Source struct {
	Kind string // default, flag, environment or file
	Name string // name that the user has written: --queue-size, ROOMLOG_QUEUE_SIZE, or queue-size in a file
}

// The kinds of a Source, in the order of precedence: a flag overrides all others.
const (
	FromDefault     = "default"
	FromFile        = "file"
	FromEnvironment = "environment"
	FromFlag        = "flag"
)

// Sources returns the source of a setting by the name of its flag.
type Sources func(flag string) Source

// source returns the source of a flag: its default if s does not know another.
func (s Sources) source(flag string) Source {
	if s != nil {
		if found := s(flag); found.Kind != "" {
			return found
		}
	}
	return Source{FromDefault, "--" + flag}
}

// Sourced is a setting with its source.
type Sourced struct {
	Setting
	Source Source
}
