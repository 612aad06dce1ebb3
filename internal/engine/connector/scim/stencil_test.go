package scim

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// A body that a stencil was filled for is the one that is put together without,
// whatever the paths have to do with each other.
func TestStencils(t *testing.T) {
	paths := paths("userName", "USERNAME", "externalId", "active", "name", "name.givenName", "Name.familyName", "emails", "emails.value",
		`emails[type eq "work"]`, `emails[type eq "work"].value`, `Emails[type eq "work"].display`, `emails[type eq "home"].primary`,
		`emails[type eq "home"].type`, `emails[value eq "work"].type`, `roles[primary eq "True"].value`, "schemas", "meta", "manager", "x509Certificates",
		enterprise+"department", enterprise+"employeeNumber", enterprise+"manager", enterprise+"manager.displayName", "urn:x:number", schemaUser+":title")
	values := rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{"", "a", "work", "\x00", "0", "\x000\x00", "True", "7", `"\`, "é\u2028\xff"}), func(s string) directory.Value { return directory.Text(s) }),
		rapid.SampledFrom([]directory.Value{directory.Boolean(true), directory.Integer(7), directory.Null, directory.Texts("a"), directory.Texts("a", "b")}),
	)
	for _, dialect := range []string{"", `{"patch":"entra"}`} {
		fresh := func() *target { return open(t, "https://app.example.com", dialect) }
		t.Run(dialect, rapid.MakeCheck(func(t *rapid.T) {
			o := connector.Operation{Kind: connector.Create, Type: rapid.SampledFrom([]string{directory.User, directory.Group}).Draw(t, "type")}
			for _, path := range rapid.SliceOfN(rapid.SampledFrom(paths), 0, 6).Draw(t, "paths") {
				o.Modifications = append(o.Modifications, connector.Modification{Path: path, Verb: connector.Set, Reference: rapid.IntRange(0, 9).Draw(t, "kind") == 0})
			}
			stencilled := fresh()
			for range 3 {
				o.Modifications = slices.Clone(o.Modifications)
				for i := range o.Modifications {
					o.Modifications[i].Value = values.Draw(t, "value")
				}
				got, err := stencilled.creation(o)
				want, wantErr := fresh().creation(o)
				if string(got.body) != string(want.body) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
					t.Fatalf("%s %v\nwant %s %v", got.body, err, want.body, wantErr)
				}
				if !slices.EqualFunc(got.expected.written, want.expected.written, func(a, b *attribute) bool { return a.path == b.path }) {
					t.Fatalf("written %v, want %v", got.expected.written, want.expected.written)
				}
			}
		}))
	}
}

// The stencil of a mapping is made once, and no more are than are kept.
func TestStencilsAreFew(t *testing.T) {
	target := open(t, "https://app.example.com", "")
	for i := range 3 * maxStencils {
		for range 2 {
			if _, err := target.creation(creating(directory.User, fifteen()[i%15:]...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(target.discovery.stencils); n != 15 {
		t.Errorf("%d stencils", n)
	}
	for _, s := range target.discovery.stencils {
		if s.end == "" {
			t.Errorf("there is none of %d attributes", len(s.attributes))
		}
	}
	for i := range 3 * maxStencils {
		path := "urn:x:" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		if _, err := target.creation(creating(directory.User, set(path, directory.Text("v")))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(target.discovery.stencils); n != maxStencils {
		t.Errorf("%d stencils are kept", n)
	}
	target.discovery.learn(nil)
	if len(target.discovery.stencils) > 0 {
		t.Error("stencils outlive what they were made by")
	}
}
