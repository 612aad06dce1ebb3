package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// sampleAppAccess is whom the sample app lets in. Secrets are named by the
// environment variables that hold them: everybody can read a command line.
type sampleAppAccess struct {
	tokenEnv                  string
	username, passwordEnv     string
	clientID, clientSecretEnv string
	tokenLife                 time.Duration
}

func (a *sampleAppAccess) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&a.tokenEnv, "token-env", "", "environment variable that holds the bearer token that is let in")
	flags.StringVar(&a.username, "username", "", "user name that is let in with HTTP Basic")
	flags.StringVar(&a.passwordEnv, "password-env", "", "environment variable that holds the password of --username")
	flags.StringVar(&a.clientID, "client-id", "", "OAuth 2.0 client that is given access tokens at /oauth/token below the base URL")
	flags.StringVar(&a.clientSecretEnv, "client-secret-env", "", "environment variable that holds the secret of --client-id")
	flags.DurationVar(&a.tokenLife, "token-life", time.Hour, "how long an access token is good")
}

// apply sets who is let in: everybody, when nobody is named.
func (a *sampleAppAccess) apply(options *sampleapp.Options, getenv func(string) string) error {
	switch {
	case a.passwordEnv != "" && a.username == "":
		return &usageError{fmt.Errorf("--password-env needs --username")}
	case a.clientSecretEnv != "" && a.clientID == "":
		return &usageError{fmt.Errorf("--client-secret-env needs --client-id")}
	}
	options.Username, options.ClientID, options.TokenLife = a.username, a.clientID, a.tokenLife
	for _, secret := range []struct {
		flag, env string
		needed    bool
		into      *string
	}{
		{"token-env", a.tokenEnv, a.tokenEnv != "", &options.Token},
		{"password-env", a.passwordEnv, a.username != "", &options.Password},
		{"client-secret-env", a.clientSecretEnv, a.clientID != "", &options.ClientSecret},
	} {
		switch {
		case !secret.needed:
		case secret.env == "":
			return &usageError{fmt.Errorf("--%s is missing: it names the variable that holds the secret", secret.flag)}
		default:
			if *secret.into = getenv(secret.env); *secret.into == "" {
				return &usageError{fmt.Errorf("the variable %s, which --%s names, is empty or not set", secret.env, secret.flag)}
			}
		}
	}
	return nil
}
