package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlan_target has a plan say what the app's own schema has against a
// mapping, and an untouched configuration say nothing.
func TestPlan_target(t *testing.T) {
	t.Parallel()
	w, _ := quickstart(t)
	w.applied()
	w.settled()
	path := filepath.Join(w.dir, "main.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change := func(pairs ...string) {
		t.Helper()
		configuration := string(text)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(configuration, pairs[i]) {
				t.Fatalf("%q is not in the example", pairs[i])
			}
			configuration = strings.Replace(configuration, pairs[i], pairs[i+1], 1)
		}
		w.write(path, configuration)
	}

	change(`"title" `, `"titel" `)
	o := w.plan()
	o.says(t, "warning", "chat: User mapping writes attributes that the app does not list", `Did you mean "title"?`)
	if o.count("error") > 0 {
		t.Errorf("the plan is refused:\n%s", o.list())
	}

	change(`"title" `, `"groups" `)
	w.plan().says(t, "error", "groups", "takes no value")

	change(`"userName" `, `"nickName" `)
	w.plan().says(t, "error", "creates no User without userName")

	change(`source = "employee_id", matching_precedence = 2`, `source = "employee_id"`, `{ source = "userPrincipalName", matching_precedence = 1 }`,
		`{ source = "mail", matching_precedence = 1 }`)
	d := w.plan().says(t, "warning", "chat: User mapping matches accounts by values that may mislead", `"userName" is matched by mail`)
	if !strings.Contains(d.Detail, `"externalId" = { source = "employee_id", matching_precedence = 1 }`) {
		t.Errorf("no way out is given: %s", d.Detail)
	}

	w.write(path, string(text))
	w.settled()
}
