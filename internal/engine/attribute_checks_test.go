package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

func TestCreate_unknownAttributes(t *testing.T) {
	q := newQuickstart(t)
	q.declare()
	if err := q.engine.Delete(t.Context(), config.KindMapping, q.users.ID); err != nil {
		t.Fatal(err)
	}
	userName := func(a mapping.Attribute) *config.Mapping {
		return &config.Mapping{AppID: q.chat.ID, ObjectType: "User", Attributes: map[string]mapping.Attribute{
			"userName": {Source: ptr("mail"), MatchingPrecedence: ptr(int64(1))}, "title": a,
		}}
	}
	filter := func(attribute string) *config.Filter {
		return &config.Filter{AppID: q.chat.ID, ObjectType: "User", Name: "f", Clauses: []scoping.Clause{{Attribute: attribute, Operator: "is_not_null"}}}
	}
	for name, tt := range map[string]struct {
		thing config.Thing
		says  string
	}{
		"filter":            {filter("departmnet"), `Did you mean "department"?`},
		"mapping":           {userName(mapping.Attribute{Source: ptr("jobTitel")}), "jobTitle"},
		"expression":        {userName(mapping.Attribute{Expression: ptr("ToLower([first_nam])")}), "first_name"},
		"reference in text": {userName(mapping.Attribute{Expression: ptr("ToLower([manager])")}), "refers to other objects"},
	} {
		_, err := q.engine.Create(t.Context(), tt.thing, nil)
		var refused *api.Error
		if !errors.As(err, &refused) || refused.Code != api.CodeInvalid || !strings.Contains(refused.Detail, tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What the template maps is known whether or not the source has it.
	made, err := q.engine.Create(t.Context(), userName(mapping.Attribute{Source: ptr("physicalDeliveryOfficeName")}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.engine.Delete(t.Context(), config.KindMapping, made.GetID()); err != nil {
		t.Error(err)
	}
	for _, attribute := range []string{"department", "mail", "IsSoftDeleted", "objectId", "accountEnabled"} {
		made, err := q.engine.Create(t.Context(), filter(attribute), nil)
		if err != nil {
			t.Errorf("%s: %v", attribute, err)
			continue
		}
		if err := q.engine.Delete(t.Context(), config.KindFilter, made.GetID()); err != nil {
			t.Error(err)
		}
	}
}
