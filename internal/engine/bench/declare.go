package bench

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// limits are the bounds of a job, as they are declared.
type limits struct{ concurrency int }

// declare declares all that a job stands on, and gives the job: the first cycle
// begins when it is created.
func declare(ctx context.Context, service api.Service, p *population, baseURL string, l limits) (job *config.Job, err error) {
	employee := "employee"
	var revisions []string
	create := func(thing config.Thing, secrets config.Secrets) string {
		if err != nil {
			return ""
		}
		var made config.Thing
		if made, err = service.Create(ctx, thing, secrets); err != nil {
			return ""
		}
		if revision := made.Revision(); revision != "" {
			revisions = append(revisions, revision)
		}
		return made.GetID()
	}
	sourceID := create(&config.Source{Name: "people", File: &config.FileSource{
		Users:  &config.FileSet{Path: p.usersPath(), IDColumn: "id", References: map[string]string{"manager": "manager_id"}},
		Groups: &config.FileSet{Path: p.groupsPath(), IDColumn: "id", Members: "members"},
	}}, nil)
	one := int64(1)
	credentialID := create(&config.Credential{Name: "app", Method: "bearer", Fields: map[string]config.Field{"token": {Version: &one}}},
		config.Secrets{"token": token})
	appID := create(&config.App{Name: "app", SourceID: sourceID, Template: "scim", Scope: config.ScopeAll, CredentialID: credentialID,
		SCIM: &config.SCIMConnection{BaseURL: baseURL}}, nil)
	create(&config.Mapping{AppID: appID, ObjectType: "User", Attributes: userMapping()}, nil)
	create(&config.Mapping{AppID: appID, ObjectType: "Group", Attributes: map[string]mapping.Attribute{
		"displayName": matching("name", 1), "externalId": from("id"), "members": from("members"),
	}}, nil)
	create(&config.Filter{AppID: appID, ObjectType: "User", Name: "employees", Clauses: []scoping.Clause{
		{Attribute: "type", Operator: "equals", Value: &employee},
	}}, nil)
	job = &config.Job{
		AppID: appID, Interval: "24h", Revisions: revisions,
		AccidentalDeletions: map[string]float64{"threshold": float64(p.users)},
	}
	if l.concurrency > 0 {
		n := int64(l.concurrency)
		job.RateLimit = &config.RateLimit{Concurrency: &n}
	}
	return job, err
}

// userMapping maps fifteen attributes and the manager.
func userMapping() map[string]mapping.Attribute {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	return map[string]mapping.Attribute{
		"userName":                             matching("mail", 1),
		"externalId":                           from("id"),
		"active":                               by(`Not([IsSoftDeleted])`),
		"displayName":                          by(`Join(" ", [first_name], [last_name])`),
		"name.givenName":                       from("first_name"),
		"name.familyName":                      from("last_name"),
		"title":                                from("title"),
		`emails[type eq "work"].value`:         by(`ToLower([mail])`),
		`phoneNumbers[type eq "work"].value`:   from("phone"),
		`phoneNumbers[type eq "mobile"].value`: from("mobile"),
		`addresses[type eq "work"].streetAddress`: from("street"),
		`addresses[type eq "work"].locality`:      from("city"),
		"preferredLanguage":                       from("language"),
		enterprise + "department":                 from("department"),
		enterprise + "employeeNumber":             from("employee_number"),
		enterprise + "manager":                    from("manager"),
	}
}

func from(source string) mapping.Attribute { return mapping.Attribute{Source: &source} }

func by(expression string) mapping.Attribute { return mapping.Attribute{Expression: &expression} }

func matching(source string, precedence int64) mapping.Attribute {
	return mapping.Attribute{Source: &source, MatchingPrecedence: &precedence}
}
