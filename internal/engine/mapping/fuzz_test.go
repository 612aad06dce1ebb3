package mapping

import (
	"bytes"
	"errors"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Any attribute mapping of any object gives flows or an error of that object,
// and what flows fits the type of the target's attribute.
func FuzzMapping(f *testing.F) {
	for _, path := range []string{"active", "level", "since", "tags", "name.givenName", `emails[type eq "work"].value`, "urn:x:2.0:User:badge", "unheardOf", "manager"} {
		f.Add(path, `[a]`, "3", "True")
		f.Add(path, `Split([a], ",")`, "", "1,2")
		f.Add(path, `IgnoreFlowIfNullOrEmpty([b])`, "x", "")
	}
	f.Fuzz(func(t *testing.T, path, text, fallback, value string) {
		definition := Definition{ObjectType: directory.User, Enabled: true, Attributes: map[string]Attribute{
			"externalId": matching(from("objectId"), 1), path: orElse(applied(computed(text), ApplyOnCreate), fallback),
		}}
		compiled, err := Compile(definition, Source{References: []string{"manager"}}, userType)
		if err != nil {
			return
		}
		for _, v := range []directory.Value{directory.Text(value), directory.Texts(value, value), directory.List(), directory.Null, directory.Boolean(true), directory.Time(noon),
			directory.Complex(directory.Member{Name: "value", Value: directory.Text(value)})} {
			in := Input{View: viewOf(map[string]directory.Value{"a": v, "b": directory.Text(value)}), Now: noon, Random: bytes.NewReader(make([]byte, 1<<16))}
			flows, err := compiled.Evaluate(in, true)
			var failed *EvaluationError
			var need *NeedUnique
			if err != nil && !errors.As(err, &failed) && !errors.As(err, &need) && !errors.Is(err, ErrIgnoreObject) {
				t.Fatalf("%s: %v", text, err)
			}
			if failed != nil && failed.Details()["attribute"] == "" {
				t.Fatalf("the error names no attribute: %v", err)
			}
			for _, flow := range flows {
				target := typeOf(userType, flow.Path)
				for _, given := range []directory.Value{flow.Value, flow.Default} {
					if !fits(target, given) {
						t.Fatalf("%s takes no %s %v", flow.Path, given.Kind(), given)
					}
				}
			}
		}
	})
}

// fits reports whether a value is of an attribute's type; complex values are
// the target's to judge.
func fits(target attributeType, v directory.Value) bool {
	kinds := map[directory.DataType]directory.Kind{directory.TypeBoolean: directory.KindBoolean, directory.TypeInteger: directory.KindInteger, directory.TypeString: directory.KindText}
	want, typed := kinds[target.data]
	switch {
	case v.IsNull() || v.Kind() == directory.KindComplex || !target.known || !typed:
		return true
	case v.Kind() == directory.KindList:
		for _, element := range v.Values() {
			if !fits(target, element) {
				return false
			}
		}
		return target.multi
	}
	return v.Kind() == want
}
