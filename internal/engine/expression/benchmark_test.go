package expression

import (
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// mappings are expressions of the kind that jobs have, one for each of 15
// attributes.
var mappings = []string{
	`[userPrincipalName]`, `Switch([IsSoftDeleted], , "False", "True", "True", "False")`, `[displayName]`,
	`Join(" ", [givenName], [surname])`, `ToLower([mail])`, `Mid([userPrincipalName], 1, 8)`,
	`NormalizeDiacritics([givenName])`, `StripSpaces([telephoneNumber])`, `Replace([telephoneNumber], , "[()\\s-]+", , "", , )`,
	`IIF(IsPresent([department]), [department], "none")`, `Coalesce([mobile], [telephoneNumber])`,
	`Word([mail], 2, "@")`, `FormatDateTime([hireDate], , "yyyy-MM-dd", "M/d/yyyy")`, `PCase([city])`, `Append([employeeId], "-x")`,
}

var person = map[string]directory.Value{
	"userPrincipalName": directory.Text("john.smith@contoso.com"), "IsSoftDeleted": directory.Boolean(false), "displayName": directory.Text("John Smith"),
	"givenName": directory.Text("José"), "surname": directory.Text("Smith"), "mail": directory.Text("John.Smith@contoso.com"),
	"telephoneNumber": directory.Text("+1 (206) 291-8163"), "department": directory.Text("Sales"), "hireDate": directory.Text("2021-03-05"),
	"city": directory.Text("NEW YORK"), "employeeId": directory.Text("4711"),
}

func BenchmarkEvaluate15Mappings(b *testing.B) {
	expressions := make([]*Expression, len(mappings))
	for i, text := range mappings {
		var err error
		if expressions[i], err = Parse(text); err != nil {
			b.Fatal(err)
		}
	}
	env := &Environment{Attribute: func(name string) (directory.Value, bool) { v, ok := person[name]; return v, ok }}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range expressions {
			if _, err := e.Evaluate(env); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	env := &Environment{Attribute: func(name string) (directory.Value, bool) { v, ok := person[name]; return v, ok }}
	for _, text := range mappings {
		b.Run(fmt.Sprintf("%.20s", text), func(b *testing.B) {
			e, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Evaluate(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range mappings {
			if _, err := Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	}
}
