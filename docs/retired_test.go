package docs_test

import (
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// retired maps each word that the code no longer uses to the words of the glossary that replace it. Names of the wire
// contract are exempt, see contractWords.
var retired = map[string]string{
	"annex": "dialect", "asked": "requested", "asker": "request context", "attend": "subscribe", "attendant": "session",
	"bell": "signal", "broom": "cleaner", "bustle": "join batch", "census": "roster", "chatter": "session",
	"crew": "connection group", "crowd": "large live", "deed": "rate check", "desk": "backend", "door": "server, handler",
	"ear": "listener", "farewell": "close reason", "forsake": "unsubscribe", "furnish": "create", "guest": "participant, client",
	"hall": "subscribers", "hearing": "subscription", "heed": "handle", "herald": "debouncer", "house": "environment",
	"keeper": "supervisor", "lane": "priority, user channel", "lobby": "pending", "murmur": "typing batcher",
	"overhear": "subscribe", "patience": "timeout", "picture": "media info", "reaper": "lost-node cleanup",
	"resident": "user DTO", "roll": "survey", "said": "payload", "seat": "membership, slot", "seats": "slots",
	"sentry": "session watcher", "shelf": "gift catalogue", "show": "broadcast", "shows": "broadcasts", "stage": "authorizer",
	"stranger": "pending", "strangers": "pending", "studio": "media server", "told": "notified", "typist": "session",
	"visitor": "session", "welcome": "hello reply", "whisper": "publish", "denied": "banned", "deny": "ban",
}

// contractWords matches the identifiers, file names and lines of documents that may contain a retired word, because the
// wire contract or a library uses it.
var contractWords = regexp.MustCompile(`(?i)guest-chat|guest_chat|guestchat|action:"deny"|ShowVersion|xor|shown\b|rollback|scroll`)

var wordInText = regexp.MustCompile(`[A-Za-z]+`)

// TestRetiredWords fails for retired words in identifiers, file names and documents.
func TestRetiredWords(t *testing.T) {
	report := func(where, word string) {
		t.Errorf("%s: the word %q is retired: use %s", where, word, retired[word])
	}
	walk(t, source, func(name string) {
		for _, word := range wordInText.FindAllString(strings.TrimSuffix(path.Base(name), path.Ext(name)), -1) {
			if retired[strings.ToLower(word)] != "" && !contractWords.MatchString(path.Base(name)) {
				report(name, strings.ToLower(word))
			}
		}
		if path.Ext(name) == ".md" && name != "docs/GLOSSARY.md" && !strings.HasPrefix(name, "docs/decisions/") {
			retiredInText(t, source, name, report)
		}
	})
	for _, file := range goFiles(t, source) {
		retiredInCode(file, report)
	}
}

// retiredInText reports retired words in the sentences of a document.
func retiredInText(t *testing.T, tree fs.FS, name string, report func(where, word string)) {
	t.Helper()
	for line := range strings.Lines(prose(t, tree, name)) {
		for _, word := range wordInText.FindAllString(line, -1) {
			lower := strings.ToLower(word)
			if retired[lower] != "" && !everydayWords[lower] && !contractWords.MatchString(line) {
				report(name, lower)
			}
		}
	}
}

// everydayWords are words that are retired as names but are allowed in the sentences of documents.
var everydayWords = map[string]bool{"asked": true, "said": true, "show": true, "shows": true, "told": true, "roll": true, "welcome": true,
	"house": true, "hearing": true, "resident": true, "stage": true, "attend": true, "picture": true}

// retiredInCode reports retired words in the identifiers that a file declares.
func retiredInCode(file goFile, report func(where, word string)) {
	check := func(identifier *ast.Ident) {
		if identifier == nil {
			return
		}
		for _, word := range camelWords(identifier.Name) {
			if retired[word] != "" && !contractWords.MatchString(identifier.Name) {
				report(file.path, word)
			}
		}
	}
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			check(n.Name)
		case *ast.TypeSpec:
			check(n.Name)
		case *ast.ValueSpec:
			for _, name := range n.Names {
				check(name)
			}
		case *ast.Field:
			for _, name := range n.Names {
				check(name)
			}
		case *ast.AssignStmt:
			if n.Tok.String() == ":=" {
				for _, left := range n.Lhs {
					if name, ok := left.(*ast.Ident); ok {
						check(name)
					}
				}
			}
		}
		return true
	})
}

// camelWords splits an identifier into lower-case words.
func camelWords(identifier string) (words []string) {
	start := 0
	runes := []rune(identifier)
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || runes[i] == '_' || unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1]) {
			words = append(words, strings.ToLower(strings.Trim(string(runes[start:i]), "_")))
			start = i
		}
	}
	return words
}
