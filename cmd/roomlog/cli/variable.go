package cli

import (
	"fmt"
	"os"
	"strings"
)

// maxSmallFile is the maximum size in bytes of a file with a secret or an address.
const maxSmallFile = 4 << 10

// Variable returns the environment variable with this name, or the content of the file whose path is in the variable
// NAME_FILE. It returns "" if neither is set, and an error if both are.
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

// ReadSmallFile returns the content of a regular file of at most 4 KiB, without the white space at both ends.
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
