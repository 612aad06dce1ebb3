package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// DefaultDomain gives what the source says: a mapping is refused without it, and
// another domain reaches the accounts, which keep their links. A cycle without
// one touches nobody.
func TestDefaultDomain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(3)
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.users.Attributes["displayName"] = mapping.Attribute{Expression: ptr(`Append("team@", DefaultDomain())`)}
		if _, err := w.engine.Update(context.Background(), w.users, nil); err == nil || !strings.Contains(err.Error(), "default_domain") {
			t.Fatalf("without a default domain: %v", err)
		}
		for _, domain := range []string{"contoso.com", "fabrikam.com"} {
			w.source.DefaultDomain = domain
			w.source = change(w, w.source)
			w.users = change(w, w.users)
			w.apply()
			w.wait("initial_cycle")
			accounts := w.target().Accounts(directory.User)
			if len(accounts) != 3 {
				t.Errorf("there are %d accounts of 3 people", len(accounts))
			}
			for _, account := range accounts {
				if name := account.Values["displayName"].String(); name != "team@"+domain {
					t.Errorf("%s is called %s", account.Values["userName"], name)
				}
			}
		}
		before := w.target0().Writes().Total
		w.source.DefaultDomain = ""
		w.source = change(w, w.source)
		w.apply()
		if result, err := w.tryWait("initial_cycle"); err != nil || result.Succeeded || !strings.Contains(result.Reason, "default_domain") {
			t.Errorf("the cycle without a default domain ended with %+v, %v", result, err)
		}
		if writes := w.target0().Writes().Total; writes != before {
			t.Errorf("it made %d writes", writes-before)
		}
	})
}
