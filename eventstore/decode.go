package eventstore

import (
	"context"
	"errors"

	"roomlog/domain"
)

// Decode sets the Event of each record from its Type and Payload. The event has the current version. Its personal texts
// are decrypted, or replaced by ErasedText if their owner was forgotten. A record that this program cannot decode gets
// a Fault instead. Decode processes all records and then returns the first fault as a *DecodeError.
//
// A node erases the texts of a forgotten user after it has read the event that forgets the user. Read, ReadStream and
// Follow look for such events on each call. Decode only looks for them among records.
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
		if forget, ok := r.Event.(domain.ForgetEvent); ok {
			c.keys.forget(forget.ForgottenKeyOwner())
		}
	}
	if len(owners) > 0 {
		if err := s.decryptAll(ctx, records, owners, faults); err != nil {
			return err
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

// DecodePlain returns the event in a payload whose personal texts are not sealed. The event has the current version.
func (s *Store) DecodePlain(eventType string, payload []byte) (domain.Event, error) {
	return s.codec.parse(eventType, payload)
}

// decryptAll decrypts the texts in the events of records. If an event cannot be decrypted, it puts the error into
// faults. If a cached key does not fit, it reads the key again, because the cached key may belong to a former history
// of the log.
func (s *Store) decryptAll(ctx context.Context, records []Record, owners []domain.UserID, faults map[int]error) error {
	c := s.codec
	keys, err := c.keys.of(ctx, owners)
	if err != nil {
		return err
	}
	var again []int
	owners = owners[:0]
	for i := range records {
		r := &records[i]
		if r.Event == nil {
			continue
		}
		plain, err := c.decrypt(r.Event, keys)
		if err == nil {
			r.Event = plain
			continue
		}
		owner := c.owner(r.Event)
		c.keys.forget(owner)
		again, owners = append(again, i), append(owners, owner)
	}
	if len(again) == 0 {
		return nil
	}
	if keys, err = c.keys.of(ctx, owners); err != nil {
		return err
	}
	for _, i := range again {
		r := &records[i]
		if r.Event, err = c.decrypt(r.Event, keys); err != nil {
			r.Event, faults[i] = nil, err
		}
	}
	return nil
}

// decodeAll decodes like Decode but never returns a *DecodeError. Its callers read the faults of the records.
func (s *Store) decodeAll(ctx context.Context, events []Record) error {
	err := s.Decode(ctx, events)
	var broken *DecodeError
	if errors.As(err, &broken) {
		return nil
	}
	return err
}

// Spec returns the spec of an event type, which may be an older version. It reports false if this program does not know
// the type.
func (s *Store) Spec(eventType string) (domain.EventSpec, bool) {
	v, ok := s.codec.versions[eventType]
	return v.spec, ok
}
