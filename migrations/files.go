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

// code counts the changes of Apply that lead to another database from the same files.
const code = 1

func files() fs.FS { return embedded }

// grants is run after the goose files, again after every migration: it has to be idempotent.
func grants() string {
	b, err := embedded.ReadFile("grants.sql")
	if err != nil {
		panic(err) // embedded: it was there when this was compiled
	}
	return string(b)
}

// Fingerprint changes whenever Apply would make another database.
func Fingerprint() string { return fingerprint(embedded) }

func fingerprint(files fs.FS) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n", code, Role)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // the pattern is right
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
