package eventstore

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// ErasedText replaces each personal text of a user or participant who was forgotten.
const ErasedText = domain.ErasedText

// codec encodes and decodes the payloads of events.
type codec struct {
	versions   map[string]version         // versions by event type, including the types of older versions
	counters   map[domain.Stream][]string // counter → the types of the events that assign an id or carry a count
	asideTypes []string                   // the types of the events that set events aside
	forgetful  []string                   // the types of the events that forget a user or participant

	creationTypes, accessTypes []string // the types of the events that create a live, and of those that set its access

	keys *keyring
}

type version struct {
	spec   domain.EventSpec
	upcast domain.Upcaster // upcaster of an older version; nil for the current version
}

func newCodec(specs []domain.EventSpec, pool *pgxpool.Pool) (*codec, error) {
	keys, err := newKeyring(pool)
	if err != nil {
		return nil, err
	}
	c := &codec{versions: make(map[string]version), counters: make(map[domain.Stream][]string), keys: keys}
	for _, spec := range specs {
		types := spec.Types()
		c.versions[spec.Type] = version{spec, nil}
		for older, upcast := range spec.Upcasters {
			c.versions[older] = version{spec, upcast}
		}
		for _, s := range domain.FoldsInto(spec.Zero)[1:] {
			c.counters[s] = append(c.counters[s], types...)
		}
		if _, ok := spec.Zero.(domain.ForgetEvent); ok {
			c.forgetful = append(c.forgetful, types...)
		}
		if _, ok := spec.Zero.(domain.EventSetAside); ok {
			c.asideTypes = append(c.asideTypes, types...)
		}
		switch spec.Zero.(type) {
		case domain.LiveCreated:
			c.creationTypes = types
		case domain.LiveAccessSet:
			c.accessTypes = types
		}
	}
	return c, nil
}

// parse decodes a payload of any version into the current version of its event. Personal texts in the event stay
// sealed.
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

// owner returns the owner of the key that seals the personal texts in e, or 0 if e has no such texts. See
// domain.KeyOwner.
func (c *codec) owner(e domain.Event) domain.UserID {
	spec := c.versions[e.Type()].spec
	if spec.Personal == nil {
		return 0
	}
	_, owner, _ := spec.Personal(e)
	return owner
}

// mapTexts returns e with each personal text replaced by the result of change.
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

// encode returns the payload of e with its personal texts sealed. keys must contain the key of the owner of these
// texts.
func (c *codec) encode(e domain.Event, keys map[domain.UserID]userKey) (json.RawMessage, error) {
	encrypted, err := c.mapTexts(e, func(owner domain.UserID, text string) (string, error) {
		key, ok := keys[owner]
		if !ok {
			return "", fmt.Errorf("no key to seal the texts of user %d", owner)
		}
		return key.encrypt(text)
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	payload, err := json.Marshal(encrypted)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	return payload, nil
}

// decrypt returns e with its personal texts decrypted. If keys has no key of their owner, it replaces them by
// ErasedText.
func (c *codec) decrypt(e domain.Event, keys map[domain.UserID]userKey) (domain.Event, error) {
	return c.mapTexts(e, func(owner domain.UserID, text string) (string, error) {
		if key, ok := keys[owner]; ok {
			return key.decrypt(text)
		}
		return ErasedText, nil
	})
}

// profile returns the decrypted texts of the profile in the payload of a domain.ProfileEvent.
func (c *codec) profile(eventType string, payload []byte, keys map[domain.UserID]userKey) (domain.ProfileTexts, error) {
	e, err := c.parse(eventType, payload)
	if err == nil {
		e, err = c.decrypt(e, keys)
	}
	if err != nil {
		return domain.ProfileTexts{}, err
	}
	changed, ok := e.(domain.ProfileEvent)
	if !ok {
		return domain.ProfileTexts{}, errors.New("the event contains no profile")
	}
	return changed.ProfileAfter(), nil
}
