package mapping

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// Review is what a target's own schema has to say about a mapping.
type Review struct {
	// Problems are attributes that the target sets itself.
	Problems []Problem
	// Unknown, Missing and Matching each hold sentences of advice: attributes that
	// the target does not list, required ones that nothing feeds, and matching
	// attributes that may find the wrong account or none.
	Unknown, Missing, Matching []string
}

// ReviewTarget compares a definition with the object type of its target. What
// stands in the template's defaults as it is, is not looked at: a template may
// map more than an app lists. A schema may be incomplete, so that only an
// attribute that is read-only is a problem. A target without attributes is one
// that told nothing.
func ReviewTarget(d Definition, defaults map[string]Attribute, source Source, target directory.ObjectType) Review {
	var r Review
	fed := map[string]bool{}
	told, stable := len(target.Attributes) > 0, false
	var fleeting []string
	for _, text := range sortedPaths(d.Attributes) {
		a := d.Attributes[text]
		path, err := directory.ParsePath(text)
		if err != nil {
			continue // Compile tells
		}
		whole := strings.ToLower(path.Attribute().String())
		fed[whole] = true
		given, has := defaults[text]
		untouched := has && reflect.DeepEqual(given, a)
		definition, problem := lookUpPath(target, path)
		switch {
		case untouched || !told:
		case problem != "":
			r.Unknown = append(r.Unknown, problem)
		case definition.Mutability == directory.ReadOnly:
			r.Problems = append(r.Problems, Problem{text, "", "the app sets it itself and takes no value for it: remove it from the mapping"})
		}
		if a.MatchingPrecedence == nil {
			continue
		}
		names := moves(a, source)
		if untouched || len(names) == 0 {
			stable = true
		} else {
			fleeting = append(fleeting, fmt.Sprintf("%q is matched by %s", text, strings.Join(names, ", ")))
		}
		if !untouched && told && problem == "" && !definition.Unique && !definition.CaseExact {
			r.Matching = append(r.Matching, fmt.Sprintf("The app does not promise that %q is unique: when two accounts have one value, "+
				"neither is taken and the object fails.", text))
		}
	}
	if len(fleeting) > 0 && !stable {
		r.Matching = append(r.Matching, strings.Join(fleeting, ", and ")+", which changes when a person moves or marries: "+
			"an account that is not linked yet is then not found, and another is made. Match first by what stays, as in "+
			anchored(d.Attributes, source)+", and raise the other numbers.")
	}
	if d.Actions == nil || slices.Contains(d.Actions, ActionCreate) {
		r.missing(fed, target)
	}
	return r
}

func (r *Review) missing(fed map[string]bool, target directory.ObjectType) {
	for _, definition := range target.Attributes {
		if definition.Required && definition.Mutability != directory.ReadOnly && !fed[strings.ToLower(definition.Name)] {
			r.Missing = append(r.Missing, fmt.Sprintf("The app says that it requires %q, and no attribute feeds it.", definition.Name))
		}
	}
}

// lookUpPath finds the definition of a path, or says that there is none, with
// the nearest that there is.
func lookUpPath(target directory.ObjectType, path directory.Path) (directory.Definition, string) {
	whole := path.Attribute().Parts()
	if strings.Contains(strings.ToLower(whole.URN), ":schemas:core:") {
		whole.URN = "" // the core schema goes without (RFC 7644 section 3.10)
	}
	definition, ok := lookUp(target.Attributes, whole.String())
	if !ok {
		return definition, absent(path.String(), whole.String(), target.Attributes)
	}
	if path.Sub() == "" || len(definition.Sub) == 0 {
		return definition, ""
	}
	sub, ok := lookUp(definition.Sub, path.Sub())
	if !ok {
		return sub, absent(path.String(), path.Sub(), definition.Sub)
	}
	if definition.Mutability == directory.ReadOnly {
		sub.Mutability = directory.ReadOnly
	}
	return sub, ""
}

func absent(path, name string, among []directory.Definition) string {
	text := fmt.Sprintf("The app does not list %q.", path)
	names := make([]string, len(among))
	for i, d := range among {
		names[i] = d.Name
	}
	if nearest, ok := expression.Nearest(name, names); ok {
		text += fmt.Sprintf(" Did you mean %q?", nearest)
	}
	return text
}

// movable are source attributes whose values change when a person takes another
// name, place or department.
var movable = []string{
	"userPrincipalName", "mail", "otherMails", "proxyAddresses", "mailNickname", "displayName", "givenName", "surname", "cn", "sn",
	"department", "jobTitle", "telephoneNumber", "mobile",
}

// moves gives the movable attributes of which a value is made; none when
// something that stays is in it too.
func moves(a Attribute, source Source) []string {
	var names []string
	switch {
	case a.Source != nil:
		names = []string{*a.Source}
	case a.Expression != nil:
		parsed, err := expression.Parse(*a.Expression)
		if err != nil {
			return nil
		}
		names = parsed.Attributes()
	}
	for _, name := range names {
		if !isMovable(name, source) {
			return nil
		}
	}
	return names
}

// isMovable knows a name, and the source's own name behind one.
func isMovable(name string, source Source) bool {
	for _, known := range movable {
		if strings.EqualFold(name, known) || source.Aliases[known] == name {
			return true
		}
	}
	return false
}

// anchored gives an attribute as it may be written to match by what stays.
func anchored(attributes map[string]Attribute, source Source) string {
	name := ObjectID
	for _, candidate := range []string{"employeeId", "employee_id", "employeeNumber"} {
		if slices.Contains(source.Known, candidate) || source.Aliases[candidate] != "" {
			name = candidate
			break
		}
	}
	if external, ok := attributes["externalId"]; ok && external.Source != nil && !isMovable(*external.Source, source) {
		name = *external.Source
	}
	return fmt.Sprintf(`"externalId" = { source = %q, matching_precedence = 1 }`, name)
}

func sortedPaths(attributes map[string]Attribute) []string {
	list := make([]string, 0, len(attributes))
	for path := range attributes {
		list = append(list, path)
	}
	slices.Sort(list)
	return list
}
