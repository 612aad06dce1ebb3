package web_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func secret(value string) connector.Secret {
	return func(context.Context) (string, error) { return value, nil }
}

// credential is of plain values: name, value, name, value.
func credential(kind string, pairs ...string) connector.Credential {
	c := connector.Credential{Kind: kind, Fields: map[string]connector.Secret{}}
	for i := 0; i < len(pairs); i += 2 {
		c.Fields[pairs[i]] = secret(pairs[i+1])
	}
	return c
}
