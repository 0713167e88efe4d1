package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	"github.com/nats-io/nats.go"

	"roomlog/api/replay"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/natsconn/natstest"
	"roomlog/projections/projtest"
)

// received is a message in the binary content mode, as the CloudEvents SDK reads it: it knows the attributes, and this type where NATS
// has them (NATS Protocol Binding 1.0.3-wip, section 3.1).
type received struct {
	header nats.Header
	data   []byte
}

var versions = spec.WithPrefix("ce-")

func (received) ReadEncoding() binding.Encoding { return binding.EncodingBinary }
func (received) Finish(error) error             { return nil }

func (received) ReadStructured(context.Context, binding.StructuredWriter) error {
	return binding.ErrNotStructured
}

func (m received) ReadBinary(_ context.Context, to binding.BinaryWriter) error {
	version := versions.Version(m.header.Get("ce-specversion"))
	for name, values := range m.header {
		attribute, isAttribute := strings.CutPrefix(name, "ce-")
		if !isAttribute || attribute == "specversion" {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil {
			return err
		}
		if known := version.Attribute(name); known != nil {
			err = to.SetAttribute(known, value)
		} else if attribute == "datacontenttype" {
			err = to.SetAttribute(version.AttributeFromKind(spec.DataContentType), value)
		} else {
			err = to.SetExtension(attribute, value)
		}
		if err != nil {
			return err
		}
	}
	if len(m.data) == 0 {
		return nil
	}
	return to.SetData(strings.NewReader(string(m.data)))
}

func (m received) GetAttribute(kind spec.Kind) (spec.Attribute, any) {
	attribute := versions.Version(m.header.Get("ce-specversion")).AttributeFromKind(kind)
	return attribute, m.header.Get(attribute.PrefixedName())
}

func (m received) GetExtension(name string) any { return m.header.Get("ce-" + name) }

// TestMessages compares every message of a log with every kind of event with the event that a replay sends, as the CloudEvents SDK
// reads both.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	s.Forge(s.Head()+1, "odd-1", 1, `a type * of > another. "programm" ü..`, `{"text":"in clear"}`, s.Cooking)
	s.Forge(s.Head()+1, "odd-2", 1, "", `{}`, 0)
	s.Forge(s.Head()+1, "odd-3", 1, strings.Repeat("long.", 2000), `{}`, 0)
	s.Project()
	s.CatchUp()
	c := newCopied(s.World, natstest.JetStream(t))
	if err := c.copy(); err != nil {
		t.Fatal(err)
	}
	c.same()
	subject := regexp.MustCompile(`^log-of-a-test\.(none|[1-9]\d*)(\.[^. *>\s]+)+$`)
	for i, m := range c.messages(1) {
		r := c.events()[i]
		text, err := replay.RenderCloudEvent(c.Store, r, "", false)
		if err != nil {
			t.Fatal(err)
		}
		var want cloudevents.Event
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		got, err := binding.ToEvent(t.Context(), received{header: m.Header, data: m.Data})
		if err != nil {
			t.Fatalf("position %d: %v", r.Position, err)
		}
		if err := got.Validate(); err != nil && r.Type != "" { // the log does not forbid an empty type
			t.Errorf("position %d: %v", r.Position, err)
		}
		texts := func(e cloudevents.Event) map[string]string {
			all := map[string]string{"id": e.ID(), "source": e.Source(), "type": e.Type(), "subject": e.Subject(), "time": e.Time().String(),
				"datacontenttype": e.DataContentType(), "dataschema": e.DataSchema(), "data": string(e.Data())}
			for name, value := range e.Extensions() {
				all[name] = fmt.Sprint(value)
			}
			return all
		}
		if !maps.Equal(texts(*got), texts(want)) {
			t.Errorf("position %d: got %v, want %v", r.Position, texts(*got), texts(want))
		}
		if !subject.MatchString(m.Subject) {
			t.Errorf("position %d has the subject %q", r.Position, m.Subject)
		}
		if r.Fault == nil {
			live := "none"
			if r.LiveID != 0 {
				live = fmt.Sprint(r.LiveID)
			}
			if want := name + "." + live + "." + r.Event.Type(); m.Subject != want {
				t.Errorf("position %d has the subject %q, want %q", r.Position, m.Subject, want)
			}
		}
		if m.Header.Get("Content-Type") != "" || m.Header.Get(nats.MsgIdHdr) != "" {
			t.Errorf("position %d has the headers %v", r.Position, m.Header)
		}
	}
}

// TestPrivateFields checks that no text of a person and no secret is in a stream. With Sealed, the personal texts are there, sealed
// with the keys in the database.
func TestPrivateFields(t *testing.T) {
	t.Parallel()
	s := projtest.Tell(t)
	s.Project()
	s.CatchUp()
	server := natstest.JetStream(t)
	plain, secret := newCopied(s.World, server), newCopied(s.World, server)
	if err := plain.copy(); err != nil {
		t.Fatal(err)
	}
	everything := func(c *copied) string {
		var all strings.Builder
		for _, m := range c.messages(1) {
			fmt.Fprintln(&all, m.Subject, m.Header, string(m.Data))
		}
		return all.String()
	}
	open := everything(plain)
	if err := plain.js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := secret.copy(sealed); err != nil {
		t.Fatal(err)
	}
	closed := everything(secret)
	keys := regexp.MustCompile(`"1\.[A-Za-z0-9+/]{37,}"`)
	if keys.MatchString(open) || len(keys.FindAllString(closed, -1)) < 50 {
		t.Errorf("%d sealed texts without --sealed, %d with it", len(keys.FindAllString(open, -1)), len(keys.FindAllString(closed, -1)))
	}
	var private []string // every private text of every event
	for _, r := range plain.events() {
		text, err := json.Marshal(r.Event)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for field, value := range fields {
			if domain.IsPrivate(r.Event.Type(), field) {
				private = append(private, textsIn(value)...)
			}
		}
	}
	private = slices.Compact(slices.Sorted(slices.Values(private)))
	checked := 0
	for _, text := range private {
		if len(text) < 6 || text == eventstore.ErasedText { // shorter texts are parts of other words
			continue
		}
		checked++
		quoted, _ := json.Marshal(text)
		if strings.Contains(open, string(quoted)) || strings.Contains(closed, string(quoted)) {
			t.Errorf("the stream contains %s", quoted)
		}
	}
	if checked < 30 {
		t.Errorf("only %d private texts were found", checked)
	}
}

// textsIn returns the texts in a value of JSON.
func textsIn(value any) (texts []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			texts = append(texts, textsIn(one)...)
		}
	case map[string]any:
		for _, one := range v {
			texts = append(texts, textsIn(one)...)
		}
	}
	return texts
}
