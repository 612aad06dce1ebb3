// Package storetest tests implementations of store.Store, and gives the faults
// that the users of a store are tested with.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Run tests what the comments of store.Store promise. open gives an empty
// store; Run closes it.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	tests := map[string]func(*testing.T, store.Store){
		"get":                   testGet,
		"get all":               testGetAll,
		"page":                  testPage,
		"each over pages":       testEach,
		"later mutation counts": testLater,
		"all or none":           testAllOrNone,
		"bounds":                testBounds,
		"rows are the store's":  testBuffers,
		"lines":                 testLines,
		"ended context":         testContext,
		"order":                 testOrder,
		"concurrent":            testConcurrent,
		"closed":                testClosed,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { s.Close() })
			test(t, s)
		})
	}
	t.Run("model", func(t *testing.T) { testModel(t, open) })
}

const table store.Table = "table"

func put(key, value string) store.Mutation {
	return store.Put(table, []byte(key), []byte(value))
}

func commit(t testing.TB, s store.Store, mutations ...store.Mutation) {
	t.Helper()
	if err := s.Commit(t.Context(), mutations...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func keys(t testing.TB, s store.Reader, from, to []byte, limit int) []string {
	t.Helper()
	rows, err := s.Page(table, from, to, limit)
	if err != nil {
		t.Fatalf("page: %v", err)
	}
	keys := []string{}
	for _, row := range rows {
		keys = append(keys, string(row.Key))
	}
	return keys
}

func testGet(t *testing.T, s store.Store) {
	get := func(table store.Table, key string) []byte {
		t.Helper()
		value, err := s.Get(table, []byte(key))
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		return value
	}
	if value := get(table, "a"); value != nil {
		t.Errorf("a table that was never written has %q", value)
	}
	commit(t, s, put("a", "1"), put("empty", ""), store.Put("other", []byte("a"), nil))
	if value := get(table, "a"); string(value) != "1" {
		t.Errorf("a = %q, want 1", value)
	}
	if value := get(table, "empty"); value == nil || len(value) != 0 {
		t.Errorf("an empty value came back as %#v", value)
	}
	if value := get("other", "a"); value == nil || len(value) != 0 {
		t.Errorf("a nil value put came back as %#v", value)
	}
	if value := get(table, "b"); value != nil {
		t.Errorf("a missing key has %q", value)
	}
	if value := get(table, ""); value != nil {
		t.Errorf("the empty key has %q", value)
	}
	commit(t, s, store.Delete(table, []byte("a")), store.Delete(table, []byte("never")), store.Delete("nowhere", []byte("x")))
	if value := get(table, "a"); value != nil {
		t.Errorf("a deleted key has %q", value)
	}
}

func testPage(t *testing.T, s store.Store) {
	commit(t, s, put("b", ""), put("a\x00", ""), put("a", ""), put("\xff\xff", ""), put("c", ""), put("ab", ""))
	for _, test := range []struct {
		from, to string // "-" is nil
		limit    int
		want     []string
	}{
		{"-", "-", 10, []string{"a", "a\x00", "ab", "b", "c", "\xff\xff"}},
		{"-", "-", 2, []string{"a", "a\x00"}},
		{"", "-", 1, []string{"a"}},
		{"-", "-", 0, []string{}},
		{"a", "b", 10, []string{"a", "a\x00", "ab"}},
		{"a\x00", "c", 10, []string{"a\x00", "ab", "b"}},
		{"aa", "bb", 1, []string{"ab"}},
		{"b", "a", 10, []string{}},
		{"b", "b", 10, []string{}},
		{"-", "", 10, []string{}},
		{"d", "-", 10, []string{"\xff\xff"}},
		{"\xff\xff\xff", "-", 10, []string{}},
	} {
		bound := func(s string) []byte {
			if s == "-" {
				return nil
			}
			return []byte(s)
		}
		if got := keys(t, s, bound(test.from), bound(test.to), test.limit); !slices.Equal(got, test.want) {
			t.Errorf("page from %q to %q, %d rows: %q, want %q", test.from, test.to, test.limit, got, test.want)
		}
	}
}

func testEach(t *testing.T, s store.Store) {
	const n = 2500
	var mutations []store.Mutation
	for i := range n {
		mutations = append(mutations, store.Put(table, store.Key("p", fmt.Sprintf("%05d", i)), nil))
	}
	commit(t, s, append(mutations, put("p", ""), put("q\x00", ""))...)
	seen := 0
	err := store.Each(s, table, store.Prefix("p"), func(row store.Row) error {
		if want := store.Key("p", fmt.Sprintf("%05d", seen)); !bytes.Equal(row.Key, want) {
			return fmt.Errorf("row %d is %q, want %q", seen, row.Key, want)
		}
		seen++
		return nil
	})
	if err != nil || seen != n {
		t.Errorf("each gave %d rows of %d, error %v", seen, n, err)
	}
}

func testLater(t *testing.T, s store.Store) {
	commit(t, s, put("a", "1"), store.Delete(table, []byte("a")), put("b", "1"), put("b", "2"),
		store.Delete(table, []byte("c")), put("c", "3"))
	if got := keys(t, s, nil, nil, 10); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("keys %q, want b and c", got)
	}
	if value, _ := s.Get(table, []byte("b")); string(value) != "2" {
		t.Errorf("b = %q, want 2", value)
	}
}

func testAllOrNone(t *testing.T, s store.Store) {
	bad := map[string]store.Mutation{
		"no key":         store.Put(table, nil, []byte("x")),
		"no table":       store.Put("", []byte("x"), nil),
		"hidden table":   store.Put("\x00store", []byte("schema"), []byte("9")),
		"key too long":   store.Put(table, make([]byte, 32<<10+1), nil),
		"delete, no key": store.Delete(table, nil),
	}
	for name, mutation := range bad {
		if err := s.Commit(t.Context(), put("a", "1"), mutation); err == nil {
			t.Errorf("%s: committed", name)
		}
		if err := s.Enqueue(put("a", "1"), mutation).Wait(t.Context()); err == nil {
			t.Errorf("%s: enqueued", name)
		}
	}
	if got := keys(t, s, nil, nil, 10); len(got) != 0 {
		t.Errorf("refused commits left %q", got)
	}
	commit(t, s)
}

func testBounds(t *testing.T, s store.Store) {
	key := bytes.Repeat([]byte{0xff}, 32<<10)
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // as much as a queue holds
	commit(t, s, store.Put(table, key, value), put("a", "1"))
	if got, err := s.Get(table, key); err != nil || !bytes.Equal(got, value) {
		t.Errorf("a value of %d bytes came back with %d, error %v", len(value), len(got), err)
	}
}

func testBuffers(t *testing.T, s store.Store) {
	key, value := []byte("key"), []byte("value")
	commit(t, s, store.Put(table, key, value))
	ticket := s.Enqueue(store.Put(table, []byte("key2"), value))
	key[0], value[0] = 'X', 'X'
	if err := ticket.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"key", "key2"} {
		if got, _ := s.Get(table, []byte(key)); string(got) != "value" {
			t.Errorf("%s = %q after the caller's buffers changed", key, got)
		}
	}
}

