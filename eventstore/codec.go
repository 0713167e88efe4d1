package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// ErasedText stands where a person's text was, once the person is forgotten.
const ErasedText = "erased"

// codec is the one place where payloads are written and read.
type codec struct {
	versions map[string]version         // by type, older versions included
	counters map[domain.Stream][]string // types of the events that take an id or say how many there are, by the state that counts
	gone     []string                   // types that say that somebody is forgotten
	keys     *keyring
}

type version struct {
	spec   domain.EventSpec
	upcast domain.Upcaster // nil for the present version
}

// A DecodeError names the event that this program cannot read.
type DecodeError struct {
	Position int64
	Type     string
	Err      error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("event %s at position %d cannot be read: %v", e.Type, e.Position, e.Err)
}

// Unwrap answers the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

func newCodec(specs []domain.EventSpec, pool *pgxpool.Pool) (*codec, error) {
	keys, err := newKeyring(pool)
	if err != nil {
		return nil, err
	}
	c := &codec{versions: make(map[string]version), counters: make(map[domain.Stream][]string), keys: keys}
	for _, spec := range specs {
		types := []string{spec.Type}
		c.versions[spec.Type] = version{spec, nil}
		for older, upcast := range spec.Upcasters {
			c.versions[older] = version{spec, upcast}
			types = append(types, older)
		}
		for _, s := range domain.FoldsInto(spec.Zero)[1:] {
			c.counters[s] = append(c.counters[s], types...)
		}
		if _, ok := spec.Zero.(domain.ForgetEvent); ok {
			c.gone = append(c.gone, types...)
		}
	}
	return c, nil
}

// parse reads a payload of any version; people's texts in the event are still sealed.
func (c *codec) parse(eventType string, payload []byte) (domain.Event, error) {
	v, ok := c.versions[eventType]
	if !ok {
		return nil, errors.New("this program does not know the type: use the roomlog that wrote it")
	}
	if v.upcast != nil {
		var err error
		if payload, err = v.upcast(payload); err != nil {
			return nil, fmt.Errorf("upcast: %w", err)
		}
	}
	return v.spec.Decode(payload)
}

// owner answers whose texts e holds, like domain.KeyOwner; 0 for nobody's.
func (c *codec) owner(e domain.Event) domain.UserID {
	spec := c.versions[e.Type()].spec
	if spec.Personal == nil {
		return 0
	}
	_, owner, _ := spec.Personal(e)
	return owner
}

// mapTexts answers e with each of its owner's texts replaced by what change makes of it.
func (c *codec) mapTexts(e domain.Event, change func(owner domain.UserID, text string) (string, error)) (domain.Event, error) {
	spec := c.versions[e.Type()].spec
	if spec.Personal == nil {
		return e, nil
	}
	changed, owner, texts := spec.Personal(e)
	for _, t := range texts {
		text, err := change(owner, *t)
		if err != nil {
			return nil, err
		}
		*t = text
	}
	return changed(), nil
}

// encode writes the payload of e. The keys of its owner must be in keys.
func (c *codec) encode(e domain.Event, keys map[domain.UserID]userKey) (json.RawMessage, error) {
	sealed, err := c.mapTexts(e, func(owner domain.UserID, text string) (string, error) {
		key, ok := keys[owner]
		if !ok {
			return "", fmt.Errorf("no key to seal the texts of user %d with", owner)
		}
		return key.seal(text)
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	payload, err := json.Marshal(sealed)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	return payload, nil
}

// Decode fills in the Event of each record from its Type and Payload: upcast to the present version,
// people's texts opened, or Erased where the person is forgotten. It goes through all of them; the
// Event of a record that cannot be read stays nil beside its Fault, and the first such makes it fail with a *DecodeError.
//
// A person whom another process has forgotten counts as forgotten as soon as this one has read so,
// which it does in every Read, ReadStream and Follow, and when it meets the event in records.
func (s *Store) Decode(ctx context.Context, records []Record) error {
	c := s.codec
	var owners []domain.UserID
	faults := make(map[int]error)
	for i := range records {
		r := &records[i]
		var err error
		if r.Event, err = c.parse(r.Type, r.Payload); err != nil {
			r.Event, faults[i] = nil, err
			continue
		}
		if owner := c.owner(r.Event); owner != 0 {
			owners = append(owners, owner)
		}
		if gone, ok := r.Event.(domain.ForgetEvent); ok {
			c.keys.forget(gone.ForgottenKeyOwner())
		}
	}
	if len(owners) > 0 {
		keys, err := c.keys.of(ctx, owners)
		if err != nil {
			return err
		}
		for i := range records {
			if r := &records[i]; r.Event != nil {
				if r.Event, err = c.openTexts(r.Event, keys); err != nil {
					r.Event, faults[i] = nil, err
				}
			}
		}
	}
	var first error
	for i := range records {
		r := &records[i]
		if r.Fault = faults[i]; r.Fault != nil && first == nil {
			first = &DecodeError{r.Position, r.Type, r.Fault}
		}
	}
	return first
}

// openTexts answers e with its owner's texts as they were said, or Erased without the owner's key.
func (c *codec) openTexts(e domain.Event, keys map[domain.UserID]userKey) (domain.Event, error) {
	return c.mapTexts(e, func(owner domain.UserID, text string) (string, error) {
		if key, ok := keys[owner]; ok {
			return key.open(text)
		}
		return ErasedText, nil
	})
}

// Spec returns what this program knows about an event type as written, which may be an older version.
func (s *Store) Spec(eventType string) (domain.EventSpec, bool) {
	v, ok := s.codec.versions[eventType]
	return v.spec, ok
}
