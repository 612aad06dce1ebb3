package directory

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

// anyValue gives a value nested up to depth.
func anyValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		kinds := int(KindTime)
		if depth > 0 {
			kinds = int(KindComplex)
		}
		switch Kind(rapid.IntRange(0, kinds).Draw(t, "kind")) {
		case KindText:
			return Text(rapid.String().Draw(t, "text"))
		case KindBoolean:
			return Boolean(rapid.Bool().Draw(t, "boolean"))
		case KindInteger:
			return Integer(rapid.Int64().Draw(t, "integer"))
		case KindTime:
			return Time(time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanos")))
		case KindList:
			return List(rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(t, "list")...)
		case KindComplex:
			var members []Member
			for _, name := range rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "names") {
				members = append(members, Member{name, anyValue(depth-1).Draw(t, "member")})
			}
			return Complex(members...)
		}
		return Null
	})
}

func TestValue_stored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		data, err := v.AppendBinary([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := DecodeValue(append(data, "after"...)[len("before"):])
		if err != nil || !got.Equal(v) || string(rest) != "after" {
			t.Fatalf("%v comes back as %v, %q left, %v", v, got, rest, err)
		}
		again, _ := got.AppendBinary([]byte("before"))
		if string(again) != string(data) {
			t.Fatal("equal values have other bytes")
		}
		for cut := len("before"); cut < len(data); cut++ {
			if _, _, err := DecodeValue(data[len("before"):cut]); err == nil {
				t.Fatalf("%v cut at %d is read", v, cut)
			}
		}
	})
}

func TestAttributes_stored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewAttributes(rapid.MapOfN(rapid.String(), anyValue(1), 0, 4).Draw(t, "attributes"))
		data, err := a.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := DecodeAttributes(data)
		if err != nil || !got.Equal(a) || len(rest) > 0 {
			t.Fatalf("%v comes back as %v, %v", a, got, err)
		}
		for i := range a {
			if v, ok := got.Get(a[i].Name); !ok || !v.Equal(a[i].Value) {
				t.Fatalf("%q is %v, %t", a[i].Name, v, ok)
			}
		}
		var names []string
		some := Attributes{}
		for _, attribute := range a {
			if rapid.Bool().Draw(t, "wanted") {
				names, some = append([]string{attribute.Name}, names...), append(some, attribute)
			}
		}
		if got, err := DecodeSome(data, append(names, "absent")); err != nil || !got.Equal(some) {
			t.Fatalf("of %v %q comes back as %v, %v", a, names, got, err)
		}
		for cut := range data {
			if _, err := DecodeSome(data[:cut], names); err == nil {
				t.Fatalf("%v cut at %d is read", a, cut)
			}
		}
	})
}

// What nests too deep to be read back is not stored.
func TestValue_depth(t *testing.T) {
	v := Text("x")
	for range maxDepth {
		v = List(v)
	}
	data, err := v.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := DecodeValue(data); err != nil || !got.Equal(v) {
		t.Errorf("at the bound: %v", err)
	}
	if _, err := List(v).AppendBinary(nil); err == nil {
		t.Error("a value is stored that cannot be read")
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	var read Value
	if err := json.Unmarshal([]byte(deep), &read); err == nil {
		t.Error("a deep document is read")
	}
}

func FuzzDecodeValue(f *testing.F) {
	for _, v := range []Value{Null, Text("a"), Integer(-1), Time(time.Unix(1, 2)), Texts("a", "b"), Complex(Member{"a", Null}, Member{"b", Boolean(true)})} {
		data, _ := v.AppendBinary(nil)
		f.Add(data)
	}
	f.Add([]byte{byte(KindList), 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{byte(KindComplex), 2, 1, 'b', 0, 1, 'a', 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = DecodeSome(data, []string{"a"})
		v, rest, err := DecodeValue(data)
		if err != nil {
			return
		}
		if len(rest) >= len(data) {
			t.Fatal("nothing was read")
		}
		stored, err := v.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, rest, err := DecodeValue(stored)
		if err != nil || !again.Equal(v) || len(rest) > 0 {
			t.Fatalf("%v comes back as %v, %v", v, again, err)
		}
		_ = v.String()
		for _, m := range v.Members() {
			if got, ok := v.Member(m.Name); !ok || !got.Equal(m.Value) {
				t.Fatalf("member %q is %v, %t", m.Name, got, ok)
			}
		}
	})
}

// JSON gives every value back but times, which come back as text.
func TestValue_JSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got Value
		if err := json.Unmarshal(data, &got); err != nil || !got.Equal(timesAsText(v)) {
			t.Fatalf("%s comes back as %v, %v", data, got, err)
		}
	})
}

