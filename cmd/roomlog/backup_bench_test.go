package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkFigureBackup measures a backup of a million events against pg_dump alone, in turns.
func BenchmarkFigureBackup(b *testing.B) {
	for b.Loop() {
		db := fillLog(b, 1_000_000)
		at := &process{t: b, env: append(sharedSecrets, "DATABASE_URL="+db.DSN), args: []string{"--data", dataDir(b)}}
		dir := b.TempDir()
		var backups, dumps []time.Duration
		for range 3 {
			folder, file := filepath.Join(dir, "backup"), filepath.Join(dir, "dump")
			begun := time.Now()
			if out, stderr, code := at.run("backup", folder); code != 0 {
				b.Fatalf("backup: %s%s", out, stderr)
			}
			backups = append(backups, time.Since(begun))
			begun = time.Now()
			if out, err := exec.Command("pg_dump", "--format=custom", "--file="+file, db.DSN).CombinedOutput(); err != nil {
				b.Fatalf("pg_dump: %v: %s", err, out)
			}
			dumps = append(dumps, time.Since(begun))
			for _, path := range []string{folder, file} {
				if err := os.RemoveAll(path); err != nil {
					b.Fatal(err)
				}
			}
		}
		slices.Sort(backups)
		slices.Sort(dumps)
		b.Logf("roomlog backup %s, pg_dump %s", backups, dumps)
		b.ReportMetric(backups[1].Seconds()/dumps[1].Seconds(), "backup_ratio")
	}
}
