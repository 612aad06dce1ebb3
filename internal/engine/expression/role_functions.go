package expression

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var roleParameters = []Parameter{{Name: "appRoleAssignments", Type: TypeList}}

// roleType is the type that the service which the language comes from gives
// roles.
const roleType = "WindowsAzureActiveDirectoryRole"

var roleFunctions = []definition{
	{
		Function: Function{
			Name: "AppRoleAssignments", Result: TypeList, Parameters: roleParameters,
			Summary: "Gives the values of all roles that the object has in the app.",
			Null:    "No role gives null.",
			Example: Example{`AppRoleAssignments([appRoleAssignments])`, sourceList("appRoleAssignments", "Admin", "User"), `["Admin","User"]`, false},
		},
		roles:    true,
		evaluate: func(in invocation) (directory.Value, error) { return in.roles(roleValue) },
	},
	{
		Function: Function{
			Name: "AppRoleAssignmentsComplex", Result: TypeList, Parameters: roleParameters,
			Summary: "Gives all roles that the object has in the app, each as an element of a SCIM attribute that is not the primary one. Mapped by itself it adds roles and takes none away.",
			Null:    "No role gives null.",
			Example: Example{`AppRoleAssignmentsComplex([appRoleAssignments])`, sourceList("appRoleAssignments", "Admin"),
				`[{"display":"Admin","primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]`, false},
		},
		roles:    true,
		additive: true,
		evaluate: func(in invocation) (directory.Value, error) { return in.roles(roleElement) },
	},
	{
		Function: Function{
			Name: "AssertiveAppRoleAssignmentsComplex", Result: TypeList, Parameters: roleParameters,
			Summary: "Gives the same as AppRoleAssignmentsComplex, for an attribute that holds no other roles: mapped by itself it replaces all that are there.",
			Null:    "No role gives null.",
			Example: Example{`AssertiveAppRoleAssignmentsComplex([appRoleAssignments])`, sourceList("appRoleAssignments", "Admin"),
				`[{"display":"Admin","primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]`, false},
		},
		roles:    true,
		evaluate: func(in invocation) (directory.Value, error) { return in.roles(roleElement) },
	},
	{
		Function: Function{
			Name: "SingleAppRoleAssignment", Result: TypeText, Parameters: roleParameters,
			Summary: "Gives the value of one role that the object has in the app, the first of several.",
			Null:    "No role gives null.",
			Example: Example{`SingleAppRoleAssignment([appRoleAssignments])`, sourceList("appRoleAssignments", "Admin"), "Admin", false},
		},
		roles: true,
		evaluate: func(in invocation) (directory.Value, error) {
			values, err := in.values(0)
			if err != nil || len(values) == 0 {
				return directory.Null, err
			}
			return roleValue(values[0]), nil
		},
	},
}

// roles gives each role in the form wanted; null when there is none.
func (in invocation) roles(form func(directory.Value) directory.Value) (directory.Value, error) {
	values, err := in.values(0)
	if err != nil || len(values) == 0 {
		return directory.Null, err
	}
	roles := make([]directory.Value, len(values))
	for i, role := range values {
		roles[i] = form(role)
	}
	return directory.List(roles...), nil
}

// roleValue gives a role's value, its display name when it has none; a text is
// a role that is named only.
func roleValue(role directory.Value) directory.Value {
	if role.Kind() != directory.KindComplex {
		return role
	}
	if value, _ := role.Member("value"); !value.IsEmpty() {
		return value
	}
	return roleDisplay(role)
}

func roleDisplay(role directory.Value) directory.Value {
	if role.Kind() != directory.KindComplex {
		return role
	}
	display, _ := role.Member("displayName")
	return display
}

func roleElement(role directory.Value) directory.Value {
	return directory.Complex(
		directory.Member{Name: "primary", Value: directory.Boolean(false)},
		directory.Member{Name: "type", Value: directory.Text(roleType)},
		directory.Member{Name: "display", Value: roleDisplay(role)},
		directory.Member{Name: "value", Value: roleValue(role)},
	)
}