// testLines writes lines in two commits: their text reads the same in however
// many rows it stands.
func testLines(t *testing.T, s store.Store) {
	const n = 300
	line := func(i int) string { return fmt.Sprintf("line %03d %s", i, strings.Repeat("x", i*i/16)) }
	var mutations []store.Mutation
	for _, i := range rand.Perm(n) {
		mutations = append(mutations, store.Line(table, fmt.Appendf(nil, "%03d", i), []byte(line(i))))
	}
	commit(t, s, append(mutations, put("150+", "a row"), store.Line(table, []byte("150-"), nil), store.Delete(table, []byte("150-")))...)
	commit(t, s, store.Line(table, fmt.Appendf(nil, "%03d", n), []byte(line(n))))
	next := 0
	err := store.Each(s, table, nil, func(row store.Row) error {
		if string(row.Key) == "150+" {
			if next != 151 || string(row.Value) != "a row" {
				return fmt.Errorf("%q before line %d", row.Value, next)
			}
			return nil
		}
		if want := fmt.Sprintf("%03d", next); string(row.Key) != want {
			return fmt.Errorf("the key %q, want that of the first line, %s", row.Key, want)
		}
		lines := strings.Split(string(row.Value), "\n")
		if len(lines) > 1 && len(row.Value) > 64<<10 {
			return fmt.Errorf("a row of %d lines has %d bytes", len(lines), len(row.Value))
		}
		for _, got := range lines {
			if got != line(next) {
				return fmt.Errorf("line %d is %q", next, got)
			}
			next++
		}
		commit(t, s, store.Delete(table, row.Key))
		return nil
	})
	if err != nil || next != n+1 {
		t.Errorf("%d lines of %d, error %v", next, n+1, err)
	}
	if got := keys(t, s, nil, nil, 10); !slices.Equal(got, []string{"150+"}) {
		t.Errorf("%q stayed", got)
	}
}

func testContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, put("a", "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("commit with an ended context: %v", err)
	}
	if got := keys(t, s, nil, nil, 10); len(got) != 0 {
		t.Errorf("it left %q", got)
	}
	ticket := s.Enqueue(put("a", "1"))
	if err := ticket.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ticket.Wait(ctx); err != nil {
		t.Errorf("waiting for what is done with an ended context: %v", err)
	}
}

