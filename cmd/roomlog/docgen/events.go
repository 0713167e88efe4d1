package docgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"

	"roomlog/domain"
)

const head = `<!-- Written by "roomlog docs" from package domain. Change the code, not this file. -->
# Commands and events

Everything that anyone may ask for, and everything that can follow: the whole vocabulary of the log. A
command is decided against the newest states of the streams it reads, and those of account and session of a
person who asks. It is refused, or its events are appended, each to one stream, or nothing follows because
things are already as asked for. Fields of a command without a JSON form are added by the door that takes it.

An event's payload never changes. Another meaning is another version, with a function that reads the older
one. Fields marked *personal* are sealed in the log with a key of their person, and read "erased" once that
key is destroyed.

`

// Events answers docs/EVENTS.md, made of the source tree of roomlog.
func Events(tree fs.FS) ([]byte, error) {
	s, err := readSource(tree, "domain")
	if err != nil {
		return nil, err
	}
	p := &page{source: s, tree: tree}
	p.WriteString(head)
	for _, write := range []func() error{p.summary, p.commands, p.happened, p.refusals} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	return p.Bytes(), nil
}

// page is EVENTS.md while it is written.
type page struct {
	bytes.Buffer
	*source
	tree fs.FS
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *page) summary() error {
	p.printf("| command | who may | what can follow |\n|---|---|---|\n")
	for _, c := range domain.Commands {
		p.printf("| %s | %s | %s |\n", anchor(c.Type), c.Access(), join(p.follows(c), anchor))
	}
	p.printf("\nWho may: *anyone*; a *person* who is signed in, with the newest session of an account that is\n" +
		"neither disabled, kept out nor forgotten; an *operator*, at the command line or a person with that role; the\n" +
		"*system*, roomlog itself; the payment *provider*, its signature checked.\n\n")
	return nil
}

// follows answers the types of the events that the decision of c makes, in the order of the catalogue.
func (p *page) follows(c domain.CommandSpec) []string {
	names := p.reaches(goName(c.Zero))
	var types []string
	for _, e := range domain.Events {
		if slices.Contains(names, goName(e.Zero)) {
			types = append(types, e.Type)
		}
	}
	return types
}

func (p *page) commands() error {
	p.printf("## Commands\n")
	for _, c := range domain.Commands {
		what, err := p.sentence(goName(c.Zero))
		if err != nil {
			return err
		}
		p.printf("\n### %s\n`%s`. %s\n\n- Who may: %s\n", c.Type, goName(c.Zero), what, c.Access())
		if c.MovesCoins {
			p.printf("- Moves coins: its idempotency keys are kept for ever, and its refusals too\n")
		}
		p.printf("- Reads: %s\n", join(nouns(c.Zero.Reads(domain.Actor{})), code))
		rows, err := p.rows(goName(c.Zero), reflect.TypeOf(c.Zero), "")
		if err != nil {
			return err
		}
		p.table(rows)
	}
	return nil
}

// nouns names kinds of streams; those that hand out ids have no other name.
func nouns(streams []domain.Stream) []string {
	var names []string
	for _, s := range streams {
		noun := string(s)
		if _, ok := domain.StateSpecOf(s); ok {
			noun = s.Prefix()
		}
		names = append(names, noun)
	}
	return names
}

func (p *page) happened() error {
	p.printf("\n## Events\n")
	for _, e := range domain.Events {
		if err := p.event(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) event(spec domain.EventSpec) error {
	name := goName(spec.Zero)
	what, err := p.sentence(name)
	if err != nil {
		return err
	}
	example, text, err := p.example(spec)
	if err != nil {
		return err
	}
	state, err := domain.Fold(spec.Zero.Stream(), nil, spec.Zero)
	if err != nil {
		return err
	}
	p.printf("\n### %s\n`%s`. %s\n\n- Stream: `%s`, for instance", spec.Type, name, what, example.Stream())
	if kept := goName(state); kept == "Stateless" {
		p.printf("; no decision looks at it\n")
	} else {
		p.printf("; it folds into `%s`\n", kept)
	}
	if _, ok := spec.Zero.(domain.CoinEvent); ok {
		p.printf("- Moves coins: its postings add up to zero\n")
	}
	for _, older := range slices.Sorted(maps.Keys(spec.Upcasters)) {
		p.printf("- Reads as well: `%s`\n", older)
	}
	rows, err := p.rows(name, reflect.TypeOf(spec.Zero), "")
	if err != nil {
		return err
	}
	personal := personalFields(spec, example)
	for i := range rows {
		if slices.Contains(personal, rows[i].name) {
			rows[i].meaning += " · *personal*"
		}
	}
	p.table(rows)
	p.printf("\n```json\n%s\n```\n", text)
	return nil
}

// example is what the golden file of the event holds.
func (p *page) example(spec domain.EventSpec) (domain.Event, []byte, error) {
	text, err := fs.ReadFile(p.tree, "domain/testdata/events/"+spec.Type+".json")
	if err != nil {
		return nil, nil, fmt.Errorf("read the golden file: %w", err)
	}
	e, err := spec.Decode(text)
	if err != nil {
		return nil, nil, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", spec.Type, err)
	}
	return e, line.Bytes(), nil
}

// personalFields finds out which fields the texts are that an event marks.
func personalFields(spec domain.EventSpec, e domain.Event) []string {
	if spec.Personal == nil {
		return nil
	}
	const mark = "\x00"
	changed, _, texts := spec.Personal(e)
	for _, text := range texts {
		*text = mark
	}
	var names []string
	after := reflect.ValueOf(changed())
	for i := range after.NumField() {
		if f := after.Field(i); f.Kind() == reflect.String && f.String() == mark {
			names = append(names, jsonName(after.Type().Field(i)))
		}
	}
	return names
}

func (p *page) refusals() error {
	p.printf("\n## Refusals\n\n| code | meaning | text for old clients |\n|---|---|---|\n")
	for _, v := range p.values["Code"] {
		c := domain.Code(strings.Trim(v.json, `"`))
		if v.meaning == "" {
			return fmt.Errorf("domain.%s has no comment", v.name)
		}
		p.printf("| `%s` | %s | %s |\n", c, v.meaning, c.Chinese())
	}
	return nil
}
