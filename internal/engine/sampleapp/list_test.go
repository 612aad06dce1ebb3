package sampleapp

import (
	"fmt"
	"testing"
)

func TestPages(t *testing.T) {
	a := New(Options{PageSize: 10})
	var ids []string
	for i := range 25 {
		ids = append(ids, mustAdd(t, a, User, map[string]any{"userName": fmt.Sprint("u", i)}))
	}
	a.Remove(User, ids[3])
	for query, want := range map[string][3]float64{ // startIndex, itemsPerPage, totalResults
		"":                                     {1, 10, 24},
		"?count=4":                             {1, 4, 24},
		"?count=1000":                          {1, 10, 24},
		"?count=0":                             {1, 0, 24},
		"?count=-1":                            {1, 0, 24},
		"?startIndex=0":                        {1, 10, 24},
		"?startIndex=21&count=9":               {21, 4, 24},
		"?startIndex=25":                       {25, 0, 24},
		"?startIndex=999999999":                {999999999, 0, 24},
		"?startIndex=x&count=y":                {1, 10, 24},
		"?filter=userName+sw+%22u1%22&count=2": {1, 2, 11},
	} {
		_, body, _ := exchange(t, a, "GET", "/Users"+query, "")
		if got := [3]float64{body["startIndex"].(float64), body["itemsPerPage"].(float64), body["totalResults"].(float64)}; got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		if n := float64(len(body["Resources"].([]any))); n != want[1] {
			t.Errorf("%s: %v resources", query, n)
		}
	}
	if code, body, _ := exchange(t, a, "GET", "/Users?filter=userName+is+1", ""); code != 400 || body["scimType"] != "invalidFilter" {
		t.Errorf("bad filter: %d %v", code, body)
	}
}

func TestAttributesAskedFor(t *testing.T) {
	a := New(Options{})
	r, err := decode([]byte(ada))
	if err != nil {
		t.Fatal(err)
	}
	user := mustAdd(t, a, User, r)
	group := mustAdd(t, a, Group, map[string]any{"displayName": "g", "members": []any{map[string]any{"value": user}}})
	for path, want := range map[string]string{
		"/Groups/" + group + "?excludedAttributes=members": "displayName id meta schemas",
		"/Groups/" + group + "?attributes=members":         "id members schemas",
		"/Groups/" + group: "displayName id members meta schemas",
		"/Users/" + user + "?attributes=name.givenName,TITLE":                                                  "id name schemas title",
		"/Users/" + user + "?attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "id schemas " + schemaEnterprise,
		"/Users/" + user + "?excludedAttributes=emails,name,level,active,meta":                                 "id schemas title " + schemaEnterprise + " userName",
	} {
		_, body, _ := exchange(t, a, "GET", path, "")
		there := map[string]bool{}
		for name := range body {
			there[name] = true
		}
		for _, name := range names(want) {
			if !there[name] {
				t.Errorf("%s: no %s", path, name)
			}
			delete(there, name)
		}
		if len(there) > 0 {
			t.Errorf("%s: also %v", path, there)
		}
	}
}

func TestDeletedUsersLeaveTheirGroups(t *testing.T) {
	a := New(Options{})
	user := mustAdd(t, a, User, map[string]any{"userName": "a"})
	mustAdd(t, a, Group, map[string]any{"displayName": "g", "members": []any{map[string]any{"value": user}}})
	exchange(t, a, "DELETE", "/Users/"+user, "")
	if g, _ := a.Group("G"); len(g.Members) != 0 || g.Version != 2 {
		t.Errorf("%+v", g)
	}
}

func TestCountsAndRequests(t *testing.T) {
	a := New(Options{KeepRequests: 3})
	for i := range 5 {
		exchange(t, a, "POST", "/scim/Users", fmt.Sprintf(`{"userName":"u%d"}`, i))
	}
	exchange(t, a, "GET", "/scim/Nothing", "")
	if n := a.Counts()["create User"]; n.Requests != 5 || n.Bytes == 0 {
		t.Errorf("%+v", a.Counts())
	}
	kept := a.Requests()
	if len(kept) != 3 || kept[0].Target != "u3" || kept[1].Status != 201 || kept[2].Status != 404 {
		t.Errorf("%+v", kept)
	}
	a.Reset()
	if len(a.Requests()) != 0 || a.Len(User) != 0 || len(a.Counts()) != 0 {
		t.Error("something is left after Reset")
	}
	if id := mustAdd(t, a, User, map[string]any{"userName": "u"}); id != "00000006" {
		t.Errorf("id %s was given before", id)
	}
}
