package cli

import (
	"fmt"
	"os"
	"strings"
)

// maxSmallFile bounds a file with a secret or an address, in bytes.
const maxSmallFile = 4 << 10

// Variable returns the environment variable name, or the content of the file that the variable name_FILE names. It
// returns "" if neither is set, and an error if both are.
func Variable(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return "", fmt.Errorf("both %s and %s_FILE are set: remove one of them", name, name)
	case path == "":
		return value, nil
	}
	value, err := ReadSmallFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	if value == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, path)
	}
	return value, nil
}

// ReadSmallFile returns the content of a regular file of at most 4 KiB without the white space around it.
func ReadSmallFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSmallFile {
		return "", fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxSmallFile)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}
