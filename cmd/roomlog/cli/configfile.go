package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"roomlog/internal/settings"
)

// maxConfigFile bounds a configuration file, in bytes.
const maxConfigFile = 1 << 20

// configFile is a parsed configuration file.
type configFile struct {
	path   string
	values map[string]string // values in the syntax of a flag, by the name of the flag or the key of the variable
	mode   os.FileMode
}

// readConfigFile reads a file and returns all faults in it at once. known are the names that it may contain.
func readConfigFile(path string, known []string) (*configFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxConfigFile))
	if err != nil {
		return nil, err
	}
	table := map[string]any{}
	if err := toml.Unmarshal(content, &table); err != nil {
		var where *toml.DecodeError
		if errors.As(err, &where) {
			row, column := where.Position()
			return nil, fmt.Errorf("%s, line %d, column %d is not TOML: %w", path, row, column, err)
		}
		return nil, fmt.Errorf("%s is not TOML: %w", path, err)
	}
	file := &configFile{path, map[string]string{}, info.Mode()}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if _, ok := table[key].(map[string]any); ok {
			faults = append(faults, fmt.Errorf("%s in %s is a table: write all settings outside of tables", key, path))
			continue
		}
		if !slices.Contains(known, key) {
			faults = append(faults, fmt.Errorf("%s in %s is not a setting: do you mean %s?", key, path, Nearest(strings.ReplaceAll(strings.ToLower(key), "_", "-"), known)))
			continue
		}
		value, err := flagSyntax(table[key])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s in %s %w", key, path, err))
		}
		file.values[key] = value
	}
	return file, errors.Join(faults...)
}

// exposed returns the secrets in the file, if other users can read it.
func (f *configFile) exposed() (keys []string) {
	if f == nil || f.mode.Perm()&0o077 == 0 {
		return nil
	}
	for _, name := range variables {
		if key := KeyOf(name); f.values[key] != "" {
			keys = append(keys, key)
		}
	}
	for _, flag := range fileFlags { // the address of a database or of a receiver of hooks may contain a secret in a form that Redact does not know
		if value := f.values[flag]; value != "" && (flag == "read-url" || flag == "hook-url" || settings.Redact(value) != value) {
			keys = append(keys, flag)
		}
	}
	return keys
}

// flagSyntax returns a value as it would be written behind a flag.
func flagSyntax(value any) (string, error) {
	switch v := value.(type) {
	case string, bool, int64, float64:
		return fmt.Sprint(v), nil
	case []any:
		var items []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok || strings.Contains(text, ",") {
				return "", errors.New("must be a list of texts without commas")
			}
			items = append(items, text)
		}
		return strings.Join(items, ","), nil
	case time.Time, toml.LocalDate, toml.LocalDateTime, toml.LocalTime:
		return "", errors.New("must not be a date or time: write a duration in quotation marks, like \"30s\"")
	}
	return "", errors.New("must be a text, a number, true, false or a list of texts")
}
