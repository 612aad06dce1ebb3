package scim

import (
	"fmt"
	"slices"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestRemovingMembers(t *testing.T) {
	for name, test := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
		form    MemberRemoval
	}{
		"standard":                     {sampleapp.Quirks{}, "", RemoveByFilter},
		"filter does nothing":          {sampleapp.Quirks{RemoveByFilterIgnored: true}, "", RemoveByValue},
		"neither form works":           {sampleapp.Quirks{RemoveByFilterIgnored: true, RemoveByValueEmpties: true}, "", RemoveReplace},
		"one form, which empties":      {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"member_removal":"value"}`, RemoveReplace},
		"value empties":                {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"member_removal":"value"}`, RemoveReplace},
		"Entra's form":                 {sampleapp.Quirks{}, `{"patch":"entra"}`, RemoveByValue},
		"Entra's form empties":         {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"patch":"entra"}`, RemoveByFilter},
		"Entra's form with the flag":   {sampleapp.Quirks{}, `{"patch":"entra_compat"}`, RemoveByFilter},
		"members are hidden":           {sampleapp.Quirks{HideMembers: true}, "", ""},
		"replacement only":             {sampleapp.Quirks{}, `{"member_removal":"replace"}`, RemoveReplace},
		"no removal of all, ignored":   {sampleapp.Quirks{RemoveAllIgnored: true}, "", RemoveByFilter},
		"no removal of all, refused":   {sampleapp.Quirks{RemoveAllRefused: true, RefuseMemberReplacement: true}, "", RemoveByFilter},
		"duplicates are kept":          {sampleapp.Quirks{KeepDuplicateMembers: true}, `{"read_members_first":true}`, RemoveByFilter},
		"PUT in place of PATCH":        {sampleapp.Quirks{NoPatch: true}, "", ""},
		"PUT by the dialect":           {sampleapp.Quirks{}, `{"put":true}`, ""},
		"a request takes two members":  {sampleapp.Quirks{MembersPerRequest: 2}, "", RemoveByFilter},
		"the dialect says two members": {sampleapp.Quirks{MembersPerRequest: 2}, `{"members_per_request":2}`, RemoveByFilter},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, test.dialect)
			var ids []string
			for i := range 5 {
				ids = append(ids, add(t, app, sampleapp.User, fmt.Sprint("u", i)))
			}
			g := add(t, app, sampleapp.Group, "g")
			send(t, target, updating(directory.Group, g, members(connector.Add, ids...)))
			send(t, target, updating(directory.Group, g, members(connector.Add, ids[4])))
			send(t, target, updating(directory.Group, g, members(connector.Remove, ids[1])))
			if got, want := group(t, app, g), []string{ids[0], ids[2], ids[3], ids[4]}; !slices.Equal(sorted(got), want) {
				t.Fatalf("after the first removal: %v, want %v", got, want)
			}
			send(t, target, updating(directory.Group, g, members(connector.Remove, ids[0]), members(connector.Add, ids[1])))
			if got, want := group(t, app, g), []string{ids[1], ids[2], ids[3], ids[4]}; !slices.Equal(sorted(got), want) {
				t.Fatalf("after the second removal: %v, want %v", got, want)
			}
			if form := target.learned.removalForm(); form != test.form {
				t.Errorf("learnt the form %q, want %q", form, test.form)
			}
			if test.quirks.HideMembers {
				return
			}
			send(t, target, updating(directory.Group, g, cleared("members")))
			if got := group(t, app, g); len(got) != 0 {
				t.Errorf("after all were removed: %v", got)
			}
		})
	}
}

func TestUnknownMembersAreLost(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{RefuseUnknownMembers: true}, "")
	a := add(t, app, sampleapp.User, "a")
	g := add(t, app, sampleapp.Group, "g")
	receipt := send(t, target, updating(directory.Group, g, members(connector.Add, "gone", a)))
	if !slices.Equal(receipt.Lost, []string{"gone"}) || !slices.Equal(group(t, app, g), []string{a}) {
		t.Errorf("lost %v, members %v", receipt.Lost, group(t, app, g))
	}
	_, err := target.Send(t.Context(), updating(directory.Group, "no-group", members(connector.Add, a)))
	refused(t, err, connector.Gone, codeInvalidAnchor)
}
