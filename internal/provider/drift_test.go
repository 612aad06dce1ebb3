package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// What was changed behind Terraform's back shows in the plan of that resource,
// and an apply puts it back. An assignment has nothing that changes in place.
func TestAccDrift(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	text := func(s string) *string { return &s }
	whole := service.whole()
	steps := []resource.TestStep{{Config: whole}}
	for _, drift := range []struct {
		address    string
		attributes []string // that the change concerns
		change     func(config.Thing)
	}{
		{"provisioning_source.people", []string{"name", "file", "attributes"}, func(x config.Thing) {
			source := x.(*config.Source)
			source.Name, source.File.Groups, source.Attributes["givenName"] = "persons", nil, "last_name"
		}},
		{"provisioning_credential.chat", []string{"name", "bearer"}, func(x config.Thing) {
			credential := x.(*config.Credential)
			version := int64(4)
			credential.Name, credential.Fields["token"] = "talk", config.Field{Version: &version}
		}},
		{"provisioning_app.chat", []string{"name", "scope", "protected", "labels"}, func(x config.Thing) {
			app := x.(*config.App)
			app.Name, app.Scope, app.Protected, app.Labels["team"] = "talk", config.ScopeAll, nil, "b"
		}},
		{"provisioning_attribute_mapping.users", []string{"attributes", "actions"}, func(x config.Thing) {
			mapping := x.(*config.Mapping)
			mapping.Actions = nil
			delete(mapping.Attributes, "title")
		}},
		{"provisioning_scoping_filter.staff", []string{"clauses"}, func(x config.Thing) {
			x.(*config.Filter).Clauses = []scoping.Clause{{Attribute: "department", Operator: "equals", Value: text("Board")}}
		}},
		{"provisioning_job.chat", []string{"interval", "enabled", "accidental_deletions", "deprovisioning", "rate_limit", "revisions"}, func(x config.Thing) {
			job := x.(*config.Job)
			job.Interval, job.Enabled, job.AccidentalDeletions, job.RateLimit = "5m", new(bool), nil, nil
			job.Deprovisioning["User"]["deleted"] = "delete"
			job.Revisions = job.Revisions[1:]
		}},
	} {
		before, after := "", ""
		stored := func() config.Thing {
			things, err := service.List(context.Background(), kindOf(drift.address), api.ListQuery{})
			if err != nil || len(things) != 1 {
				t.Fatalf("there are %d of %s: %v", len(things), drift.address, err)
			}
			return things[0]
		}
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				thing := stored()
				before = declaredIn(thing)
				drift.change(thing)
				var secrets config.Secrets
				if kindOf(drift.address) == config.KindCredential {
					secrets = config.Secrets{"token": "rotated"}
				}
				if _, err := service.Update(context.Background(), thing, secrets); err != nil {
					t.Fatalf("%s: %v", drift.address, err)
				}
			},
			Config: whole,
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(drift.address, plancheck.ResourceActionUpdate), differs{drift.address, drift.attributes},
			),
			Check: func(*terraform.State) error {
				if after = declaredIn(stored()); after != before {
					t.Errorf("%s: the engine has\n%s, want\n%s", drift.address, after, before)
				}
				return nil
			},
		})
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(service), Steps: steps})
}

// declaredIn gives a thing as it is declared, without what the agent notes.
func declaredIn(thing config.Thing) string {
	if job, ok := thing.(*config.Job); ok {
		job.AwaitedCycle = ""
		slices.Sort(job.MetRevisions)
		slices.Sort(job.Revisions)
		slices.Sort(job.RestartScope)
	}
	data, err := json.Marshal(thing)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// differs expects that attributes of a resource change.
type differs struct {
	address    string
	attributes []string
}

// CheckPlan implements plancheck.PlanCheck.
func (d differs) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != d.address {
			continue
		}
		before, after := change.Change.Before.(map[string]any), change.Change.After.(map[string]any)
		for _, attribute := range d.attributes {
			if reflect.DeepEqual(before[attribute], after[attribute]) {
				resp.Error = errors.Join(resp.Error, fmt.Errorf("%s.%s does not change", d.address, attribute))
			}
		}
		return
	}
	resp.Error = fmt.Errorf("%s is not in the plan", d.address)
}

