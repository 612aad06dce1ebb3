package engine_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// What a broken source must never do: take an account from anybody. When it is
// whole again, all goes on as if nothing had been.
func TestBrokenSourceRemovesNobody(t *testing.T) {
	const people = "people.csv"
	header, rest := "id,userPrincipalName,department,kind,manager,accountEnabled\n", func(s string) string { return s[strings.IndexByte(s, '\n')+1:] }
	for name, spoil := range map[string]func(string) string{
		"emptied":       func(string) string { return "" },
		"header alone":  func(string) string { return header },
		"cut in a row":  func(s string) string { return s[:len(s)*2/3] },
		"cut in a name": func(s string) string { return s[:strings.LastIndex(s, "@")] },
		"halved": func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return strings.Join(lines[:len(lines)/2], "")
		},
		"garbled":            func(s string) string { return strings.Repeat("\xff\xfe\x00", len(s)/3) },
		"a NUL in it":        func(s string) string { return strings.Replace(s, "@", "\x00", 1) },
		"another header":     func(s string) string { return "a,b,c,d,e,f\n" + rest(s) },
		"without header":     rest,
		"the id column lost": func(s string) string { return strings.Replace(s, "id,", "ident,", 1) },
		"ids lost": func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			for i, line := range lines[1:] {
				if at := strings.IndexByte(line, ','); at > 0 {
					lines[i+1] = line[at:]
				}
			}
			return strings.Join(lines, "")
		},
		"a quote left open": func(s string) string { return strings.Replace(s, "user3@", `"user3@`, 1) },
		"twice":             func(s string) string { return s + rest(s) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				crowd(w, 40, nil)
				before := w.picture()
				whole, err := os.ReadFile(filepath.Join(w.dir, people))
				if err != nil {
					t.Fatal(err)
				}
				w.write(people, spoil(string(whole)))
				w.tryWait("next_cycle") // fails or not
				time.Sleep(3 * time.Hour)
				if n := w.actives(); n != 40 {
					t.Errorf("%d of 40 accounts are left", n)
				}
				s := w.status()
				if s.LastCycle.State == "succeeded" && s.LastCycle.Held == 0 && len(s.HeldRemovals) == 0 && s.Escrowed == 0 && !strings.HasPrefix(name, "cut") && name != "ids lost" {
					t.Errorf("the status shows nothing: %+v", s)
				}
				w.write(people, string(whole))
				w.cycle()
				w.cycle()
				if after := w.picture(); after != before {
					t.Errorf("there is a difference:\n%s", difference(after, before))
				}
				if s := w.status(); len(s.HeldRemovals) != 0 || s.Escrowed != 0 {
					t.Errorf("the status afterwards: %+v", s)
				}
				w.assertInvariants()
			})
		})
	}
}

func TestMissingFileRemovesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 12, nil)
		path := filepath.Join(w.dir, "people.csv")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		requests := w.requests()
		result, err := w.tryWait("next_cycle")
		if err != nil || result.Succeeded || !strings.Contains(result.Reason, "people.csv") {
			t.Errorf("the wait: %+v, %v", result, err)
		}
		time.Sleep(5 * time.Hour)
		if w.actives() != 12 || w.requests() != requests {
			t.Errorf("%d accounts, %d requests", w.actives(), w.requests()-requests)
		}
		w.save()
		w.cycle()
		if w.actives() != 12 {
			t.Errorf("%d accounts", w.actives())
		}
		w.assertInvariants()
	})
}

// An empty source is believed when a person says so; the threshold judges then.
func TestEmptySourceIsBelievedWhenApproved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 9, nil)
		everybody := maps.Clone(w.people)
		clear(w.people)
		w.save()
		w.cycle()
		digest, held := w.held()
		if w.actives() != 9 || held != 9 || digest != "empty-User" {
			t.Fatalf("%d accounts, %d held under %s", w.actives(), held, digest)
		}
		w.approve(digest)
		w.cycle()
		if n := w.actives(); n != 0 {
			t.Errorf("%d enabled accounts", n)
		}
		if _, held := w.held(); held != 0 {
			t.Errorf("%d held", held)
		}
		w.people = everybody
		w.save()
		w.cycle()
		if n := w.actives(); n != 9 {
			t.Errorf("%d enabled accounts", n)
		}
		w.assertInvariants()
	})
}

// A row that cannot be read costs its own object one cycle, and nothing else.
func TestBrokenRowFailsAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 5, nil)
		p := w.people["2"]
		p.department = "Legal"
		w.person(p)
		w.save()
		data, err := os.ReadFile(filepath.Join(w.dir, "people.csv"))
		if err != nil {
			t.Fatal(err)
		}
		w.write("people.csv", string(data)+"3,user3@example.com,Engineering\n")
		last := w.cycle()
		if last.Updated != 1 || last.Failed != 1 || w.actives() != 5 {
			t.Errorf("the cycle: %+v, %d accounts", last, w.actives())
		}
		w.save()
		w.cycle()
		if len(w.escrows()) != 0 {
			t.Errorf("escrows: %+v", w.escrows())
		}
		w.assertInvariants()
	})
}

// Two apps that share a source: what one of them reads, the other learns too.
func TestTwoAppsShareASource(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 4, nil)
		const second = "https://wiki.example.com/scim"
		w.servers[second] = copyTarget(w.target(), "wiki")
		wiki := declare(w, &config.App{Name: "wiki", SourceID: w.source.ID, Template: "scim", Scope: config.ScopeAll, SCIM: &config.SCIMConnection{BaseURL: second}})
		declare(w, &config.Mapping{AppID: wiki.ID, ObjectType: "User", Attributes: userAttributes()})
		declare(w, &config.Job{AppID: wiki.ID, Interval: interval})
		time.Sleep(2 * time.Hour)
		w.source.File = w.files("userPrincipalName") // another meaning of the anchor, for both
		w.save()
		w.source = change(w, w.source)
		w.apply()
		w.wait("initial_cycle")
		time.Sleep(3 * time.Hour)
		for _, app := range []string{w.app.ID, wiki.ID} {
			s, err := w.engine.Status(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			if s.Managed["User"] != 4 || s.Escrowed != 0 {
				t.Errorf("the status: %+v, last cycle %+v", s, s.LastCycle)
			}
		}
		if n := len(w.servers[second].Accounts("User")); n != 4 {
			t.Errorf("%d accounts in the second app", n)
		}
		w.assertInvariants()
	})
}