func testOrder(t *testing.T, s store.Store) {
	var last store.Ticket
	for i := range 500 {
		last = s.Enqueue(put("a", fmt.Sprint(i)), put(fmt.Sprintf("%03d", i), ""))
		if i%100 == 50 {
			commit(t, s, put("a", fmt.Sprint("commit ", i)))
			if value, _ := s.Get(table, []byte("a")); string(value) != fmt.Sprint("commit ", i) {
				t.Fatalf("after commit %d, a = %q", i, value)
			}
		}
	}
	if err := last.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if value, _ := s.Get(table, []byte("a")); string(value) != "499" {
		t.Errorf("a = %q, want the last enqueued", value)
	}
	if got := keys(t, s, nil, []byte("a"), 1000); len(got) != 500 {
		t.Errorf("the last ticket is done, but %d of 500 rows are there", len(got))
	}
}

// testConcurrent has writers of pairs that must never be seen apart.
func testConcurrent(t *testing.T, s store.Store) {
	const writers, rounds = 8, 50
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range rounds {
				value := fmt.Sprint(i)
				if err := s.Commit(t.Context(), put(fmt.Sprintf("%d a", w), value), put(fmt.Sprintf("%d b", w), value)); err != nil {
					t.Errorf("commit: %v", err)
					return
				}
			}
		})
		wait.Go(func() {
			for range rounds {
				rows, err := s.Page(table, fmt.Appendf(nil, "%d ", w), fmt.Appendf(nil, "%d!", w), 10)
				if err != nil {
					t.Errorf("page: %v", err)
					return
				}
				if len(rows) == 2 && !bytes.Equal(rows[0].Value, rows[1].Value) || len(rows) == 1 {
					t.Errorf("half a commit was seen: %q", rows)
				}
			}
		})
	}
	wait.Wait()
	if got := keys(t, s, nil, nil, 100); len(got) != 2*writers {
		t.Errorf("%d rows, want %d", len(got), 2*writers)
	}
}

func testClosed(t *testing.T, s store.Store) {
	ticket := s.Enqueue(put("a", "1"))
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := ticket.Wait(t.Context()); err != nil {
		t.Errorf("what was enqueued before Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, getErr := s.Get(table, []byte("a"))
	_, pageErr := s.Page(table, nil, nil, 1)
	pageAllErr := s.PageAll(table, [][]byte{[]byte("a")}, 1, func(int, store.Row) error { return nil })
	walkErr := s.Walk(table, nil, nil, 1, func(store.Row) error { return nil })
	keysErr := s.Keys(table, nil, nil, 1, func([]byte) error { return nil })
	for name, err := range map[string]error{
		"get": getErr, "page": pageErr, "page all": pageAllErr, "walk": walkErr, "keys": keysErr,
		"commit":  s.Commit(t.Context(), put("a", "2")),
		"enqueue": s.Enqueue(put("a", "2")).Wait(t.Context()),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after close: %v", name, err)
		}
	}
}

func testGetAll(t *testing.T, s store.Store) {
	commit(t, s, put("a", "1"), put("b", "2"), put("c", ""), put("e", "5"), store.Delete(table, []byte("e")), put("f", "6"))
	for _, test := range []struct{ keys, want string }{
		{"", "[]"},
		{"abcf", "[1 2  6]"},         // neighbours
		{"fcba", "[6  2 1]"},         // descending
		{"acbc", "[1  2 ]"},          // to and fro
		{"aXbdb", "[1 nil 2 nil 2]"}, // missing ones, and one twice
		{"bddee", "[2 nil nil nil nil]"},
		{"efz", "[nil 6 nil]"}, // a deleted one, and one behind all
		{"zza", "[nil nil 1]"},
	} {
		var keys [][]byte
		for _, key := range test.keys {
			keys = append(keys, []byte(string(key)))
		}
		got := slices.Repeat([]string{"nil"}, len(keys))
		err := s.GetAll(table, keys, func(i int, value []byte) error {
			got[i] = string(value)
			return nil
		})
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("get all of %q: %v, %v, want %s", test.keys, got, err, test.want)
		}
	}
	enough := errors.New("enough")
	calls := 0
	err := s.GetAll(table, [][]byte{[]byte("a"), []byte("b")}, func(int, []byte) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, %v, want one that ends it", calls, err)
	}
	err = s.GetAll("nowhere", [][]byte{[]byte("a")}, func(int, []byte) error { return enough })
	if err != nil {
		t.Errorf("a table that was never written: %v", err)
	}
}

