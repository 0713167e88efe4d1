package docs_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the first comments of SQL files")

var (
	sqlComment    = regexp.MustCompile(`--[^\n]*`)
	sqlText       = regexp.MustCompile(`'(?:[^']|'')*'`)
	createTable   = regexp.MustCompile(`(?m)((?:^--[^\n]*\n)*)^CREATE (?:UNLOGGED )?TABLE ([a-z_.]+)`)
	namedPackage  = regexp.MustCompile(`[Pp]ackage ([a-z]+(?:/[a-z]+)*)`)
	writtenTable  = regexp.MustCompile(`\b(?:INSERT INTO|DELETE FROM|TRUNCATE|MERGE INTO) (?:ONLY )?([a-z_.]+)|\bUPDATE (?:ONLY )?([a-z_.]+) (?:AS )?(?:[a-z]+ )?SET\b`)
	readTables    = regexp.MustCompile(`\b(?:FROM|JOIN|USING) (?:ONLY |LATERAL )?([a-z_.]+(?:(?: AS)?(?: [a-z]+)?, [a-z_.]+)*)`)
	headerOfTable = regexp.MustCompile(`^-- (Writes|Reads) table|^-- Uses no table of roomlog\.$`)
)

// tableOwners returns the package that owns each table. A comment in the migration states the owner: the comment of
// CREATE TABLE, or else the first comment of the file.
func tableOwners(t *testing.T, tree fs.FS) map[string]string {
	t.Helper()
	owners := map[string]string{}
	for name, text := range readGlob(t, tree, "migrations/0*.sql") {
		byFile := namedPackage.FindStringSubmatch(text)
		for _, m := range createTable.FindAllStringSubmatch(text, -1) {
			owner := namedPackage.FindStringSubmatch(m[1])
			if owner == nil {
				owner = byFile
			}
			if owner == nil {
				t.Errorf("%s: the comment of table %s must name its owner: write \"Owned by package …\"", name, m[2])
				continue
			}
			owners[path.Base(strings.ReplaceAll(m[2], ".", "/"))] = owner[1]
		}
	}
	return owners
}

func readGlob(t *testing.T, tree fs.FS, pattern string) map[string]string {
	t.Helper()
	names, err := fs.Glob(tree, pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// tablesOf returns the tables of roomlog that a statement writes, and those that it only reads.
func tablesOf(statement string, owners map[string]string) (written, read map[string]bool) {
	statement = strings.Join(strings.Fields(sqlText.ReplaceAllString(sqlComment.ReplaceAllString(statement, ""), "''")), " ")
	written, read = map[string]bool{}, map[string]bool{}
	add := func(to map[string]bool, name string) {
		name = name[strings.LastIndex(name, ".")+1:]
		if owners[name] != "" {
			to[name] = true
		}
	}
	for _, m := range writtenTable.FindAllStringSubmatch(statement, -1) {
		add(written, m[1]+m[2])
	}
	for _, m := range readTables.FindAllStringSubmatch(statement, -1) {
		for one := range strings.SplitSeq(m[1], ", ") {
			name, _, _ := strings.Cut(one, " ")
			add(read, name)
		}
	}
	maps.DeleteFunc(read, func(name string, _ bool) bool { return written[name] })
	return written, read
}

// sqlHeader returns the first comment that the file of a statement must have.
func sqlHeader(written, read map[string]bool, owners map[string]string) string {
	var sentences []string
	for _, one := range []struct {
		verb   string
		tables map[string]bool
	}{{"Writes", written}, {"Reads", read}} {
		byOwner := map[string][]string{}
		for table := range one.tables {
			byOwner[owners[table]] = append(byOwner[owners[table]], table)
		}
		var parts []string
		for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
			names, noun := slices.Sorted(slices.Values(byOwner[owner])), "table"
			if len(names) > 1 {
				noun = "tables"
			}
			parts = append(parts, fmt.Sprintf("%s %s of package %s", noun, strings.Join(names, ", "), owner))
		}
		if len(parts) > 0 {
			sentences = append(sentences, one.verb+" "+strings.Join(parts, " and ")+".")
		}
	}
	if len(sentences) == 0 {
		return "-- Uses no table of roomlog."
	}
	return "-- " + strings.Join(sentences, " ")
}

// TestGeneratedHeadersOfSQL checks that the first comment of every SQL file lists its tables and their owners, and that
// a package writes only tables that it owns. With -update it writes the comments.
func TestGeneratedHeadersOfSQL(t *testing.T) {
	owners := tableOwners(t, source)
	walk(t, source, func(name string) {
		if path.Ext(name) != ".sql" || within(path.Dir(name), "migrations") {
			return
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		first, rest, _ := strings.Cut(text, "\n")
		if !headerOfTable.MatchString(first) {
			rest = text
		}
		written, read := tablesOf(rest, owners)
		for table := range written {
			if !within(path.Dir(name), owners[table]) {
				t.Errorf("%s writes table %s, which package %s owns: move the statement there", name, table, owners[table])
			}
		}
		header := sqlHeader(written, read, owners)
		if first == header {
			return
		}
		if !*update {
			t.Errorf("%s: the first line must be %q: run make generate", name, header)
			return
		}
		if err := os.WriteFile(filepath.Join("..", filepath.FromSlash(name)), []byte(header+"\n"+rest), 0o644); err != nil {
			t.Fatal(err)
		}
	})
}
