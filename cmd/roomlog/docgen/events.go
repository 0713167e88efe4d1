package docgen

import (
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

This page lists every command that roomlog accepts, every event that the log can contain and every code of a
refusal. It is for developers who read the log or extend package domain.

A command is decided against the newest states of the streams that it reads. A command of a signed-in user also
reads the states of the user and the sign-in session. The decision has one of three results: a refusal, events that
are appended to the log, or no events because nothing changes. The server that receives the command adds the fields
with "—" in the column JSON type; clients cannot send them.

The payload of an event version never changes. A changed meaning is a new version, with an upcaster that converts
payloads of the earlier one. Fields marked *personal* are sealed with the key of the user or participant who wrote
them; after that key is destroyed, every reader gets "erased" instead. A replay (GET /api/events) leaves out the
fields marked *private*, unless the reader has the role personal as well as the role analyst. Every personal field is
private.

A server serves the JSON Schema of every event version at /schemas/, without a sign-in. Private fields are not required
by a schema, so that it also describes what analysts without the role personal receive. The values of an enumeration
are examples: later versions of roomlog may add values.

`

// Events returns docs/EVENTS.md for a source tree of roomlog.
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

func (p *page) summary() error {
	p.printf("| Command | Access | Possible events |\n|---|---|---|\n")
	for _, c := range domain.Commands {
		p.printf("| %s | %s | %s |\n", anchor(c.Type), c.Access(), join(p.follows(c), anchor))
	}
	p.printf("\nAccess: *anyone* needs no sign-in. An *authenticated user* has the current session of an account that is " +
		"not\ndisabled, banned or forgotten. An *operator* acts at the command line or has the role operator. *Owner or " +
		"operator*\nis the user who owns the live, or an operator. *Moderator or operator* is the owner or a moderator of " +
		"the live,\nor an operator. The *system* is roomlog itself. The *payment provider* signs its requests.\n\n")
	return nil
}

// follows returns the types of the events that the decision of c can return, in the order of the catalogue.
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
		p.printf("\n### %s\n`%s`. %s\n\n- Access: %s\n", c.Type, goName(c.Zero), what, c.Access())
		if c.MovesCoins {
			p.printf("- Moves coins: the log keeps its idempotency keys and refusals for ever\n")
		}
		p.printf("- States that the decision reads: %s\n", join(nouns(c.Zero.Reads(domain.Actor{})), code))
		rows, err := p.rows(goName(c.Zero), reflect.TypeOf(c.Zero), "")
		if err != nil {
			return err
		}
		p.table(rows)
	}
	return nil
}

// nouns returns the prefix of each stream. For a counter, which has no kind of stream, it returns the full name.
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
	p.printf("\n### %s\n`%s`. %s\n\n- Appended to a stream such as `%s`", spec.Type, name, what, example.Stream())
	if kept := goName(state); kept == "Stateless" {
		p.printf(", which has no state\n")
	} else {
		p.printf(", which has the state `%s`\n", kept)
	}
	if _, ok := spec.Zero.(domain.CoinEvent); ok {
		p.printf("- Moves coins: the postings add up to zero\n")
	}
	for _, older := range slices.Sorted(maps.Keys(spec.Upcasters)) {
		text, err := p.payload(older)
		if err != nil {
			return err
		}
		p.printf("- Payloads of the earlier version `%s` ([schema](../%s)) are converted to this one: `%s`\n", older, schemaFile(older), text)
	}
	p.printf("- JSON Schema: [/schemas/%s.json](../%s)\n", spec.Type, schemaFile(spec.Type))
	rows, err := p.rows(name, reflect.TypeOf(spec.Zero), "")
	if err != nil {
		return err
	}
	personal := personalFields(spec, example)
	for i := range rows {
		if slices.Contains(personal, rows[i].name) {
			rows[i].meaning += " · *personal*"
		}
		if domain.IsPrivate(spec.Type, rows[i].name) {
			rows[i].meaning += " · *private*"
		}
	}
	p.table(rows)
	p.printf("\n```json\n%s\n```\n", text)
	return nil
}

func (p *page) refusals() error {
	p.printf("\n## Refusals\n\n| Code | Meaning | Text for old clients |\n|---|---|---|\n")
	for _, v := range p.values["Code"] {
		c := domain.Code(strings.Trim(v.json, `"`))
		if v.meaning == "" {
			return fmt.Errorf("%s: %s has no comment: write what the refusal means, after the constant", p.places[v.name], v.name)
		}
		p.printf("| `%s` | %s | %s |\n", c, v.meaning, c.Chinese())
	}
	return nil
}
