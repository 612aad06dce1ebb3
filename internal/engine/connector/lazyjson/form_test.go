package lazyjson

import (
	"reflect"
	"strings"
	"testing"
)

func TestForm(t *testing.T) {
	const text = `{"id":"1", "type" : "work","list":["a",{"x\"":"b"},7,true],"type":["c"],"":""}`
	form := FormOf(text, func(name string) bool { return name == "type" })
	read := func(text string) (texts []string, ok bool) {
		ok = form.Read([]byte(text), func(blank int, quoted []byte) bool {
			if blank != len(texts) {
				t.Errorf("blank %d after %d", blank, len(texts))
			}
			texts = append(texts, Unquote(quoted))
			return true
		})
		return texts, ok
	}
	if texts, ok := read(text); !ok || !reflect.DeepEqual(texts, []string{"1", "a", "b", ""}) || form.Blanks() != 4 {
		t.Errorf("%q %t", texts, ok)
	}
	others := []string{"", `"`, "\n\\", "é\u2028"}
	filled := form.Fill(func(blank int) string { return others[blank] })
	if texts, ok := read(filled); !ok || !reflect.DeepEqual(texts, others) {
		t.Errorf("%s: %q %t", filled, texts, ok)
	}
	for old, other := range map[string]string{
		`"work"`: `"home"`, `"c"`: `"d"`, `"a"`: `7`, `7`: `"7"`, `"b"`: `"b`, `"1"`: `1`, `true`: `false`, `"id"`: `"ID"`, ` :`: `:`, `}`: `}}`, `{"id"`: ` {"id"`,
		`""}`: `""`, `"":`: "\"\xff\":",
	} {
		if texts, ok := read(strings.Replace(text, old, other, 1)); ok {
			t.Errorf("%s for %s: %q", other, old, texts)
		}
	}
	for _, quoted := range []string{"a", `"`, "\"\x1f\"", `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\xff\"", `"a""`, `"a" `} {
		if texts, ok := read(strings.Replace(text, `"1"`, quoted, 1)); ok {
			t.Errorf("%s: %q", quoted, texts)
		}
	}
	if form.Read([]byte(text), func(int, []byte) bool { return false }) {
		t.Error("what is not wanted is of the form")
	}
}

// What is of the form of a text is JSON, and as that but for the texts in it.
func FuzzForm(f *testing.F) {
	f.Add(`{"a":"b","c":[1,"d"]}`, `{"a":"\u00e9","c":[1,"\ud800"]}`, "c")
	f.Add(`"a"`, `"\/"`, "")
	f.Fuzz(func(t *testing.T, text, other, kept string) {
		if _, err := Decode(text, 9); err != nil {
			return
		}
		form := FormOf(text, func(name string) bool { return name == kept })
		var texts []string
		for _, text := range []string{other, form.Fill(func(int) string { return other })} {
			texts = nil
			if !form.Read([]byte(text), func(_ int, quoted []byte) bool {
				texts = append(texts, Unquote(quoted))
				if !IsText(quoted, texts[len(texts)-1]) || IsText(quoted, texts[len(texts)-1]+"x") {
					t.Errorf("%s is not %q", quoted, texts[len(texts)-1])
				}
				return true
			}) {
				continue
			}
			got, err := Decode(text, 9)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			filled := form.Fill(func(blank int) string { return texts[blank] })
			if want := decode(t, filled); !reflect.DeepEqual(tell(got), tell(want)) {
				t.Errorf("%s is not %s", text, filled)
			}
		}
	})
}
