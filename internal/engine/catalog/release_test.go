package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

func ref[T any](v T) *T { return &v }

// state is a configuration in short: what is said of each piece, by id. The
// kind is the id's first word: source, app, mapping, filter, assignment.
type state map[string]string

func (s state) released() *Released {
	r := &Released{}
	for id, content := range s {
		kind, name, _ := strings.Cut(id, " ")
		switch kind {
		case "source":
			r.put(&config.Source{ID: id, Name: "hr", File: &config.FileSource{Users: &config.FileSet{Path: content}}})
		case "app":
			r.put(&config.App{ID: id, Name: "chat", SCIM: &config.SCIMConnection{BaseURL: content}})
		case "mapping":
			r.put(&config.Mapping{ID: id, ObjectType: "User", Attributes: map[string]mapping.Attribute{"userName": {Source: &content, MatchingPrecedence: ref(int64(1))}}})
		case "filter":
			r.put(&config.Filter{ID: id, ObjectType: "User", Name: name, Clauses: []scoping.Clause{{Attribute: "a", Operator: scoping.Equals, Value: &content}}})
		case "assignment":
			r.put(&config.Assignment{ID: id, User: name, Role: content})
		}
	}
	return r
}

// stateOf is the way back.
func stateOf(r *Released) state {
	s := state{}
	for _, piece := range r.Pieces() {
		switch x := piece.(type) {
		case *config.Source:
			s[x.ID] = x.File.Users.Path
		case *config.App:
			s[x.ID] = x.SCIM.BaseURL
		case *config.Mapping:
			s[x.ID] = *x.Attributes["userName"].Source
		case *config.Filter:
			s[x.ID] = *x.Clauses[0].Value
		case *config.Assignment:
			s[x.ID] = x.Role
		}
	}
	return s
}

func (s state) revisions() []string {
	revisions := []string{}
	for _, piece := range s.released().Pieces() {
		revisions = append(revisions, piece.Revision())
	}
	return revisions
}

