package eventstore_test

import "testing"

func TestNameKey(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	key := l.store.NameKey("Bob")
	for name, username := range map[string]string{
		"case":               "bOB",
		"width":              "Ｂｏｂ",
		"surrounding space":  " Bob ",
		"a zero-width space": "B\u200bob",
		"a direction mark":   "\u202eBob",
	} {
		if l.store.NameKey(username) != key {
			t.Errorf("%s makes another name of %q", name, username)
		}
	}
	if l.store.NameKey("Bób") == key {
		t.Error("another letter makes the same name")
	}
}