func timesAsText(v Value) Value {
	switch v.Kind() {
	case KindTime:
		t, _ := v.AsTime()
		return Text(t.Format(time.RFC3339Nano))
	case KindList:
		values := make([]Value, len(v.Values()))
		for i, element := range v.Values() {
			values[i] = timesAsText(element)
		}
		return List(values...)
	case KindComplex:
		var members []Member
		for _, m := range v.Members() {
			members = append(members, Member{m.Name, timesAsText(m.Value)})
		}
		return Complex(members...)
	}
	return v
}

func FuzzValueJSON(f *testing.F) {
	for _, seed := range []string{"null", `"a"`, "1", "1e400", "-0", "1.5", "9223372036854775808", `{"a":1,"a":[2,null]}`, "[]", `"<&>"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v Value
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		data, err := json.Marshal(v)
		var again Value
		if err != nil || json.Unmarshal(data, &again) != nil || !again.Equal(v) {
			t.Fatalf("%q is %v, written %q, which is %v, %v", text, v, data, again, err)
		}
	})
}

func TestValue_String(t *testing.T) {
	for want, v := range map[string]Value{
		"":                         Null,
		"a":                        Text("a"),
		"True":                     Boolean(true),
		"False":                    Boolean(false),
		"-7":                       Integer(-7),
		"1/2/2026 3:04:05 PM":      Time(time.Date(2026, 1, 2, 16, 4, 5, 0, time.FixedZone("", 3600))),
		"[]":                       List(),
		`["<a>","b"]`:              Texts("<a>", "b"),
		`[1,null,[true]]`:          List(Integer(1), Null, List(Boolean(true))),
		`{"a":"&","b":{"c":null}}`: Complex(Member{"b", Complex(Member{"c", Null})}, Member{"a", Text("x")}, Member{"a", Text("&")}),
		"{}":                       Complex(),
	} {
		if got := v.String(); got != want {
			t.Errorf("%v is shown as %s, want %s", v.Kind(), got, want)
		}
	}
}

func TestFromJSON(t *testing.T) {
	for _, tt := range []struct {
		json any
		want Value
	}{
		{json.Number("12"), Integer(12)},
		{json.Number("9223372036854775808"), Text("9223372036854775808")},
		{json.Number("1.0"), Text("1.0")},
		{float64(3), Integer(3)},
		{1.5, Text("1.5")},
		{math.Pow(2, 63), Text("9.223372036854776e+18")},
		{-math.Pow(2, 63), Integer(math.MinInt64)},
		{math.Inf(1), Text("+Inf")},
		{math.NaN(), Text("NaN")},
		{[]any{}, List()},
		{map[string]any{"b": nil, "a": true}, Complex(Member{"a", Boolean(true)}, Member{"b", Null})},
	} {
		got, err := FromJSON(tt.json)
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("%v is %v, %v", tt.json, got, err)
		}
	}
	if _, err := FromJSON([]any{struct{}{}}); err == nil {
		t.Error("anything is a value")
	}
}

func TestValue_kinds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	all := []Value{Null, Text("a"), Boolean(true), Integer(1), Time(at), Texts("a"), Complex(Member{"a", Null})}
	for i, v := range all {
		if v.Kind() != Kind(i) || strings.HasPrefix(v.Kind().String(), "kind") {
			t.Errorf("%v is of kind %v", v, v.Kind())
		}
		_, isText := v.AsText()
		_, isBoolean := v.AsBoolean()
		_, isInteger := v.AsInteger()
		_, isTime := v.AsTime()
		kind := v.Kind()
		if isText != (kind == KindText) || isBoolean != (kind == KindBoolean) || isInteger != (kind == KindInteger) || isTime != (kind == KindTime) ||
			(v.Values() != nil) != (kind == KindList) || (v.Members() != nil) != (kind == KindComplex) {
			t.Errorf("%v passes for another kind", kind)
		}
		for j, w := range all {
			if v.Equal(w) != (i == j) {
				t.Errorf("%v equals %v: %t", v, w, i != j)
			}
		}
	}
	if got, _ := Time(at.In(time.FixedZone("", 7200))).AsTime(); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("the time is %v", got)
	}
	for _, v := range []Value{Null, Text(""), List(), Texts("", ""), Complex(Member{"a", Null}, Member{"b", List()})} {
		if !v.IsEmpty() {
			t.Errorf("%v is not empty", v)
		}
	}
	for _, v := range []Value{Text(" "), Boolean(false), Integer(0), Texts("", "a"), Time(time.Time{})} {
		if v.IsEmpty() {
			t.Errorf("%v is empty", v)
		}
	}
}

// Letters that differ only in case are folded to one, for all of Unicode.
func TestFold(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if folded := Fold(string(r)); folded != Fold(string(unicode.SimpleFold(r))) || Fold(folded) != folded {
			t.Errorf("%q is folded to %q", r, folded)
		}
	}
	if Fold("STRASSE") == Fold("straße") {
		t.Error("one letter is folded to two")
	}
}
