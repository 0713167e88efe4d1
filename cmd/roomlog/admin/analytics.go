package admin

import (
	"context"
	"fmt"
	"path/filepath"

	"roomlog/cmd/roomlog/analytics"
	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/export"
)

type analyticsSQL struct {
	Engine string `required:"" enum:"duckdb,postgres" placeholder:"ENGINE" help:"Database that executes the SQL: duckdb or postgres."`
	Dir    string `placeholder:"DIR" help:"For DuckDB: folder that roomlog export has written with Parquet files. Default: the current folder."`
}

func (analyticsSQL) Help() string {
	return `Examples:

  roomlog analytics sql --engine duckdb --dir lake > views.sql    then: duckdb -init views.sql
  roomlog analytics sql --engine postgres | psql "$DATABASE_URL"  the same as roomlog analytics install

Each event type is a view, like analytics.gift_sent_v2. Questions are views as well: viewers_over_time, peak_viewers, visits, watch_time,
viewers_by_day, viewers_by_live, retention, gifts, gifts_by_hour, gifts_by_streamer, gifts_by_gift, top_fans, chat_activity. They are the same
for both databases, and contain no private fields. docs/ANALYTICS.md has examples.`
}

// Standalone marks a command that uses no database.
func (analyticsSQL) Standalone() {}

// AfterApply refuses a folder for PostgreSQL.
func (c *analyticsSQL) AfterApply() error {
	if c.Engine == "postgres" && c.Dir != "" {
		return fmt.Errorf("--dir is for --engine duckdb: PostgreSQL reads the log itself (got %q)", c.Dir)
	}
	return nil
}

func (c *analyticsSQL) Run(sh cli.Shell) error {
	text := analytics.Postgres()
	if c.Engine == "duckdb" {
		dir := c.Dir
		if dir == "" {
			dir = "."
		}
		m, err := export.ReadManifest(dir)
		if err != nil {
			return err
		}
		if m == nil || m.FileFormat != export.Parquet {
			return fmt.Errorf("--dir: %s is not an export with Parquet files: run roomlog export %s", dir, dir)
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
		text = analytics.DuckDB(filepath.ToSlash(dir), m.Tables())
	}
	_, err := fmt.Fprint(sh.Stdout, text)
	return err
}

type analyticsInstall struct{}

func (analyticsInstall) Help() string {
	return `Creates the schema analytics with the views that roomlog analytics sql prints, and the role roomlog_analytics, which may read these views and
nothing else: not the log, no texts of people, no keys. Execute it again after an upgrade. Example:

  roomlog analytics install
  psql -c "CREATE ROLE dana LOGIN PASSWORD 'choose-one' IN ROLE roomlog_analytics"

To remove it: DROP SCHEMA analytics CASCADE; DROP ROLE roomlog_analytics;`
}

func (analyticsInstall) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := analytics.Install(ctx, b.owner); err != nil {
			return err
		}
		_, err := fmt.Fprintf(sh.Stdout, "the role %s may read the views of the schema analytics\n", analytics.Role)
		return err
	})
}
