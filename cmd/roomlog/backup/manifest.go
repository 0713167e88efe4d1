package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"roomlog/api/upload"
	"roomlog/media/record"
	"roomlog/migrations"
)

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
	maxManifest    = 1 << 30 // maximum size in bytes
)

// The folders of a backup.
const (
	databaseFolder   = "database"
	uploadsFolder    = "uploads"
	recordingsFolder = "recordings"
	indexFolder      = "recordings-index" // the indexes of recordings whose files are not in the backup
	secretsFolder    = "secrets"
)

// Manifest describes a backup. It is the last file of a backup: a backup without it is not complete.
type Manifest struct {
	Format    int       `json:"format"`
	ID        string    `json:"id"`         // random id of the backup
	Roomlog   string    `json:"roomlog"`    // version of the program
	CreatedAt time.Time `json:"created_at"` // time of the backup by the clock of the process

	Log        string `json:"log"`                  // id of the log
	Position   int64  `json:"position"`             // position of the newest event
	EventID    string `json:"event_id,omitempty"`   // id of the newest event
	Migration  int64  `json:"migration"`            // number of the newest migration of the database
	Checkpoint string `json:"checkpoint,omitempty"` // newest signed checkpoint of the transparency log

	Postgres int `json:"postgres"` // major version of the database
	Dump     int `json:"dump"`     // major version of pg_dump

	Recordings bool `json:"recordings"` // whether the files of the recordings are in the backup
	Secrets    bool `json:"secrets"`    // whether the generated secrets are in the backup

	Files []File `json:"files"` // files in the order of the backup
}

// File is one file of a backup.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// within returns the number of files in a folder of the backup, and their size in bytes.
func (m *Manifest) within(folder string) (files int, bytes int64) {
	for _, f := range m.Files {
		if top, _ := path.Split(f.Path); top == folder+"/" || len(top) > len(folder) && top[:len(folder)+1] == folder+"/" {
			files++
			bytes += f.Bytes
		}
	}
	return files, bytes
}

// uploads returns the number of uploads in the backup.
func (m *Manifest) uploads() int {
	n, _ := m.within(uploadsFolder)
	if slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == uploadsFolder+"/"+upload.Marker }) {
		n--
	}
	return n
}

// indexes returns the number of recordings whose index is in the backup.
func (m *Manifest) indexes() (n int) {
	for _, f := range m.Files {
		top, _, _ := strings.Cut(f.Path, "/")
		if path.Base(f.Path) == record.IndexFile && (top == indexFolder || top == recordingsFolder) {
			n++
		}
	}
	return n
}

var errDamaged = errors.New("the backup is damaged")

func readManifest(r io.Reader) (*Manifest, error) {
	m := new(Manifest)
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, manifestName, err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("the backup has format %d, this program knows format %d: use roomlog %s", m.Format, manifestFormat, m.Roomlog)
	}
	if newest := migrations.Newest(); m.Migration > newest {
		return nil, fmt.Errorf("%w: the backup is of migration %d, the newest known one is %d; use roomlog %s", migrations.ErrNewer, m.Migration, newest, m.Roomlog)
	}
	return m, nil
}

// compare returns an error unless the files that were read are those of the manifest.
func (m *Manifest) compare(read []File) error {
	listed := make(map[string]File, len(m.Files))
	for _, f := range m.Files {
		listed[f.Path] = f
	}
	for _, f := range read {
		switch expected, found := listed[f.Path]; {
		case !found:
			return fmt.Errorf("%w: %s is not in the manifest", errDamaged, f.Path)
		case expected != f:
			return fmt.Errorf("%w: %s has %d bytes and SHA-256 %s, the manifest says %d and %s", errDamaged, f.Path, f.Bytes, f.SHA256, expected.Bytes, expected.SHA256)
		}
		delete(listed, f.Path)
	}
	for _, f := range m.Files {
		if _, missing := listed[f.Path]; missing {
			return fmt.Errorf("%w: %s is missing", errDamaged, f.Path)
		}
	}
	return nil
}

// entry is a file of a backup, without its content.
type entry struct {
	path     string // path with slashes, relative to the backup
	mode     fs.FileMode
	modified time.Time
	size     int64
}

var knownPath = regexp.MustCompile(`^(database/[0-9]{6}|uploads/[^/]+|secrets/[a-z]+|recordings(-index)?/[^/]+/[^/]+/[^/]+|manifest\.json)$`)

// checkPath returns an error if a backup cannot contain a file with this path.
func checkPath(name string) error {
	if !knownPath.MatchString(name) || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%w: it contains a file that no backup has: %.200q", errDamaged, name)
	}
	return nil
}
