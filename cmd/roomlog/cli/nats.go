package cli

import (
	"errors"
	"regexp"

	"roomlog/internal/natsconn"
)

// NATSSecrets returns the password and the token for the NATS servers.
func NATSSecrets(getenv func(string) string) (natsconn.Secrets, error) {
	password, err := Variable(getenv, NATSPassword)
	if err != nil {
		return natsconn.Secrets{}, err
	}
	token, err := Variable(getenv, NATSToken)
	return natsconn.Secrets{Password: password, Token: token}, err
}

var natsFlag = regexp.MustCompile(`--nats-[a-z]+`)

// CheckNATS returns an error if the credentials for the NATS servers do not fit the settings, in the names that the user has used.
func CheckNATS(sh Shell, s *natsconn.Settings) error {
	secrets, err := NATSSecrets(sh.Getenv)
	if err != nil {
		return err
	}
	if err := s.CheckCredentials(secrets); err != nil {
		return errors.New(natsFlag.ReplaceAllStringFunc(err.Error(), func(flag string) string { return sh.Sources.NameOf(flag[2:]) }))
	}
	return nil
}