// testModel compares a store with a map over random histories.
func testModel(t *testing.T, open func(testing.TB) store.Store) {
	rapid.Check(t, func(r *rapid.T) {
		s := open(t)
		defer s.Close()
		model := map[string]string{}
		key := rapid.StringMatching(`[a-d]{1,3}`)
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			var mutations []store.Mutation
			for range rapid.IntRange(0, 12).Draw(r, "mutations") {
				k := key.Draw(r, "key")
				if rapid.Bool().Draw(r, "delete") {
					mutations = append(mutations, store.Delete(table, []byte(k)))
					delete(model, k)
				} else {
					v := rapid.StringN(0, 4, -1).Draw(r, "value")
					mutations = append(mutations, put(k, v))
					model[k] = v
				}
			}
			if err := s.Commit(t.Context(), mutations...); err != nil {
				r.Fatalf("commit: %v", err)
			}
			from, to := key.Draw(r, "from"), key.Draw(r, "to")
			limit := rapid.IntRange(1, 30).Draw(r, "limit")
			comparePage(r, s, model, from, to, limit)
			compareWalks(r, s, []byte(from), []byte(to), limit)
			compareWalks(r, s, []byte(from), nil, limit)
			prefix := rapid.StringMatching(`[a-d]{0,2}`)
			comparePageAll(r, s, rapid.SliceOfN(prefix, 0, 6).Draw(r, "prefixes"), rapid.IntRange(0, 4).Draw(r, "most"))
		}
	})
}

// comparePageAll holds PageAll against a Page for each prefix.
func comparePageAll(r *rapid.T, s store.Reader, texts []string, limit int) {
	var want, got []string
	prefixes := make([][]byte, len(texts))
	for i, text := range texts {
		prefixes[i] = []byte(text)
		rows, err := s.Page(table, prefixes[i], store.Successor(prefixes[i]), limit)
		if err != nil {
			r.Fatalf("page: %v", err)
		}
		for _, row := range rows {
			want = append(want, fmt.Sprintf("%d %s=%s", i, row.Key, row.Value))
		}
	}
	err := s.PageAll(table, prefixes, limit, func(i int, row store.Row) error {
		got = append(got, fmt.Sprintf("%d %s=%s", i, row.Key, row.Value))
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		r.Fatalf("page all of %q up to %d: %q, %v, want %q", texts, limit, got, err, want)
	}
	enough := errors.New("enough")
	if err := s.PageAll(table, prefixes, limit, func(int, store.Row) error { return enough }); len(want) > 0 != errors.Is(err, enough) {
		r.Fatalf("page all ends with %v", err)
	}
}

func comparePage(r *rapid.T, s store.Reader, model map[string]string, from, to string, limit int) {
	var want []string
	for k, v := range model {
		if from <= k && k < to {
			want = append(want, k+"="+v)
		}
	}
	sort.Strings(want)
	want = want[:min(limit, len(want))]
	rows, err := s.Page(table, []byte(from), []byte(to), limit)
	if err != nil {
		r.Fatalf("page: %v", err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, string(row.Key)+"="+string(row.Value))
		if value, err := s.Get(table, row.Key); err != nil || !bytes.Equal(value, row.Value) {
			r.Fatalf("get %q gives %q, the page has %q; error %v", row.Key, value, row.Value, err)
		}
	}
	if !slices.Equal(got, want) {
		r.Fatalf("page from %q to %q, %d rows: %q, want %q", from, to, limit, got, want)
	}
}

// compareWalks holds Walk and Keys against a Page.
func compareWalks(r *rapid.T, s store.Reader, from, to []byte, limit int) {
	page, err := s.Page(table, from, to, limit)
	if err != nil {
		r.Fatalf("page: %v", err)
	}
	var rows, keys []string
	for _, row := range page {
		rows, keys = append(rows, fmt.Sprintf("%q: %q", row.Key, row.Value)), append(keys, string(row.Key))
	}
	var walked, named []string
	err = errors.Join(s.Walk(table, from, to, limit, func(row store.Row) error {
		walked = append(walked, fmt.Sprintf("%q: %q", row.Key, row.Value))
		return nil
	}), s.Keys(table, from, to, limit, func(key []byte) error {
		named = append(named, string(key))
		return nil
	}))
	if err != nil || !slices.Equal(walked, rows) || !slices.Equal(named, keys) {
		r.Fatalf("%d rows from %q to %q: rows %q, keys %q, %v, want %q", limit, from, to, walked, named, err, rows)
	}
	enough := errors.New("enough")
	for _, err := range []error{
		s.Walk(table, from, to, limit, func(store.Row) error { return enough }),
		s.Keys(table, from, to, limit, func([]byte) error { return enough }),
	} {
		if len(page) > 0 != errors.Is(err, enough) {
			r.Fatalf("rows end with %v", err)
		}
	}
}
