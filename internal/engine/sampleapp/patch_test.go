package sampleapp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// The operations of RFC 7644 section 3.5.2, as clients write them.
func TestPatch(t *testing.T) {
	const before = `{"userName":"ada","title":"T","name":{"givenName":"A","familyName":"L"},"emails":[{"type":"work","value":"w","primary":true},{"type":"home","value":"h"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`
	for name, test := range map[string]struct {
		operations string
		path       []any // where to look in the attributes
		want       string
		problem    string // scimType
	}{
		"add a value":                        {`[{"op":"add","path":"nickName","value":"n"}]`, []any{"nickName"}, `"n"`, ""},
		"add replaces a single value":        {`[{"op":"Add","path":"TITLE","value":"x"}]`, []any{"title"}, `"x"`, ""},
		"add without path":                   {`[{"op":"add","value":{"title":"x","name":{"givenName":"B"}}}]`, []any{"name"}, `{"givenName":"B","familyName":"L"}`, ""},
		"replace of a complex one merges":    {`[{"op":"replace","path":"name","value":{"givenName":"B"}}]`, []any{"name"}, `{"givenName":"B","familyName":"L"}`, ""},
		"dotted keys":                        {`[{"op":"replace","value":{"name.givenName":"B"}}]`, []any{"name", "givenName"}, `"B"`, ""},
		"sub-attribute":                      {`[{"op":"replace","path":"name.givenName","value":"B"}]`, []any{"name", "givenName"}, `"B"`, ""},
		"remove":                             {`[{"op":"remove","path":"title"}]`, []any{"title"}, `null`, ""},
		"remove a sub-attribute":             {`[{"op":"remove","path":"name.givenName"}]`, []any{"name"}, `{"familyName":"L"}`, ""},
		"remove what is not there":           {`[{"op":"remove","path":"nickName"}]`, []any{"title"}, `"T"`, ""},
		"replace by null":                    {`[{"op":"replace","path":"title","value":null}]`, []any{"title"}, `null`, ""},
		"add an element":                     {`[{"op":"add","path":"emails","value":[{"type":"other","value":"o"}]}]`, []any{"emails", 2, "value"}, `"o"`, ""},
		"add an element that is there":       {`[{"op":"add","path":"emails","value":{"type":"home","value":"h"}}]`, []any{"emails", 2}, `null`, ""},
		"replace in an element":              {`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}]`, []any{"emails", 0, "value"}, `"x"`, ""},
		"replace in an element, other case":  {`[{"op":"replace","path":"emails[type eq \"WORK\"].value","value":"x"}]`, []any{"emails", 0, "value"}, `"x"`, ""},
		"replace in no element":              {`[{"op":"replace","path":"emails[type eq \"none\"].value","value":"x"}]`, nil, "", "noTarget"},
		"add to no element":                  {`[{"op":"add","path":"emails[type eq \"other\"].value","value":"x"}]`, []any{"emails", 2}, `{"type":"other","value":"x"}`, ""},
		"remove an element":                  {`[{"op":"remove","path":"emails[type eq \"work\"]"}]`, []any{"emails"}, `[{"type":"home","value":"h"}]`, ""},
		"remove all elements":                {`[{"op":"remove","path":"emails"}]`, []any{"emails"}, `null`, ""},
		"remove by value":                    {`[{"op":"remove","path":"emails","value":[{"value":"h"}]}]`, []any{"emails", 1}, `null`, ""},
		"one is primary":                     {`[{"op":"add","path":"emails","value":[{"type":"x","value":"x","primary":true}]}]`, []any{"emails", 0, "primary"}, `false`, ""},
		"extension":                          {`[{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"x"}]`, []any{schemaEnterprise, "department"}, `"x"`, ""},
		"extension as an object":             {`[{"op":"add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"division":"x"}}}]`, []any{schemaEnterprise}, `{"department":"D","division":"x"}`, ""},
		"extension as a whole":               {`[{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}]`, []any{schemaEnterprise}, `null`, ""},
		"manager as text":                    {`[{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"m"}]`, []any{schemaEnterprise, "manager"}, `{"value":"m"}`, ""},
		"manager as Entra writes it":         {`[{"op":"Add","path":"manager","value":[{"$ref":null,"value":"m"}]}]`, []any{schemaEnterprise, "manager"}, `{"value":"m"}`, ""},
		"text for a boolean":                 {`[{"op":"Replace","path":"active","value":"False"}]`, []any{"active"}, `false`, ""},
		"no boolean":                         {`[{"op":"replace","path":"active","value":"maybe"}]`, nil, "", "invalidValue"},
		"read-only":                          {`[{"op":"replace","path":"id","value":"x"}]`, nil, "", "mutability"},
		"required":                           {`[{"op":"remove","path":"userName"}]`, nil, "", "invalidValue"},
		"no operation":                       {`[{"op":"move","path":"title"}]`, nil, "", "invalidSyntax"},
		"no path":                            {`[{"op":"remove"}]`, nil, "", "noTarget"},
		"bad path":                           {`[{"op":"add","path":"emails[type","value":1}]`, nil, "", "invalidPath"},
		"nothing":                            {`[]`, nil, "", "invalidSyntax"},
		"all or none":                        {`[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"emails[type eq \"none\"].value","value":"x"}]`, nil, "", "noTarget"},
		"a value that a sub-attribute bears": {`[{"op":"add","path":"title.x","value":"y"}]`, nil, "", "invalidPath"},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Options{})
			r, err := decode([]byte(before))
			if err != nil {
				t.Fatal(err)
			}
			id := mustAdd(t, a, User, r)
			code, body, _ := exchange(t, a, "PATCH", "/Users/"+id, `{"schemas":["x"],"Operations":`+test.operations+`}`)
			after, _ := a.Resource(User, id)
			if test.problem != "" {
				if code != 400 || body["scimType"] != test.problem || after.Version != 1 || after.Attributes["title"] != "T" {
					t.Errorf("%d %v, version %d", code, body, after.Version)
				}
				return
			}
			var got any = after.Attributes
			for _, step := range test.path {
				switch at := step.(type) {
				case string:
					got = got.(map[string]any)[at]
				case int:
					list, _ := got.([]any)
					if got = any(nil); at < len(list) {
						got = list[at]
					}
				}
			}
			var want any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if code != 200 || !reflect.DeepEqual(got, want) {
				t.Errorf("%d: %v, want %s", code, got, test.want)
			}
		})
	}
}

