package secret

import "fmt"

const (
	maxSecrets = 2  // the newest secret and the one that it replaces
	minLength  = 16 // bytes; a shorter secret can be guessed from a signature
)

// Check returns secrets as bytes. There must be one or two of at least 16 bytes: two while the older one is being
// replaced. kind names them in errors: "token", "payment".
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
