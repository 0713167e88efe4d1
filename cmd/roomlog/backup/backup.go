package backup

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore/localpg"
)

// standardStream is the argument for standard output or standard input.
const standardStream = "-"

// Command is the command "roomlog backup".
type Command struct {
	Dir            string `arg:"" help:"New folder for the backup, or - to write a tar stream to standard output."`
	DatabaseOnly   bool   `xor:"files" help:"Copy only the database: no uploads, no recordings and no indexes of recordings."`
	WithRecordings bool   `xor:"files" help:"Also copy the files of the recordings, not only their indexes."`
	WithSecrets    bool   `help:"Also copy the generated secrets of the data folder. Who has them can sign tokens, streams and payments."`
	Recordings     string `env:"ROOMLOG_RECORDINGS" placeholder:"DIR" help:"Folder of the recordings, as in serve. Default: recordings in the data folder."`
}

// Help returns the part of the help that follows the summary.
func (Command) Help() string {
	return `Examples:

  roomlog backup /backups/monday
  roomlog backup --with-secrets - | age -r KEY > monday.tar.age
  roomlog backup - | ssh backup-host 'cat > monday.tar'

Runs beside servers. The database is copied with pg_dump, as it is at one moment; uploads and the indexes of recordings follow.
manifest.json names every file with its size and SHA-256, the versions, the position of the log and the newest signed checkpoint. A folder
has another name (DIR.partial) until it is complete, and a stream that was cut is refused by restore. A backup contains password hashes and
the keys of personal texts: protect it like the database. It does not contain settings, and secrets only with --with-secrets.

pg_dump must be at least as new as the database. Needs no disk space besides the backup.
Next: roomlog restore --check DIR; on an empty machine: roomlog restore DIR`
}

// Run writes a backup of the database, the uploads and, on request, recordings and secrets.
func (c *Command) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	if c.Dir == standardStream && cli.IsTerminal(sh.Stdout) {
		return errors.New("standard output is a terminal: redirect it to a file or a program, or name a folder")
	}
	log := g.Logger(sh, slog.LevelWarn)
	dsn, release, err := g.Database(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	dataDir, err := g.DataDir(sh)
	if err != nil {
		return err
	}
	b := &writer{progress: newProgress(sh), manifest: Manifest{Format: manifestFormat, ID: uuid.NewString(), Roomlog: cli.ReadBuild().Version,
		CreatedAt: sh.Now().UTC(), Recordings: c.WithRecordings, Secrets: c.WithSecrets, Files: []File{}}}
	defer b.progress.end()
	if c.Dir == standardStream {
		b.to = stream{tar.NewWriter(sh.Stdout)}
	} else if b.to, err = createFolder(c.Dir); err != nil {
		return err
	}
	defer b.to.abort()
	if err := b.database(ctx, dsn, g.PostgresConfig(sh, dataDir, log), g.LockTimeout); err != nil {
		return err
	}
	if err := c.files(ctx, b, dataDir); err != nil {
		return err
	}
	missing, err := c.missing(b, dataDir)
	if err != nil {
		return err
	}
	if err := b.commit(); err != nil {
		return err
	}
	b.progress.end()
	_, err = fmt.Fprintln(sh.Stderr, "backup: "+b.manifest.summary()+missing)
	return err
}

// missing returns an error if a folder is missing whose files the log lists, and otherwise a text about files that the log lists
// and the backup lacks.
func (c *Command) missing(b *writer, dataDir string) (text string, err error) {
	if c.DatabaseOnly {
		return "", nil
	}
	uploads, recordings := filepath.Join(dataDir, uploadsFolder), c.recordingsFolder(dataDir)
	if b.listed.uploads > 0 && !isFolder(uploads) {
		return "", fmt.Errorf("the log lists %s, and there is no folder %s: name the data folder of the servers with --data, or use --database-only",
			cli.Count(b.listed.uploads, "upload"), uploads)
	}
	if c.WithRecordings && (b.listed.recordings > 0 || c.Recordings != "") && !isFolder(recordings) {
		return "", fmt.Errorf("the log lists %s, and there is no folder %s: name the folder of the recordings with --recordings",
			cli.Count(b.listed.recordings, "recording"), recordings)
	}
	if lacks := b.listed.uploads - b.manifest.uploads(); lacks > 0 {
		text += fmt.Sprintf("\nbackup: %s that the log lists are not in %s", cli.Count(lacks, "upload"), uploads)
	}
	if lacks := b.listed.recordings - b.manifest.indexes(); lacks > 0 {
		text += fmt.Sprintf("\nbackup: %s that the log lists are not in %s; other nodes may have them", cli.Count(lacks, "recording"), recordings)
	}
	return text, nil
}