func TestNoChangeIsNoVersion(t *testing.T) {
	a := New(Options{})
	id := mustAdd(t, a, User, map[string]any{"userName": "ada", "title": "T"})
	exchange(t, a, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"title","value":"T"}]}`)
	if r, _ := a.Resource(User, id); r.Version != 1 {
		t.Errorf("version %d", r.Version)
	}
}

func TestMembersAreTakenBack(t *testing.T) {
	a := New(Options{})
	id := mustAdd(t, a, Group, map[string]any{"displayName": "g", "members": []any{map[string]any{"value": "a"}, map[string]any{"value": "b"}}})
	fail := `{"op":"replace","path":"displayName","value":""}`
	for _, operation := range []string{
		`{"op":"add","path":"members","value":[{"value":"c"}]}`, `{"op":"remove","path":"members[value eq \"a\"]"}`,
		`{"op":"remove","path":"members"}`, `{"op":"replace","path":"members","value":[{"value":"x"}]}`,
	} {
		if code, _, _ := exchange(t, a, "PATCH", "/Groups/"+id, `{"Operations":[`+operation+`,`+fail+`]}`); code != 400 {
			t.Errorf("%s: %d", operation, code)
		}
		r, _ := a.Resource(Group, id)
		if len(r.Members) != 2 || r.Version != 1 {
			t.Errorf("%s left %v, version %d", operation, r.Members, r.Version)
		}
	}
	mustAdd(t, a, User, map[string]any{"userName": "a"})
}

// One member more costs the same in a large group.
func BenchmarkAddMember(b *testing.B) {
	for _, size := range []int{100, 50_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			a := New(Options{})
			var members []any
			for i := range size {
				members = append(members, map[string]any{"value": fmt.Sprint("m", i)})
			}
			id := mustAdd(b, a, Group, map[string]any{"displayName": "g", "members": members})
			for i := 0; b.Loop(); i++ {
				exchange(b, a, "PATCH", "/Groups/"+id, fmt.Sprintf(`{"Operations":[{"op":"add","path":"members","value":[{"value":"n%d"}]}]}`, i))
			}
		})
	}
}

func BenchmarkCreateUser(b *testing.B) {
	a := New(Options{})
	for i := 0; b.Loop(); i++ {
		exchange(b, a, "POST", "/Users", fmt.Sprintf(`{"userName":"u%d","externalId":"%d","active":true,"name":{"givenName":"a","familyName":"b"},"emails":[{"type":"work","value":"u%d@example.com","primary":true}]}`, i, i, i))
	}
}

func BenchmarkSearch(b *testing.B) {
	a := New(Options{})
	for i := range 100_000 {
		mustAdd(b, a, User, map[string]any{"userName": fmt.Sprint("u", i), "externalId": fmt.Sprint(i)})
	}
	for _, filter := range []string{"userName+eq+%22u99999%22", "externalId+eq+%2299999%22"} {
		b.Run(filter, func(b *testing.B) {
			for b.Loop() {
				exchange(b, a, "GET", "/Users?filter="+filter, "")
			}
		})
	}
}
