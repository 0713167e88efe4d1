package invariant

import (
	"slices"

	"roomlog/domain"
)

// Check compares the event e with the states before it. It returns a sentence that describes a contradiction, or "" if
// there is none. actor is the actor in the metadata of the event. Check returns an error only if states returns one.
func Check(e domain.Event, actor string, states States) (string, error) {
	c := &checker{states: states}
	c.checkStart(e)
	c.checkActor(e, actor)
	if c.fault == "" {
		c.checkRules(e)
	}
	return c.fault, c.err
}

// created contains the prefixes of the streams whose first event assigns a numeric id.
var created = func() (prefixes []string) {
	for _, spec := range domain.Events {
		if domain.StartsStream(spec.Zero) {
			prefixes = append(prefixes, spec.Zero.Stream().Prefix())
		}
	}
	return prefixes
}()

// checkStart checks that an id is assigned once and in order, that no other event precedes the assignment, and that
// counters have the right values.
func (c *checker) checkStart(e domain.Event) {
	if slices.Contains(created, e.Stream().Prefix()) {
		before, err := c.states(e.Stream())
		if err != nil {
			c.err = err
			return
		}
		starts := domain.StartsStream(e)
		c.expect(!starts || before == nil, "%s was created before", e.Stream())
		c.expect(starts || before != nil, "%s was not created before", e.Stream())
	}
	changed := domain.FoldsInto(e)
	if len(changed) == 1 || c.fault != "" || c.err != nil {
		return
	}
	counter := changed[1]
	before, err := c.states(counter)
	if err != nil {
		c.err = err
		return
	}
	was, _ := before.(domain.Counter)
	after, err := domain.Fold(counter, before, e)
	if err != nil {
		c.err = err
		return
	}
	want := was.Value + 1
	switch e.(type) {
	case domain.ChatRoomRemoved, domain.WebhookRemoved:
		want = was.Value - 1
	}
	is := after.(domain.Counter).Value
	c.expect(is == want, "%s becomes %d, expected %d", counter, is, want)
}
