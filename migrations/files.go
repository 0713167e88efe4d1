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

// codeVersion is a part of the fingerprint. Increment it when a change of Apply makes it create a different database
// from the same files.
const codeVersion = 2

func files() fs.FS { return embedded }

// grants returns the statements that run after every migration. They are idempotent.
func grants() string {
	b, err := embedded.ReadFile("grants.sql")
	if err != nil {
		panic(err) // cannot happen: the compiler has checked that the file exists
	}
	return string(b)
}

// Fingerprint returns a hash. The hash changes when Apply would create a different database.
func Fingerprint() string { return fingerprint(embedded) }

func fingerprint(files fs.FS) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n", codeVersion, Role)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // cannot happen: the pattern is valid
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
