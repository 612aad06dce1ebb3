package sampleapp

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// exchange sends one request to the app, without a network.
func exchange(t testing.TB, a *App, method, path, body string, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if len(answer) > 0 && strings.Contains(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(answer, &m); err != nil {
			t.Fatalf("%s %s: the answer is no JSON: %v: %s", method, path, err, answer)
		}
	}
	return w.Code, m, w.Header()
}

func mustAdd(t testing.TB, a *App, typ string, attributes map[string]any) string {
	t.Helper()
	id, err := a.Add(typ, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLifeOfAUser(t *testing.T) {
	a := New(Options{})
	code, made, header := exchange(t, a, "POST", "/scim/v2/Users", `{"userName":"Ada","emails":[{"type":"work","value":"ada@example.com"}],"active":"True"}`)
	if code != 201 || made["id"] == nil || made["active"] != true {
		t.Fatalf("create: %d %v", code, made)
	}
	id := made["id"].(string)
	if want := "http://example.com/scim/v2/Users/" + id; header.Get("Location") != want {
		t.Errorf("Location %q, want %q", header.Get("Location"), want)
	}
	if code, body, _ := exchange(t, a, "POST", "/Users", `{"userName":"ADA"}`); code != 409 || body["scimType"] != "uniqueness" || body["status"] != "409" {
		t.Errorf("the same name in other case: %d %v", code, body)
	}
	code, found, _ := exchange(t, a, "GET", "/Users?filter=userName+eq+%22aDa%22", "")
	if code != 200 || found["totalResults"] != 1.0 {
		t.Errorf("search: %d %v", code, found)
	}
	code, changed, header := exchange(t, a, "PATCH", "/Users/"+id, `{"Operations":[{"op":"Replace","path":"active","value":false},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"R&D"}]}`)
	if code != 200 || changed["active"] != false || header.Get("ETag") != `W/"2"` {
		t.Errorf("patch: %d %v", code, changed)
	}
	if code, _, _ := exchange(t, a, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`, "If-Match", `W/"1"`); code != 412 {
		t.Errorf("stale version: %d", code)
	}
	if code, _, _ := exchange(t, a, "GET", "/Users/"+id, "", "If-None-Match", `W/"2"`); code != 304 {
		t.Errorf("unchanged: %d", code)
	}
	if code, _, _ := exchange(t, a, "DELETE", "/Users/"+id, ""); code != 204 || a.Len(User) != 0 {
		t.Errorf("delete: %d", code)
	}
	if code, _, _ := exchange(t, a, "GET", "/Users/"+id, ""); code != 404 {
		t.Errorf("gone: %d", code)
	}
}
