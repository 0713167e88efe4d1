package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
)

//go:embed *.sql
var embedded embed.FS

// codeVersion is incremented when a change of Apply creates a different database from the same files.
const codeVersion = 2

func files() fs.FS { return embedded }

// grants returns the statements that run after the migrations each time. They are idempotent.
func grants() string {
	b, err := embedded.ReadFile("grants.sql")
	if err != nil {
		panic(err) // embedded: the compiler has verified that it exists
	}
	return string(b)
}

// Fingerprint returns a hash that changes when Apply would create a different database.
func Fingerprint() string { return fingerprint(embedded) }

func fingerprint(files fs.FS) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n", codeVersion, Role)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // the pattern is valid
	}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
	}
	return hex.EncodeToString(h.Sum(nil))
}
