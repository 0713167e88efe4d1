package witness

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"roomlog/eventstore/transparency"
)

// Files with the private and the public key of a witness, in Config.Dir.
const (
	privateFile = "key"
	publicFile  = "key.pub"
)

// OpenCosigner returns the signer of cosignatures whose key is in a folder, and the public key that checks them. It
// creates a key with the given name if the folder has none.
func OpenCosigner(dir, name string) (signer note.Signer, public string, err error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, "", fmt.Errorf("open the key of the witness: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	path := filepath.Join(dir, privateFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createKey(dir, name); err != nil {
			return nil, "", fmt.Errorf("create the key of the witness: %w", err)
		}
	}
	private, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("open the key of the witness: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, publicFile))
	if err != nil {
		return nil, "", fmt.Errorf("open the key of the witness: %w", err)
	}
	if signer, err = cosignature.NewSignerForCosignatureV1(strings.TrimSpace(string(private))); err != nil {
		return nil, "", fmt.Errorf("open the key of the witness in %s: %w", path, err)
	}
	return signer, strings.TrimSpace(string(text)), nil
}

// createKey creates the files of a new key. The file with the private key is written last, because it decides whether
// there is a key.
func createKey(dir, name string) error {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	if public, err = cosignature.VKeyToCosignatureV1(public); err != nil {
		return err
	}
	if err := transparency.ReplaceFile(filepath.Join(dir, publicFile), []byte(public+"\n")); err != nil {
		return err
	}
	return transparency.ReplaceFile(filepath.Join(dir, privateFile), []byte(private+"\n"))
}
