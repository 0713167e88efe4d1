package eventstore

import (
	"errors"
	"strings"
	"testing"
)

func TestEncryptionIsReversibleAndRandom(t *testing.T) {
	t.Parallel()
	key, err := generateUserKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := generateUserKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "a", "häagen 🍦", strings.Repeat("long ", 10_000)} {
		first, err := key.encrypt(text)
		if err != nil {
			t.Fatal(err)
		}
		second, err := key.encrypt(text)
		if err != nil || first == second {
			t.Fatalf("the same text is sealed to the same bytes, %v", err)
		}
		if opened, err := key.decrypt(first); err != nil || opened != text {
			t.Fatalf("opened %q, %v, want %v", opened, err, text)
		}
		if _, err := other.decrypt(first); !errors.Is(err, ErrNotDecrypted) {
			t.Fatalf("opened by somebody else's key: %v", err)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	key, err := generateUserKey()
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := key.encrypt("hello")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "1.", "2." + sealed[2:], sealed, sealed[:10], sealed + "A", sealed + "=", "1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "1.!!!!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		opened, err := key.decrypt(text)
		if err == nil && (text != sealed || opened != "hello") {
			t.Errorf("%q was opened as %q", text, opened)
		}
		if err != nil && !errors.Is(err, ErrNotDecrypted) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
