package serve

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func environ(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

func TestMissingSecretsAreGeneratedOnce(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	first, err := openSecrets(environ(), data, log)
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string][]string{"jwt": first.jwt, "sign": first.sign, "payment": first.payment} {
		if len(one) != 1 || len(one[0]) < 40 {
			t.Errorf("%s: %d secrets, want one of at least 40 characters", name, len(one))
		}
		if strings.Contains(logged.String(), one[0]) {
			t.Errorf("the log shows %s", name)
		}
		path := filepath.Join(data, "secrets", name)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is stored with mode %v, %v", name, info.Mode(), err)
		}
		if !strings.Contains(logged.String(), path) {
			t.Errorf("the log does not name the file of %s: %s", name, logged.String())
		}
	}
	logged.Reset()
	again, err := openSecrets(environ(), data, log)
	if err != nil || !slices.Equal(again.jwt, first.jwt) || !slices.Equal(again.sign, first.sign) || logged.Len() != 0 {
		t.Errorf("a second start has other secrets, or logs something: %v, %q", err, logged.String())
	}
	if err := os.Chmod(filepath.Join(data, "secrets", "jwt"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openSecrets(environ(), data, log); err != nil || !strings.Contains(logged.String(), "chmod 600") {
		t.Errorf("a secret that others can read: %v, %q", err, logged.String())
	}
}

func TestConcurrentStartsGenerateTheSameSecrets(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	found := make([]secrets, 16)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			var err error
			if found[i], err = openSecrets(environ(), data, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, s := range found {
		if !slices.Equal(s.jwt, found[0].jwt) || !slices.Equal(s.payment, found[0].payment) {
			t.Fatal("processes on one data folder have different secrets")
		}
	}
	if drafts, _ := filepath.Glob(filepath.Join(data, "secrets", ".new-*")); len(drafts) != 0 {
		t.Errorf("left behind: %v, want 0 elements", drafts)
	}
}

func TestSecretsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	blocked := file("a-file", "")
	all := []string{"ROOMLOG_SIGN_SECRET", "signsignsignsign", "ROOMLOG_PAYMENT_SECRET", "paypaypaypaypaypay"}
	for _, tt := range []struct {
		name string
		env  []string
		want []string
		err  string
	}{
		{"in the variable", []string{"ROOMLOG_JWT_SECRET", "aaaaaaaaaaaaaaaa"}, []string{"aaaaaaaaaaaaaaaa"}, ""},
		{"two of them", []string{"ROOMLOG_JWT_SECRET", "newnewnewnewnew1 oldoldoldoldold1"}, []string{"newnewnewnewnew1", "oldoldoldoldold1"}, ""},
		{"in a file", []string{"ROOMLOG_JWT_SECRET_FILE", file("jwt", "bbbbbbbbbbbbbbbb\n")}, []string{"bbbbbbbbbbbbbbbb"}, ""},
		{"both variable and file", []string{"ROOMLOG_JWT_SECRET", "a", "ROOMLOG_JWT_SECRET_FILE", "b"}, nil, "remove one of them"},
		{"a missing file", []string{"ROOMLOG_JWT_SECRET_FILE", dir + "/none"}, nil, "ROOMLOG_JWT_SECRET_FILE: stat"},
		{"an empty file", []string{"ROOMLOG_JWT_SECRET_FILE", file("empty", "\n")}, nil, "is empty"},
		{"a folder", []string{"ROOMLOG_JWT_SECRET_FILE", dir}, nil, "is not a regular file"},
		{"too short", []string{"ROOMLOG_JWT_SECRET", "newnewnewnewnew1 old"}, nil, "ROOMLOG_JWT_SECRET: token secret 2 must have at least 16 bytes (got 3)"},
		{"three of them", []string{"ROOMLOG_JWT_SECRET", "newnewnewnewnew1 newnewnewnewnew2 oldoldoldoldold1"}, nil, "ROOMLOG_JWT_SECRET: there must be one or two token secrets (got 3)"},
		{"blank", []string{"ROOMLOG_JWT_SECRET", "  "}, nil, "is blank"},
		{"none, and no folder to store one in", nil, nil, "Set ROOMLOG_JWT_SECRET (or ROOMLOG_JWT_SECRET_FILE), or choose a data folder that can be written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := openSecrets(environ(append(slices.Clone(tt.env), all...)...), blocked, slog.New(slog.DiscardHandler))
			switch {
			case tt.err == "" && (err != nil || !slices.Equal(got.jwt, tt.want)):
				t.Errorf("got %v, %v", got.jwt, err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v, want %q in it", err, tt.err)
			}
		})
	}
}