// What was destroyed behind Terraform's back is planned to be created again,
// and nothing else is: a mapping, a filter, an assignment or a job alone, and
// all of an app.
func TestAccDrift_disappears(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	whole := service.whole()
	steps := []resource.TestStep{{Config: whole}}
	created := func(addresses ...string) resource.ConfigPlanChecks {
		var checks []plancheck.PlanCheck
		for _, address := range addresses {
			checks = append(checks, plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate))
		}
		return plans(checks...)
	}
	for _, address := range []string{
		"provisioning_attribute_mapping.users", "provisioning_scoping_filter.staff", "provisioning_assignment.grace", "provisioning_job.chat",
	} {
		steps = append(steps, resource.TestStep{PreConfig: forget(t, service, kindOf(address)), Config: whole, ConfigPlanChecks: created(address)})
	}
	all := []string{
		"provisioning_job.chat", "provisioning_assignment.grace", "provisioning_scoping_filter.staff", "provisioning_attribute_mapping.users",
		"provisioning_app.chat", "provisioning_credential.chat", "provisioning_source.people",
	}
	for first := range all {
		if kindOf(all[first]) != config.KindApp && kindOf(all[first]) != config.KindSource {
			continue
		}
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				for _, address := range all[:first+1] {
					forget(t, service, kindOf(address))()
				}
			},
			Config: whole, ConfigPlanChecks: created(all[:first+1]...),
		})
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(service), Steps: steps})
}

// Reading, changing or destroying a resource against another store than the one
// that it was made in is an error that names both, for every resource.
func TestResources_otherStore(t *testing.T) {
	first, second := newFake(t), newFake(t)
	second.store = "01OTHER"
	server := func(service api.Service) tfprotov6.ProviderServer {
		s, err := providerserver.NewProtocol6WithError(New("test", func(context.Context, Options) (api.Service, error) { return service, nil })())()
		if err != nil {
			t.Fatal(err)
		}
		schemas, err := s.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
		if err != nil {
			t.Fatal(err)
		}
		typ := schemas.Provider.ValueType().(tftypes.Object)
		value, err := tfprotov6.NewDynamicValue(typ, with(typ, "data_dir", "/dir"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: &value}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := server(first), server(second)
	schemas, err := one.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(schemas.ResourceSchemas) < len(addresses) {
		t.Errorf("there are %d resources", len(schemas.ResourceSchemas))
	}
	for name, schema := range schemas.ResourceSchemas {
		kind := config.Kind(strings.TrimPrefix(name, "provisioning_"))
		thing := config.New(kind)
		if thing == nil {
			continue // it stands for nothing that the engine keeps
		}
		thing.SetID("x")
		first.things = append(first.things, thing)
		typ := schema.ValueType().(tftypes.Object)
		state, err := tfprotov6.NewDynamicValue(typ, with(typ, "id", "x"))
		if err != nil {
			t.Fatal(err)
		}
		read, err := one.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: &state})
		if err != nil || len(read.Diagnostics) > 0 {
			t.Fatalf("%s: %v, %+v", name, err, read.Diagnostics)
		}
		again, err := two.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: read.NewState, Private: read.Private})
		if err != nil {
			t.Fatal(err)
		}
		none, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, nil))
		if err != nil {
			t.Fatal(err)
		}
		destroyed, err := two.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
			TypeName: name, PriorState: read.NewState, PlannedState: &none, Config: &none, PlannedPrivate: read.Private,
		})
		if err != nil {
			t.Fatal(err)
		}
		for verb, diagnostics := range map[string][]*tfprotov6.Diagnostic{"read": again.Diagnostics, "destroy": destroyed.Diagnostics} {
			told := ""
			for _, d := range diagnostics {
				told += d.Summary + d.Detail
			}
			for _, part := range []string{"The store of " + strings.ReplaceAll(string(kind), "_", " ") + " x is another one", "01STORE", "01OTHER", "Nothing was changed"} {
				if !strings.Contains(told, part) {
					t.Errorf("%s %s: %q does not say %q", verb, name, told, part)
				}
			}
		}
	}
}

// with gives an object whose one attribute has a text, and whose others are null.
func with(typ tftypes.Object, name, text string) tftypes.Value {
	attributes := map[string]tftypes.Value{}
	for attribute, of := range typ.AttributeTypes {
		attributes[attribute] = tftypes.NewValue(of, nil)
	}
	attributes[name] = tftypes.NewValue(tftypes.String, text)
	return tftypes.NewValue(typ, attributes)
}
