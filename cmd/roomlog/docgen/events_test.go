package docgen_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"roomlog/cmd/roomlog/docgen"
	"roomlog/domain"
)

var update = flag.Bool("update", false, "write docs/EVENTS.md")

// root is the path of the source tree.
const root = "../../.."

func TestGeneratedCatalogueIsUpToDate(t *testing.T) {
	want, err := docgen.Events(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	const page = root + "/docs/EVENTS.md"
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("docs/EVENTS.md is stale: run make generate")
	}
	for range 5 {
		if again, err := docgen.Events(os.DirFS(root)); err != nil || !bytes.Equal(again, want) {
			t.Fatalf("the same code makes another page (%v)", err)
		}
	}
}

func TestThePage(t *testing.T) {
	b, err := docgen.Events(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, c := range domain.Commands {
		if !strings.Contains(page, "\n### "+c.Type+"\n") {
			t.Errorf("%s is not on it", c.Type)
		}
	}
	for _, e := range domain.Events {
		if !strings.Contains(page, "\n### "+e.Type+"\n") {
			t.Errorf("%s is not on it", e.Type)
		}
		if !strings.Contains(page, "(#"+strings.ReplaceAll(e.Type, ".", "")+")") {
			t.Errorf("%s follows from no command", e.Type)
		}
	}
	for _, line := range []string{
		"| [order.pay](#orderpay) | payment provider | [order.paid.v1](#orderpaidv1), [coins.credited.v1](#coinscreditedv1) |",
		"`SendGift`. Sends gifts to a live and pays for them with coins from the wallet of the actor.",
		"- States that the decision reads: `live`, `gift`, `visit`, `follows`, `wallet`, `share`, `coins`",
		"- States that the decision reads: `username`, `next-user`",
		"- Moves coins: the postings add up to zero",
		"- Appended to a stream such as `visit-6-12`, which has the state `Visit`",
		"- Appended to a stream such as `comment-6`, which has no state",
		"| `live` | number | the live that receives the gifts |",
		"| `first_visit` | boolean | whether the user was never a viewer of this live before |",
		"| `text` | string | the comment as typed, without surrounding space, with LF for every line break · *personal* · *private* |",
		"| `to` | number | new status: `0` not started, `1` on air, `2` paused, `3` ended |",
		"| `cause` | string | why the viewer left: `requested` (the client sent a request to leave), `connection_lost` (the connection has closed), `node_lost` (the node that held the connection was lost), `live_ended` (only for viewers: the live has ended), `removed` (only for viewers: the user was kicked or banned) |",
		"| `postings[].amount` | number | number of coins added to the account; negative if coins are removed |",
		"| `Node` | — | the node that holds the connection |",
		`{"live":6,"user":12,"cause":"connection_lost"}`,
		"| `coins_too_few` | the wallet has too few coins | 金币不足，请先充值 |",
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("has no line %s", line)
		}
	}
	fields := 0
	for _, spec := range domain.Events {
		if spec.Personal != nil {
			_, _, texts := spec.Personal(spec.Zero)
			fields += len(texts)
		}
	}
	if got := strings.Count(page, "*personal*"); got != 1+fields { // once in the introduction, and once for every personal field
		t.Errorf("%d times personal, want it of %d fields", got, fields)
	}
}

// TestACodeWithoutItsCommentsMakesNoPage checks that the generation fails if comments are missing.
func TestACodeWithoutItsCommentsMakesNoPage(t *testing.T) {
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"a field", "domain/gift.go", "// number of gifts: 1–9999", "", "domain/gift.go:%d: field Num of SendGift has no comment"},
		{"a field whose type has a comment", "domain/gift.go", "// the live that receives the gifts", "", "domain/gift.go:%d: field Live of SendGift has no comment"},
		{"a command", "domain/gift.go", "// SendGift sends", "// This sends", "domain/gift.go:%d: type SendGift has no doc comment: write one that begins with \"SendGift\""},
		{"an event", "domain/gift.go", "// GiftSent records", "// This records", "domain/gift.go:%d: type GiftSent has no doc comment"},
		{"a code", "domain/refusal.go", "// the wallet has too few coins", "", "domain/refusal.go:%d: CodeCoinsTooFew has no comment"},
		{"a file that is broken", "domain/gift.go", "package domain", "package", "gift.go"},
		{"an example that is broken", "api/schemas/gift.sent.v2.json", "{", "", "gift.sent.v2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := copied(t)
			content := tree[tt.file].Data
			if !bytes.Contains(content, []byte(tt.old)) {
				t.Fatalf("%s has no %q", tt.file, tt.old)
			}
			tree[tt.file] = &fstest.MapFile{Data: bytes.Replace(content, []byte(tt.old), []byte(tt.new), 1)}
			want := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(tt.want), "%d", `\d+`))
			if _, err := docgen.Events(tree); err == nil || !want.MatchString(err.Error()) {
				t.Fatalf("got %v, want an error that contains %s", err, tt.want)
			}
		})
	}
	t.Run("an example that is missing", func(t *testing.T) {
		tree := copied(t)
		delete(tree, "api/schemas/gift.sent.v2.json")
		if _, err := docgen.Events(tree); err == nil || !strings.Contains(err.Error(), "gift.sent.v2") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("another folder", func(t *testing.T) {
		if _, err := docgen.Events(fstest.MapFS{}); err == nil || !regexp.MustCompile("domain: .*source tree").MatchString(err.Error()) {
			t.Fatalf("got %v", err)
		}
	})
}

// copied returns the files of package domain as a file system in memory.
func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	tree, from := fstest.MapFS{}, os.DirFS(root)
	for _, dir := range []string{"domain", "api/schemas"} {
		err := fs.WalkDir(from, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(from, name)
			tree[name] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tree
}
