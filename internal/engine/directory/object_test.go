package directory

import (
	"encoding/json"
	"testing"
)

func TestDisplay(t *testing.T) {
	key := Key{User, "42"}
	for _, tt := range []struct {
		values map[string]string
		want   string
	}{
		{map[string]string{"displayName": "Anna B", "givenName": "A", "userPrincipalName": "a@x"}, "Anna B"},
		{map[string]string{"givenName": "Anna", "surname": "Berg", "userPrincipalName": "a@x"}, "Anna Berg"},
		{map[string]string{"surname": "Berg", "userPrincipalName": "a@x"}, "Berg"},
		{map[string]string{"userPrincipalName": "a@x"}, "a@x"},
		{nil, "42"},
	} {
		if got := Display(key, func(name string) Value { return Text(tt.values[name]) }); got != tt.want {
			t.Errorf("%v is shown as %q", tt.values, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	a := NewAttributes(map[string]Value{"b": Text("1"), "a": Null})
	if a[0].Name != "a" {
		t.Errorf("in the order %v", a)
	}
	if v, there := a.Get("a"); !there || !v.IsNull() {
		t.Error("a null is absent")
	}
	if _, there := a.Get("A"); there {
		t.Error("names are not case-sensitive")
	}
	changed := a.With("b", Text("2")).With("aa", Text("3"))
	if got, _ := a.Get("b"); got.String() != "1" || len(a) != 2 {
		t.Error("With changes what it was called on")
	}
	if got, _ := changed.Get("b"); got.String() != "2" || len(changed) != 3 || changed[1].Name != "aa" {
		t.Errorf("With gives %v", changed)
	}
	if a.Equal(changed) || !a.Equal(NewAttributes(map[string]Value{"a": Null, "b": Text("1")})) {
		t.Error("Equal is wrong")
	}
	data, err := json.Marshal(a)
	if err != nil || string(data) != `{"a":null,"b":"1"}` {
		t.Errorf("written %s, %v", data, err)
	}
	var read Attributes
	if err := json.Unmarshal(data, &read); err != nil || !read.Equal(a) {
		t.Errorf("read %v, %v", read, err)
	}
	if err := json.Unmarshal([]byte(`[1]`), &read); err == nil || !read.Equal(a) {
		t.Errorf("a list: %v, %v", read, err)
	}
}

func TestKey_Compare(t *testing.T) {
	ordered := []Key{{}, {"Group", "z"}, {"User", ""}, {"User", "A"}, {"User", "a"}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
	if !ordered[0].IsZero() || ordered[1].IsZero() || ordered[3].String() != "User/A" {
		t.Error("a key is not itself")
	}
}

func TestSchema(t *testing.T) {
	s := Schema{Types: []ObjectType{{Name: User, Attributes: []Definition{{Name: "userName", Required: true}}}}}
	typ, ok := s.Type(User)
	if !ok {
		t.Fatal("the type is missing")
	}
	if d, ok := typ.Attribute("userName"); !ok || !d.Required {
		t.Errorf("userName is %+v", d)
	}
	if _, ok := typ.Attribute("username"); ok {
		t.Error("found by another name")
	}
	if _, ok := s.Type(Group); ok {
		t.Error("found another type")
	}
}
