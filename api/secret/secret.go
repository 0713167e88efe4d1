package secret

import "fmt"

const (
	maxSecrets = 2  // the new secret, and the secret that it replaces
	minLength  = 16 // minimum length in bytes; a shorter secret could be guessed from a signature
)

// Check validates secrets and returns them as bytes. There must be one or two secrets of at least 16 bytes; there are two
// while you replace a secret. kind names the secrets in error messages, such as "token" or "payment".
func Check(kind string, secrets []string) ([][]byte, error) {
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return nil, fmt.Errorf("there must be one or two %s secrets (got %d)", kind, len(secrets))
	}
	checked := make([][]byte, len(secrets))
	for i, secret := range secrets {
		if len(secret) < minLength {
			return nil, fmt.Errorf("%s secret %d must have at least %d bytes (got %d)", kind, i+1, minLength, len(secret))
		}
		checked[i] = []byte(secret)
	}
	return checked, nil
}