func (s state) with(pairs ...string) state {
	out := state{}
	for id, content := range s {
		out[id] = content
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

func (s state) without(ids ...string) state {
	out := s.with()
	for _, id := range ids {
		delete(out, id)
	}
	return out
}

func (s state) String() string {
	var parts []string
	for id, content := range s {
		parts = append(parts, id+"="+content)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

var all = state{"source 1": "p", "app 1": "u", "mapping 1": "m", "filter a": "f", "assignment x": ""}

// world is what an agent has of an app: what is declared, in force and listed.
type world struct {
	declared state
	force    *Released
	listed   []string
	last     Release
}

// applied is a world in which all is listed and in force.
func applied(declared state) *world {
	w := &world{declared: declared, force: &Released{}}
	w.job(declared.revisions())
	return w
}

// change declares or destroys something, which releases nothing by itself.
func (w *world) change(declared state) { w.declared = declared; w.plan(false) }

func (w *world) plan(quiet bool) {
	w.last = Plan(w.declared.released(), w.force, w.listed, quiet)
}

// job applies the job with a list.
func (w *world) job(listed []string) {
	w.listed = listed
	w.plan(false)
	w.force = w.last.Next
}

// quiet lets 10 s pass.
func (w *world) quiet() {
	w.plan(true)
	w.force = w.last.Next
}

func (w *world) expect(t *testing.T, want state, pending, unlisted int) {
	t.Helper()
	if got := stateOf(w.force); got.String() != want.String() {
		t.Errorf("in force: %v; want %v", got, want)
	}
	if len(w.last.Pending) != pending || len(w.last.Unlisted) != unlisted {
		t.Errorf("pending %q, unlisted %q", w.last.Pending, w.last.Unlisted)
	}
}

// Each sentence of what a release is.
func TestPlan(t *testing.T) {
	t.Run("a first apply: nothing is in force before the job", func(t *testing.T) {
		w := &world{declared: state{}, force: &Released{}}
		w.change(all.without("mapping 1", "filter a", "assignment x"))
		w.change(all)
		w.expect(t, state{}, 0, 5)
		w.job(all.revisions())
		w.expect(t, all, 0, 0)
	})
	t.Run("half an apply releases nothing", func(t *testing.T) {
		w := applied(all)
		next := all.with("mapping 1", "m2", "filter a", "f2", "assignment y", "", "source 1", "p2", "app 1", "u2")
		w.change(all.with("mapping 1", "m2"))
		w.quiet()
		w.expect(t, all, 1, 0)
		w.change(next.without("assignment y"))
		w.quiet()
		w.expect(t, all, 4, 0)
		w.change(next)
		w.expect(t, all, 4, 1)
		w.job(next.revisions())
		w.expect(t, next, 0, 0)
	})
	t.Run("a removed block destroyed before the job's update", func(t *testing.T) {
		w := applied(all)
		next := all.without("filter a", "assignment x")
		w.change(next)
		w.quiet()
		w.expect(t, all, 2, 0)
		w.job(next.revisions())
		w.expect(t, next, 0, 0)
	})
	t.Run("a removed block destroyed after the job's update", func(t *testing.T) {
		w := applied(all)
		next := all.without("filter a", "assignment x")
		w.job(next.revisions())
		w.expect(t, next, 0, 0)
		w.quiet()
		w.expect(t, next, 0, 0)
		w.change(next)
		w.quiet()
		w.expect(t, next, 0, 0)
	})
	t.Run("what left the list and is declared again is another piece", func(t *testing.T) {
		w := applied(all)
		next := all.without("filter a")
		w.job(next.revisions())
		w.change(next)
		w.quiet()
		w.change(all)
		w.expect(t, next, 0, 1)
		w.quiet()
		w.expect(t, all, 0, 1)
	})
	for _, destroyFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("a renamed for_each key, destroyed first: %t", destroyFirst), func(t *testing.T) {
			w := applied(all)
			renamed := all.without("assignment x").with("assignment z", "")
			if destroyFirst {
				w.change(all.without("assignment x"))
			} else {
				w.change(all.with("assignment z", ""))
			}
			w.expect(t, all, len(w.last.Pending), len(w.last.Unlisted))
			if destroyFirst {
				w.change(renamed)
			}
			w.job(renamed.revisions())
			w.expect(t, renamed, 0, 0)
			w.change(renamed)
			w.quiet()
			w.expect(t, renamed, 0, 0)
		})
	}
	t.Run("what no job lists takes effect when all is quiet", func(t *testing.T) {
		w := applied(all)
		next := all.with("filter b", "g")
		w.change(next)
		w.expect(t, all, 0, 1)
		w.quiet()
		w.expect(t, next, 0, 1)
		w.change(next.with("filter b", "h"))
		w.expect(t, next, 0, 1)
		w.quiet()
		w.expect(t, next.with("filter b", "h"), 0, 1)
		w.change(all)
		w.expect(t, next.with("filter b", "h"), 1, 0)
		w.quiet()
		w.expect(t, all, 0, 0)
	})
	t.Run("a job that lists nothing", func(t *testing.T) {
		w := &world{declared: all, force: &Released{}}
		w.job(nil)
		w.expect(t, state{}, 0, 5)
		w.quiet()
		w.expect(t, all, 0, 5)
	})
	t.Run("a job that lists no more keeps what is in force", func(t *testing.T) {
		w := applied(all)
		w.job(nil)
		w.expect(t, all, 0, 5)
		w.change(all.with("mapping 1", "m2").without("filter a"))
		w.expect(t, all, 1, 4)
		w.quiet()
		w.expect(t, all.with("mapping 1", "m2").without("filter a"), 0, 4)
	})
	t.Run("source and app do not go", func(t *testing.T) {
		w := applied(all)
		w.job(all.without("source 1", "app 1").revisions())
		w.expect(t, all, 0, 2)
		w.change(all.with("source 1", "p2"))
		w.expect(t, all, 0, 2)
		w.quiet()
		w.expect(t, all.with("source 1", "p2"), 0, 2)
	})
	t.Run("another source", func(t *testing.T) {
		w := applied(all)
		next := all.without("source 1").with("source 2", "q")
		w.change(next)
		w.expect(t, all, 1, 1)
		w.job(next.revisions())
		w.expect(t, next, 0, 0)
	})
	t.Run("a change that the job's list has overtaken", func(t *testing.T) {
		w := applied(all)
		next := all.with("mapping 1", "m2")
		w.change(next)
		w.job(next.revisions())
		w.change(all.with("mapping 1", "m3"))
		w.quiet()
		w.expect(t, next, 1, 0)
	})
}

// However an apply interleaves, what is in force is what was before it until
// the job is applied, and what was planned from then on.
func TestPlan_anyOrder(t *testing.T) {
	content := rapid.SampledFrom([]string{"1", "2"})
	config := rapid.Custom(func(t *rapid.T) state {
		s := state{"source 1": content.Draw(t, "source"), "app 1": content.Draw(t, "app")}
		for _, id := range []string{"mapping 1", "filter a", "filter b", "assignment x", "assignment y"} {
			if rapid.Bool().Draw(t, id+" there") {
				s[id] = content.Draw(t, id)
			}
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		w := applied(config.Draw(t, "before"))
		for range 3 {
			before, next := w.declared, config.Draw(t, "next")
			// Creates and updates come before the job's update, destroys anywhere.
			var ids, destroys []string
			for id := range next {
				if next[id] != before[id] {
					ids = append(ids, id)
				}
			}
			for id := range before {
				if _, stays := next[id]; !stays {
					destroys = append(destroys, id)
				}
			}
			slices.Sort(ids)
			slices.Sort(destroys)
			late := rapid.IntRange(0, len(destroys)).Draw(t, "late destroys")
			step := func(edit func(state)) {
				declared := w.declared.with()
				edit(declared)
				w.change(declared)
			}
			for _, id := range rapid.Permutation(append(ids, destroys[late:]...)).Draw(t, "order") {
				step(func(s state) {
					if content, wanted := next[id]; wanted {
						s[id] = content
					} else {
						delete(s, id)
					}
				})
				if got := stateOf(w.last.Next); got.String() != before.String() {
					t.Fatalf("half an apply: in force %v, before %v", got, before)
				}
			}
			w.job(next.revisions())
			if got := stateOf(w.force); got.String() != next.String() {
				t.Fatalf("after the job: in force %v, want %v", got, next)
			}
			digest := w.force.Digest()
			for _, id := range destroys[:late] {
				step(func(s state) { delete(s, id) })
				if rapid.Bool().Draw(t, "quiet") {
					w.quiet()
				}
			}
			w.quiet()
			if got := stateOf(w.force); got.String() != next.String() || w.force.Digest() != digest {
				t.Fatalf("in the end: in force %v, want %v", got, next)
			}
			if len(w.last.Pending)+len(w.last.Unlisted)+len(w.force.Left) > 0 {
				t.Fatalf("in the end: pending %q, unlisted %q, left %q", w.last.Pending, w.last.Unlisted, w.force.Left)
			}
		}
	})
}

func TestReleased_digests(t *testing.T) {
	r := all.released()
	if (&Released{}).Digest() != "" || (&Released{}).Shape() != "" {
		t.Error("nothing has a digest")
	}
	assigned := all.with("assignment y", "").released()
	if r.Digest() == assigned.Digest() || r.Shape() != assigned.Shape() {
		t.Error("an assignment counts in the digest and not in the shape")
	}
	filtered := all.with("filter a", "g").released()
	if r.Digest() == filtered.Digest() || r.Shape() == filtered.Shape() {
		t.Error("a filter counts in both")
	}
	if all.released().Digest() != r.Digest() {
		t.Error("the digest is another each time")
	}
}
