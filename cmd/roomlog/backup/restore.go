package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"roomlog/cmd/roomlog/admin"
	"roomlog/cmd/roomlog/cli"
	"roomlog/migrations"
)

// RestoreCommand is the command "roomlog restore".
type RestoreCommand struct {
	Dir        string `arg:"" help:"Folder of a backup, or - to read a tar stream from standard input."`
	Check      bool   `help:"Only read the backup and compare every file with the manifest. Restores nothing."`
	NoVerify   bool   `help:"Do not verify the restored log and tables."`
	Recordings string `env:"ROOMLOG_RECORDINGS" placeholder:"DIR" help:"Folder of the recordings, as in serve. A backup with recordings is refused if this is not the folder recordings in the data folder."`
}

// Help returns the part of the help that follows the summary.
func (RestoreCommand) Help() string {
	return `Examples:

  roomlog restore --check /backups/monday         read it, and compare every file with its SHA-256
  roomlog restore /backups/monday                 into an empty data folder (--data)
  DATABASE_URL=postgres://… roomlog restore - < monday.tar

Restores a backup into an empty database and an empty data folder, and refuses anything else. Every file is compared with the manifest
before the database is touched. The database appears in one transaction, after the files; then the missing migrations of this program are
applied, the rights of the serving role are granted, and everything is verified (see roomlog verify). A restore that was killed leaves
nothing that starts: run the same command again, and it continues or begins again.

Without secrets in the backup, put those of the former servers into the data folder or the environment before the first start; if they are
lost, start once with serve --replace-secrets. pg_restore must be at least as new as pg_dump was. The database may be of a newer major
version of PostgreSQL than the backup.`
}

// Run restores the backup.
func (c *RestoreCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	var from input = folderInput{c.Dir}
	if c.Dir == standardStream {
		from = tarInput{sh.Stdin}
	}
	p := newProgress(sh)
	defer p.end()
	if c.Check {
		m, err := read(from, p, func(entry, io.Reader) error { return ctx.Err() })
		p.end()
		if err == nil {
			_, err = fmt.Fprintf(sh.Stdout, "ok: %s, %s\n", m.summary(), cli.Count(len(m.Files), "file"))
		}
		return err
	}
	dataDir, err := g.DataDir(sh)
	if err != nil {
		return err
	}
	t, err := openTarget(dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	log := g.Logger(sh, slog.LevelWarn)
	dsn, release, err := g.RestoreDatabase(ctx, sh, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	db, err := openDatabase(ctx, dsn, g.Migrations(log), g.PostgresConfig(sh, dataDir, log))
	if err != nil {
		return err
	}
	defer func() { _ = db.conn.Close(context.WithoutCancel(ctx)) }()
	m, err := c.restore(ctx, t, db, from, p)
	if err != nil {
		return err
	}
	if _, err := migrations.Apply(ctx, dsn, g.Migrations(log)); err != nil {
		return err
	}
	p.end()
	if !c.NoVerify {
		if err := verify(ctx, sh, dsn); err != nil {
			return err
		}
	}
	if err := t.finish(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.Stdout, "restored: %s\n", m.summary())
	return err
}

// restore restores the files and then the database, or only finds that an earlier run has done so.
func (c *RestoreCommand) restore(ctx context.Context, t *target, db *database, from input, p *progress) (*Manifest, error) {
	if done := t.restored(); done != nil {
		switch same, err := db.contains(ctx, done); {
		case err != nil:
			return nil, err
		case same:
			return done, nil // the earlier run was killed after the commit
		}
	}
	if err := db.checkEmpty(ctx); err != nil {
		return nil, err
	}
	if err := t.begin(); err != nil {
		return nil, err
	}
	m, err := c.restoreInto(ctx, t, db, from, p)
	if err != nil {
		if db.mayContain(ctx, m) { // the reply to the commit was lost
			return nil, fmt.Errorf("%w: run the command again", err)
		}
		return nil, errors.Join(err, t.clean())
	}
	return m, nil
}

func (c *RestoreCommand) restoreInto(ctx context.Context, t *target, db *database, from input, p *progress) (*Manifest, error) {
	m, err := read(from, p, func(e entry, r io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return t.receive(e, r)
	})
	if err != nil {
		return nil, err
	}
	if err := c.checkRecordings(t.dir, m); err != nil {
		return nil, err
	}
	tool, err := db.tool(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := t.place(m); err != nil {
		return nil, err
	}
	p.step("restoring the database")
	dump, err := t.dump(m)
	if err != nil {
		return nil, err
	}
	return m, errors.Join(db.restore(ctx, tool, io.TeeReader(dump, p)), dump.Close())
}

// checkRecordings returns an error if servers would not find the recordings of a backup in the data folder dir.
func (c *RestoreCommand) checkRecordings(dir string, m *Manifest) error {
	if c.Recordings == "" || !m.Recordings {
		return nil
	}
	into, err := filepath.Abs(filepath.Join(dir, recordingsFolder))
	if err != nil {
		return err
	}
	if used, err := filepath.Abs(c.Recordings); err != nil || used != into {
		return errors.Join(err, fmt.Errorf("the backup contains recordings, which are restored into %s, but --recordings (ROOMLOG_RECORDINGS) is %s: run restore without it, and then move the recordings; nothing was changed", into, c.Recordings))
	}
	return nil
}

// verify runs "roomlog verify" on the restored database.
func verify(ctx context.Context, sh cli.Shell, dsn string) error {
	environ := slices.DeleteFunc(slices.Clone(sh.Environ), func(variable string) bool { return strings.HasPrefix(variable, cli.DatabaseURL) })
	code := sh.Execute(ctx, []string{"verify"}, cli.Shell{Stdin: sh.Stdin, Stdout: sh.Stdout, Stderr: sh.Stderr,
		Environ: append(environ, cli.DatabaseURL+"="+dsn), Now: sh.Now, Execute: sh.Execute})
	switch {
	case code == 0:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fmt.Errorf("%w, or could not be checked: the backup is restored, but servers do not start on this data folder; run the command again, or with --no-verify to use it nevertheless", admin.ErrFault)
	}
}
