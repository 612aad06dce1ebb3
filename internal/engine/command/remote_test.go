package command

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
)

// play carries out a command line with an environment.
func play(t *testing.T, env environment, agent *fake, args ...string) (r result) {
	t.Helper()
	var out, errs strings.Builder
	p := Program{
		Version: "1.2.3", Stdout: &out, Stderr: &errs, Getenv: env.get, Now: func() time.Time { return noon },
		Dial: func(_ context.Context, options client.Options) (Agent, error) {
			r.dialled = append(r.dialled, options)
			return agent, nil
		},
	}
	r.code = p.Run(t.Context(), args)
	r.out, r.errors = out.String(), errs.String()
	return r
}

// TestEndpoint says which agent is meant: a flag goes before the environment.
func TestEndpoint(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url, other = "https://agent.example.com:8443", "https://other.example.com"
	env := environment{client.EndpointVariable: url, client.TokenVariable: "from-env", client.CACertificateVariable: "PEM"}
	for name, test := range map[string]struct {
		env  environment
		args string
		want client.Endpoint
	}{
		"environment":       {env, "status chat", client.Endpoint{URL: url, Token: "from-env", CACertificate: "PEM"}},
		"to act":            {env, "job pause chat", client.Endpoint{URL: url, Token: "from-env", CACertificate: "PEM"}},
		"flag":              {env, "status chat --endpoint " + other, client.Endpoint{URL: other, Token: "from-env", CACertificate: "PEM"}},
		"token file":        {env, "status chat --token-file " + file, client.Endpoint{URL: url, Token: "from-file", CACertificate: "PEM"}},
		"CA file":           {env, "status chat --ca-file " + file, client.Endpoint{URL: url, Token: "from-env", CACertificate: "from-file"}},
		"both in one file":  {env, "status chat --ca-file " + file + " --token-file " + file, client.Endpoint{URL: url, Token: "from-file", CACertificate: "from-file"}},
		"flag for here":     {env, "status chat --data-dir " + dir, client.Endpoint{}},
		"flag wins over it": {environment{dataDirVariable: dir, client.TokenVariable: "x"}, "status chat --endpoint " + url, client.Endpoint{URL: url, Token: "x"}},
	} {
		got := play(t, test.env, company(), strings.Fields(test.args)...)
		if len(got.dialled) != 1 || got.dialled[0].Endpoint != test.want || got.dialled[0].Autostart || (got.dialled[0].DataDir == "") != (test.want.URL != "") {
			t.Errorf("%s: code %d, %s; dialled %+v, want %+v", name, got.code, got.errors, got.dialled, test.want)
		}
	}
	for name, test := range map[string]struct {
		env  environment
		args string
		says string
	}{
		"both flags":       {nil, "status --data-dir x --endpoint " + url, "give one of them"},
		"both variables":   {environment{client.EndpointVariable: url, dataDirVariable: dir}, "status", "unset one of them"},
		"no token":         {nil, "status --endpoint " + url, "give --token-file, or set PROVISIONING_TOKEN"},
		"token alone":      {nil, "status --token-file " + file, "give --endpoint as well"},
		"no such file":     {env, "status --token-file /none", "/none"},
		"stop":             {env, "agent stop --endpoint " + url, "on the agent's own machine"},
		"logs":             {env, "agent logs --endpoint " + url, "on the agent's own machine"},
		"token":            {env, "token create ci --endpoint " + url, "on the agent's own machine"},
		"run":              {env, "agent run --endpoint " + url, "on the agent's own machine"},
		"certificate only": {nil, "agent run --tls-self-signed --data-dir " + dir, "a certificate is for --listen"},
	} {
		got := play(t, test.env, company(), strings.Fields(test.args)...)
		if got.code != ExitUsage || !strings.Contains(got.errors, test.says) || len(got.dialled) > 0 {
			t.Errorf("%s: code %d, %s; want %q", name, got.code, got.errors, test.says)
		}
	}
}

func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	token := func(args string) result {
		t.Helper()
		return play(t, environment{dataDirVariable: dir}, nil, append([]string{"token"}, strings.Fields(args)...)...)
	}
	for _, args := range []string{"list", "revoke ci"} {
		if got := token(args); got.code != ExitFailure || !strings.Contains(got.errors, "There is no data directory") {
			t.Errorf("%s: code %d, %s", args, got.code, got.errors)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made the directory")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := token("list"); got.code != ExitOK || !strings.Contains(got.out, "There is no token.") {
		t.Errorf("code %d, %s", got.code, got.out)
	}
	ci := token("create ci --expires 90d")
	secret := strings.TrimSuffix(ci.out, "\n")
	if ci.code != ExitOK || len(strings.Fields(ci.out)) != 1 || !strings.Contains(ci.errors, "cannot be shown again") {
		t.Errorf("code %d, %q, %q", ci.code, ci.out, ci.errors)
	}
	ada := token("create ada --json")
	var made struct {
		Name, Token string
	}
	if err := json.Unmarshal([]byte(ada.out), &made); err != nil || made.Name != "ada" || made.Token == "" {
		t.Errorf("%v: %s", err, ada.out)
	}
	if got := token("revoke ada"); got.code != ExitOK {
		t.Errorf("code %d, %s", got.code, got.errors)
	}
	golden(t, "token_list", token("list").out)
	var list []remote.Token
	if err := json.Unmarshal([]byte(token("list --json").out), &list); err != nil || len(list) != 2 || list[1].ExpiresAt != noon.Add(90*24*time.Hour) {
		t.Errorf("%v: %+v", err, list)
	}
	if all := token("list").out + token("list --json").out; strings.Contains(all, secret) || strings.Contains(all, made.Token) {
		t.Error("the list holds a token")
	}
	for args, code := range map[string]int{
		"create": ExitUsage, "create x --expires soon": ExitUsage, "create x --expires 0s": ExitUsage, "create x --expires -1h": ExitUsage,
		"create ci": ExitFailure, "create a/b": ExitFailure, "revoke nobody": ExitFailure, "remove ci": ExitUsage,
	} {
		if got := token(args); got.code != code || got.errors == "" {
			t.Errorf("%s: code %d, want %d; %s", args, got.code, code, got.errors)
		}
	}
}
