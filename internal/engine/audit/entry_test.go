package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func FuzzDecode(f *testing.F) {
	line, err := encode(&Entry{ID: "01KAMDMWR0000000000000TEST", Time: noon, Reason: "r",
		Steps: []Step{{Details: Details{{"a", "b"}}}}, ModifiedProperties: []Property{{Name: "n"}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{line, line[:40], nil, []byte("{}"), []byte("null"), []byte(`{"id":"`), bytes.Repeat([]byte("["), 1000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		_ = lineID(line)
		_, _ = appendFileOf(nil, line)
		e, err := decode(line)
		if err != nil {
			return
		}
		if len(e.ID) != 26 {
			t.Fatalf("an entry without id was taken: %q", line)
		}
		again, err := encode(&e)
		if err != nil {
			return // a year that JSON cannot hold, or too long
		}
		if second, err := decode(again); err != nil || second.ID != e.ID || !second.Time.Equal(e.Time) || lineID(again) != e.ID {
			t.Fatalf("%q was read, written as %q, read again: %v", line, again, err)
		}
		if name, ok := appendFileOf(nil, again); ok != (e.AppID == "" || isApp(e.AppID)) || ok && !bytes.Equal(name, appendDayFile(nil, e.AppID, e.Time)) {
			t.Fatalf("%q belongs to the file %q, %v", again, name, ok)
		}
	})
}

// sameAsJSON holds a line against encoding/json, escapes apart.
func sameAsJSON(t *testing.T, e Entry) {
	t.Helper()
	got, err := appendEntry(nil, &e)
	if e.Steps == nil {
		e.Steps = []Step{}
	}
	if e.ModifiedProperties == nil {
		e.ModifiedProperties = []Property{}
	}
	want, wantErr := json.Marshal(e)
	if wantErr == nil {
		want, wantErr = jsontext.AppendFormat(nil, want, jsontext.AllowDuplicateNames(true)) // with no more escapes than it takes
	}
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Errorf("got  %s, error %v\nwant %s, error %v", got, err, want, wantErr)
	}
}

// TestRoomIsWhatALineTakes: most lines are written without more memory, and
// waste little of it.
func TestRoomIsWhatALineTakes(t *testing.T) {
	for n := range 20 {
		e := typical(n)
		e.ID, e.Time, e.ChangeID = "01KAMDMWR0000000000000TEST", noon, "c"
		e.ModifiedProperties[n%10].Old = &e.AppID
		line, err := encode(&e)
		if spare := room(&e) - len(line); err != nil || spare < 0 || spare > 100 {
			t.Errorf("a line of %d bytes has room for %d more, %v", len(line), spare, err)
		}
	}
}

// TestLinesAreAsEncodingJSONWritesThem sets each field of an entry in turn.
func TestLinesAreAsEncodingJSONWritesThem(t *testing.T) {
	sameAsJSON(t, Entry{})
	var fill func(e *Entry, v reflect.Value)
	fill = func(e *Entry, v reflect.Value) {
		switch v := v.Addr().Interface().(type) {
		case *time.Time:
			for _, at := range []time.Time{noon, noon.Add(120 * time.Millisecond), noon.AddDate(8000, 0, 0), noon.In(time.FixedZone("", -5400))} {
				*v = at
				sameAsJSON(t, *e)
			}
			return
		case *Details:
			for _, details := range []map[string]string{{}, {"one": "1"}, {"b": "<", "a": "\xff", "\xff": "", "ä": "\u2029", "\n": "\""}} {
				*v = DetailsOf(details)
				sameAsJSON(t, *e)
			}
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(e, v.Field(i))
			}
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range v.Len() {
				fill(e, v.Index(i))
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(e, v.Elem())
		case reflect.String:
			v.SetString(`a "text" of its own`)
		case reflect.Int64:
			v.SetInt(-1 << 63)
		default:
			t.Fatalf("nothing to set a %v to", v.Type())
		}
		sameAsJSON(t, *e)
	}
	var e Entry
	fill(&e, reflect.ValueOf(&e).Elem())
	for r := range rune(0x3000) {
		sameAsJSON(t, Entry{Reason: "a" + string(r) + "b"})
	}
}

func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "a", "\x00\x1f \x7f\"\\/<>&'", "\b\f\n\r\t", "äß界😀\u2027\u2028\u2029\u202a\ufffd", "\xff\xc0\x80\xed\xa0\x80\xf0\x9f"} {
		f.Add(seed, "b", int64(7))
		f.Add("b", seed, int64(-7))
	}
	f.Fuzz(func(t *testing.T, a, b string, n int64) {
		sameAsJSON(t, Entry{ID: a, Time: time.Unix(n, n).UTC(), ChangeID: b, Source: Identity{DisplayName: a}, DurationMS: n,
			Steps:              []Step{{Name: b, Details: DetailsOf(map[string]string{a: b, b: a, "c" + a: b})}, {Description: a}},
			ModifiedProperties: []Property{{Name: a, Old: &b}, {New: &a}}})
	})
}

func TestLongEntriesAreShortened(t *testing.T) {
	for name, char := range map[string]string{"letters": "x", "controls": "\x01", "invalid": "\xff", "wide": "界", "continuation": "\x80"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, store.Memory())
			text := strings.Repeat(char, 12_000)
			e := entry("app", text)
			e.InitiatedBy, e.Category = text, Category(text)
			for i := range 100 {
				e.Steps = append(e.Steps, Step{Name: text, Details: Details{{text, text}}})
				e.ModifiedProperties = append(e.ModifiedProperties, Property{Name: fmt.Sprint(i, text), Old: &text})
			}
			b.add(e)
			b.flush()
			line := b.lines(today)[0]
			if len(line) > maxLine {
				t.Errorf("%d bytes", len(line))
			}
			got, err := b.Query(t.Context(), Query{})
			if err != nil || len(got) != 1 || len(got[0].ModifiedProperties) != shortItems || got[0].ModifiedProperties[0].New != nil {
				t.Errorf("%d entries, error %v", len(got), err)
			}
		})
	}
}

// TestLinesBothWays reads files of random lines forward and backward.
func TestLinesBothWays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var data []byte
		var want []string
		for range rapid.IntRange(0, 8).Draw(r, "lines") {
			size := rapid.SampledFrom([]int{0, 1, 100, blockSize - 1, blockSize, blockSize + 1, maxLine, maxLine + 1, 2*maxLine + 7}).Draw(r, "size")
			char := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "char")
			line := strings.Repeat(char, size)
			data = append(append(data, line...), '\n')
			if size > maxLine {
				line = ""
			}
			want = append(want, line)
		}
		data = append(data, strings.Repeat("t", rapid.SampledFrom([]int{0, 1, blockSize, maxLine + 5}).Draw(r, "torn"))...)
		file := bytes.NewReader(data)
		var got []string
		last := int64(0)
		err := forward(file, 0, int64(len(data)), func(line []byte, end int64) error {
			got, last = append(got, string(line)), end
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			r.Fatalf("forward: %d lines of %d, error %v", len(got), len(want), err)
		}
		if whole := bytes.LastIndexByte(data, '\n') + 1; last != int64(whole) {
			r.Fatalf("the last line ends at %d, not %d", last, whole)
		}
		got = nil
		err = backward(file, int64(len(data)), func(line []byte) error { got = append(got, string(line)); return nil })
		slices.Reverse(got)
		if err != nil || !slices.Equal(got, want) {
			r.Fatalf("backward: %d lines of %d, error %v", len(got), len(want), err)
		}
	})
}