func (c *Command) recordingsFolder(dataDir string) string {
	return cmp.Or(c.Recordings, filepath.Join(dataDir, recordingsFolder))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// files adds the files of the data folder. Uploads are copied after the database: their files are older than their events.
func (c *Command) files(ctx context.Context, b *writer, dataDir string) error {
	from := copier{func(e entry, r io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return b.add(e, r)
	}}
	var err error
	if !c.DatabaseOnly {
		err = from.uploads(filepath.Join(dataDir, uploadsFolder))
		if err == nil {
			err = from.recordings(c.recordingsFolder(dataDir), c.WithRecordings)
		}
	}
	if err != nil || !c.WithSecrets {
		return err
	}
	if err := from.secrets(filepath.Join(dataDir, secretsFolder)); err != nil {
		return err
	}
	if n, _ := b.manifest.within(secretsFolder); n == 0 {
		return fmt.Errorf("--with-secrets: %s contains no generated secret; secrets in the environment or in files of your own are not copied", filepath.Join(dataDir, secretsFolder))
	}
	return nil
}

// writer writes the files of a backup and lists them in its manifest.
type writer struct {
	to       output
	manifest Manifest
	listed   listedFiles
	progress *progress
}

func (b *writer) add(e entry, r io.Reader) error {
	if err := checkPath(e.path); err != nil {
		return fmt.Errorf("the data folder contains %.200q, which a backup cannot contain: move it away", e.path)
	}
	b.progress.step("writing " + e.path)
	sum := sha256.New()
	if err := b.to.add(e, io.TeeReader(r, io.MultiWriter(sum, b.progress))); err != nil {
		return err
	}
	b.manifest.Files = append(b.manifest.Files, File{e.path, e.size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// database adds a dump of the database as it is at one moment.
func (b *writer) database(ctx context.Context, dsn string, config localpg.Config, lockTimeout time.Duration) error {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s, err := begin(ctx, conn, &b.manifest)
	if err == nil {
		b.listed, err = s.files(ctx)
	}
	if err != nil {
		return err
	}
	tool, err := localpg.FindTool(ctx, config, "pg_dump", b.manifest.Postgres)
	if err != nil {
		return err
	}
	b.manifest.Dump = tool.Major
	b.progress.step("reading the database")
	part := 0
	return s.dump(ctx, tool, dsn, lockTimeout, func(content []byte) error {
		part++
		e := entry{path.Join(databaseFolder, fmt.Sprintf("%06d", part)), 0o600, b.manifest.CreatedAt, int64(len(content))}
		return b.add(e, bytes.NewReader(content))
	})
}

// commit writes the manifest and completes the backup.
func (b *writer) commit() error {
	text, err := json.MarshalIndent(b.manifest, "", "  ")
	if err != nil {
		return err
	}
	e := entry{manifestName, 0o600, b.manifest.CreatedAt, int64(len(text))}
	if err := b.to.add(e, bytes.NewReader(text)); err != nil {
		return err
	}
	return b.to.commit()
}

// summary returns what a backup contains.
func (m *Manifest) summary() string {
	_, dump := m.within(databaseFolder)
	_, uploadBytes := m.within(uploadsFolder)
	text := fmt.Sprintf("log %s up to position %d (%s), %s (%s)", m.Log, m.Position, size(dump), cli.Count(m.uploads(), "upload"), size(uploadBytes))
	files, bytes := m.within(recordingsFolder)
	if m.Recordings {
		text += fmt.Sprintf(", recordings (%s, %s)", cli.Count(files, "file"), size(bytes))
	}
	if m.Secrets {
		text += ", with secrets"
	}
	return text
}
