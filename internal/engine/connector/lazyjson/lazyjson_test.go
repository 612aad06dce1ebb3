package lazyjson

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
)

// plain decodes with encoding/json.
func plain(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errSyntax
	}
	return value, nil
}

// tell gives a value in the form that encoding/json decodes to.
func tell(v Value) any {
	switch v.Kind() {
	case KindBoolean:
		b, _ := v.AsBoolean()
		return b
	case KindNumber:
		digits, _ := v.AsNumber()
		return json.Number(digits)
	case KindText:
		text, _ := v.AsText()
		return text
	case KindArray:
		list := []any{}
		for element := range v.Elements() {
			list = append(list, tell(element))
		}
		return list
	case KindObject:
		object := map[string]any{}
		for name, member := range v.Members() {
			object[name] = tell(member)
		}
		return object
	}
	return nil
}

func decode(t *testing.T, text string) Value {
	t.Helper()
	v, err := Decode(text, 9)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// Decode reads what encoding/json reads, and the same out of it, and writes it
// again.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`null`, ` true `, `false`, `0`, `-0`, `-`, `01`, `1.5e+7`, `1.`, `1e`, `.5`, `+1`, `"a"`, `"`, `"\u00e9\ud83d\ude00\ud800\n"`, `"\x"`, `"a\"\\\/b"`, `"\"\n"`, `"\u12g4"`,
		"\"\t\"", "\"\xff\xff\"", "\xff", `[]`, `[1,]`, `[,]`, `[1 2]`, `[[[]]]`, `{}`, `{"a":1,"a":2,"A":3}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`,
		`{"\u0061":{"b":[null,{"c":"d"}]}} `, `{} {}`, `tru`, `nul`, ``, ` `, "\ufeff{}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const depth = 16
		if strings.Count(text, "[")+strings.Count(text, "{") > depth {
			return
		}
		want, err := plain(text)
		v, lazyErr := Decode(text, depth)
		if (err == nil) != (lazyErr == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, lazyErr, err)
		}
		if err != nil {
			if open, err := DecodeOpen(text, depth); err == nil {
				t.Errorf("%q, opened: %v", text, tell(open))
			}
			return
		}
		if got := tell(v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
		if open, err := DecodeOpen(text, depth); err != nil || !reflect.DeepEqual(tell(open), want) {
			t.Errorf("%q, opened: %v %v, want %v", text, tell(open), err, want)
		}
		again := string(v.AppendJSON(nil))
		if got, err := plain(again); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is written as %q: %v %v", text, again, got, err)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, text := range []string{"", "a", `"\`, "\n\x00\x7f", "<&>", "é\u2028", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := Text(text)
		want := strings.Map(func(r rune) rune { return r }, text)
		got, ok := v.AsText()
		read, err := plain(string(v.AppendJSON(nil)))
		if !ok || got != want || err != nil || read != want {
			t.Errorf("%q becomes %q, and %q by encoding/json: %v", text, got, read, err)
		}
	})
}

func TestDepth(t *testing.T) {
	for text, depth := range map[string]int{`1`: 0, `[]`: 1, `{}`: 1, `[1,"[[["]`: 1, `{"a":[{"b":[1]},{},{},{}]}`: 4, `{"a":[]}`: 2, `[[["[[[["]]]`: 3} {
		if _, err := Decode(text, depth); err != nil {
			t.Errorf("%s within %d: %v", text, depth, err)
		}
		for _, decode := range []func(string, int) (Value, error){Decode, DecodeOpen} {
			if _, err := decode(text, depth-1); err == nil && depth > 0 {
				t.Errorf("%s is taken within %d", text, depth-1)
			}
		}
	}
	for _, hostile := range []string{`[`, `{"a":`, `[{"a":`} {
		if _, err := Decode(strings.Repeat(hostile, 1<<20), 32); err == nil {
			t.Errorf("a million %s", hostile)
		}
	}
}

func TestLookup(t *testing.T) {
	const text = `{"userName":"a","USERNAME":"b","x":1,"x":2,"n\u0061me":"c"}`
	outer := decode(t, `[`+text+`]`)
	for opened, v := range map[string]Value{"opened": decode(t, text), "as text": *outer.Element(0)} {
		for wanted, want := range map[string]string{
			"userName": `userName"a"`, "USERNAME": `USERNAME"b"`, "Username": `userName"a"`, "x": `x2`, "X": `x2`, "NAME": `name"c"`, "y": ``,
		} {
			name, value, ok := v.Lookup(wanted)
			if found := v.Find(wanted); (found != nil) != ok || ok && string(found.AppendJSON(nil)) != string(value.AppendJSON(nil)) {
				t.Errorf("%s, %s: Find gives %v", opened, wanted, found)
			}
			switch {
			case !ok && want == "" && name == wanted && value.IsNull():
			case !ok || name+string(value.AppendJSON(nil)) != want:
				t.Errorf("%s, %s: %s %s", opened, wanted, name, value.AppendJSON(nil))
			}
		}
	}
	if _, _, ok := Array(Text("a")).Lookup("a"); ok {
		t.Error("an array has a member")
	}
}

// The elements of an array are the same whether they are opened or not, and
// whether the array was, in a text of any length.
func TestElements(t *testing.T) {
	for _, n := range []int{0, 2, 5000} {
		text := `["` + strings.Repeat(`é\n`, 3*n) + `"` + strings.Repeat(`, {"a":[{}], "b":"[c"}, [1]`, n) + `]`
		want, err := plain(text)
		if err != nil {
			t.Fatal(err)
		}
		before := decode(t, text)
		after := before
		after.Open()
		for _, v := range []Value{before, after} {
			if got := tell(v); !reflect.DeepEqual(got, want) {
				t.Errorf("%d: %v", n, got)
			}
			for range 2 {
				list := Array()
				for element := range v.OpenElements() {
					list.Append(*element)
				}
				if got := tell(list); !reflect.DeepEqual(got, want) {
					t.Errorf("%d, opened: %v", n, got)
				}
			}
		}
	}
	object := decode(t, `{"a":1}`)
	for range object.OpenElements() {
		t.Error("an object has an element")
	}
}

// The last of members with one name counts, of few and of many.
func TestMembersThatComeTwice(t *testing.T) {
	for _, n := range []int{2, 50} {
		text := `{"a":0` + strings.Repeat(`,"b":1,"c":1`, n) + `,"b":2,"d":3}`
		for name, want := range map[string]string{"a": "0", "b": "2", "c": "1", "d": "3"} {
			v := decode(t, text)
			if got := string(v.AppendJSON(nil)); got != `{"a":0,"b":2,"c":1,"d":3}` {
				t.Fatal(got)
			}
			if _, value, _ := v.Lookup(name); string(value.AppendJSON(nil)) != want {
				t.Errorf("%s: %s", name, value.AppendJSON(nil))
			}
		}
	}
}

func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		before string
		change func(v *Value)
		want   string
	}{
		"a member":                  {`{"a":1, "b":[ 2 ]}`, func(v *Value) { *v.Member("a") = Text("x") }, `{"a":"x","b":[ 2 ]}`},
		"a member in other case":    {`{"Ab":1}`, func(v *Value) { *v.Member("aB") = Boolean(true) }, `{"Ab":true}`},
		"a new member":              {`{"a":1}`, func(v *Value) { *v.Member("b") = Boolean(false) }, `{"a":1,"b":false}`},
		"a member of a member":      {`{"a":{"b":1,"c":2}}`, func(v *Value) { *v.Member("a").Member("b") = Raw(`[3]`) }, `{"a":{"b":[3],"c":2}}`},
		"a member of null":          {`{"a":null}`, func(v *Value) { v.Member("a").Member("b") }, `{"a":{"b":null}}`},
		"a member of a text":        {`"a"`, func(v *Value) { *v.Member("b") = Array() }, `{"b":[]}`},
		"a member taken away":       {`{"a":1,"b":2,"c":3}`, func(v *Value) { v.Delete("B") }, `{"a":1,"c":3}`},
		"none to take away":         {`{"a":1}`, func(v *Value) { v.Delete("b") }, `{"a":1}`},
		"an element":                {`[1,{"a":2}]`, func(v *Value) { *v.Element(1).Member("a") = Text("x") }, `[1,{"a":"x"}]`},
		"a new element":             {`[1]`, func(v *Value) { *v.Append(Object(1)).Member("a") = Array(Raw("2"), Value{}) }, `[1,{"a":[2,null]}]`},
		"an element of a number":    {`7`, func(v *Value) { v.Append(Text("a")) }, `["a"]`},
		"a name that needs escapes": {`{}`, func(v *Value) { *v.Member("\"\n") = Value{} }, `{"\"\n":null}`},
		"nothing":                   {`{"a":"\u0061","b": 1.50}`, func(v *Value) { v.Member("b").Open() }, `{"a":"\u0061","b":1.50}`},
	} {
		v := decode(t, test.before)
		test.change(&v)
		if got := string(v.AppendJSON(nil)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// A copy that was made before a value is opened stays as it is.
func TestCopies(t *testing.T) {
	list := Raw(`[{"a":1}]`)
	before := list
	*list.Element(0).Member("a") = Text("x")
	if got := string(before.AppendJSON(nil)); got != `[{"a":1}]` {
		t.Error(got)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := `{"schemas":["urn:a","urn:b"],"id":"0123456789","name":{"givenName":"Jamie","familyName":"Morgan"},` +
		`"emails":[{"type":"work","value":"jamie.morgan@example.com","primary":true}],"active":true,"meta":{"version":"W/\"1\"","resourceType":"User"}}`
	b.Run("lazily", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(text, 32); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("opened", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeOpen(text, 32); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := plain(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
