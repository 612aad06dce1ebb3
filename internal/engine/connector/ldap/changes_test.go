package ldap

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// ways are those that read changes, each with an account that has to go it.
var ways = map[string]struct {
	account  string
	settings map[string]any
}{
	"synchronization":   {"replica", map[string]any{"incremental": incrementalSyncrepl}},
	"time":              {"replica", map[string]any{"incremental": incrementalTimestamp, "page_size": 3}},
	"limited to pages":  {"reader", map[string]any{"page_size": 7}},
	"automatic":         {"replica", nil},
	"nothing but pages": {"reader", map[string]any{"incremental": incrementalFull, "page_size": 2}},
}

// follower keeps what a source has told, as the engine does.
type follower struct {
	tr     *tree
	source connector.Source
	since  connector.Watermark
	last   given
	whole  map[string]string // by anchor: type, name and attributes
	edges  map[string]string // holder -attribute-> name: holder
}

func (tr *tree) follow(way string) *follower {
	tr.t.Helper()
	options := tr.options(ways[way].settings)
	options.Credential = credentialOf(ways[way].account)
	return &follower{tr: tr, source: open(tr.t, options), whole: make(map[string]string), edges: make(map[string]string)}
}

// read reads what changed. Absence, of objects and of the references of those
// given whole, counts where the read of the type is complete.
func (f *follower) read() given {
	f.tr.t.Helper()
	types := make(map[string]string) // by anchor
	g := given{whole: make(map[string]directory.Attributes), seen: make(map[string]bool)}
	named := make(map[string]bool)
	result, err := f.source.Read(f.tr.t.Context(), connector.ReadRequest{Since: f.since, Types: both}, func(change connector.Change) error {
		anchor := change.Object.Anchor
		switch change.Kind {
		case connector.Whole:
			encoded, err := change.Object.Attributes.MarshalJSON()
			if err != nil {
				return err
			}
			types[anchor], g.whole[anchor] = change.Object.Type, change.Object.Attributes
			f.whole[anchor] = change.Object.Type + " " + change.Aliases[0].Value + " " + string(encoded)
		case connector.Seen:
			types[anchor], g.seen[anchor] = change.Object.Type, true
		case connector.EdgeAdded:
			edge := fmt.Sprintf("%s -%s-> %s", change.Edge.Holder.Anchor, change.Edge.Attribute, change.Edge.To.Value)
			f.edges[edge], named[edge] = change.Edge.Holder.Anchor, true
		}
		return nil
	})
	if err != nil {
		f.tr.t.Fatal(err)
	}
	for anchor, state := range f.whole {
		typ, _, _ := strings.Cut(state, " ")
		if result.Coverage[typ] == connector.Complete && types[anchor] == "" {
			delete(f.whole, anchor)
		}
	}
	for edge, holder := range f.edges {
		_, whole := g.whole[holder]
		if f.whole[holder] == "" || whole && result.Coverage[types[holder]] == connector.Complete && !named[edge] {
			delete(f.edges, edge)
		}
	}
	g.result, f.last, f.since = result, g, result.Next
	return g
}

// expect compares what was told so far with what a reader who knows nothing
// reads.
func (f *follower) expect(when string) {
	f.tr.t.Helper()
	fresh := f.tr.follow("nothing but pages")
	fresh.read()
	if !maps.Equal(f.whole, fresh.whole) {
		f.tr.t.Errorf("%s: the objects are\n%q\nwant\n%q", when, slices.Sorted(maps.Values(f.whole)), slices.Sorted(maps.Values(fresh.whole)))
	}
	if !maps.Equal(f.edges, fresh.edges) {
		f.tr.t.Errorf("%s: the references are\n%q\nwant\n%q", when, slices.Sorted(maps.Keys(f.edges)), slices.Sorted(maps.Keys(fresh.edges)))
	}
}

// settle waits until the server's referential integrity has caught up: no
// reference leads to an entry that there is not.
func (tr *tree) settle() {
	tr.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		found, err := tr.writer.Search(goldap.NewSearchRequest(tr.base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"member", "manager"}, nil))
		if err != nil {
			tr.t.Fatal(err)
		}
		there := map[string]bool{normal(tr.t, "cn=nobody,"+suffix): true}
		for _, entry := range found.Entries {
			there[normal(tr.t, entry.DN)] = true
		}
		dangling := ""
		for _, entry := range found.Entries {
			for _, name := range slices.Concat(entry.GetAttributeValues("member"), entry.GetAttributeValues("manager")) {
				if !there[normal(tr.t, name)] {
					dangling = name
				}
			}
		}
		if dangling == "" {
			return
		}
		if time.Now().After(deadline) {
			tr.t.Fatalf("the server leaves a reference to %s", dangling)
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	for _, way := range []string{"synchronization", "time", "limited to pages", "automatic"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel() // most of the time is spent in waiting for the clock
			tr := plant(t)
			boss, _ := tr.person("boss")
			ada, adaAnchor := tr.person("ada", "manager", boss)
			tr.person("alan", "manager", boss)
			inner, innerAnchor := tr.group("inner", boss, ada)
			tr.group("outer", inner)
			nextSecond()
			f := tr.follow(way)
			f.read()
			f.expect("at first")

			for _, step := range []struct {
				name  string
				do    func()
				whole int // objects read again; -1 for all
			}{
				{"nothing", func() {}, 0},
				{"an attribute", func() { tr.replace(ada, "title", "Lead") }, 1},
				{"the same again, within the second", func() { tr.replace(ada, "title", "Chief") }, 1},
				{"a reference lost", func() { tr.replace(ada, "manager") }, 1},
				{"a member lost", func() { tr.replace("cn=inner,"+tr.groups, "member", boss) }, 1},
				{"a member more", func() { tr.replace("cn=inner,"+tr.groups, "member", boss, ada) }, 1},
				{"a new person", func() { nextSecond(); tr.person("grace", "manager", ada) }, 1},
				{"a rename", func() { tr.rename(ada, "uid=countess", ""); ada = "uid=countess," + tr.people }, -1},
				{"a person gone", func() { tr.remove("uid=alan," + tr.people) }, -1},
				{"a group gone", func() { tr.remove("cn=outer," + tr.groups) }, -1},
				{"moved out", func() { tr.rename(ada, "uid=countess", tr.base) }, -1},
				{"moved back", func() { tr.rename("uid=countess,"+tr.base, "uid=countess", tr.people) }, -1},
				{"nothing again", func() {}, 0},
			} {
				step.do()
				tr.settle()
				if step.whole == 0 {
					f.read() // by time, the youngest second is looked at once more
				}
				if way != "synchronization" && way != "automatic" {
					nextSecond()
				}
				g := f.read()
				f.expect(step.name)
				switch {
				case step.whole == 0:
					if !g.result.Unchanged || len(g.whole)+len(g.seen) > 0 {
						t.Errorf("%s: %+v", step.name, g.result)
					}
				case step.whole == 1 && (way == "synchronization" || way == "automatic"):
					if len(g.whole) != 1 {
						t.Errorf("%s: %d objects were read whole", step.name, len(g.whole))
					}
				case step.whole < 0 && len(g.whole) != len(f.whole):
					t.Errorf("%s: %d of %d objects were read whole", step.name, len(g.whole), len(f.whole))
				}
			}
			if _, there := f.whole[adaAnchor]; !there || f.edges[innerAnchor+" -members-> "+normal(t, boss)] == "" {
				t.Errorf("at the end: %q %q", f.whole, f.edges)
			}
		})
	}
}

// A renamed container moves no timestamp of what is in it, and the leaving of
// one tells of nobody.
func TestContainersMove(t *testing.T) {
	for _, way := range []string{"synchronization", "time"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel() // most of the time is spent in waiting for the clock
			tr := plant(t)
			for _, ou := range []string{"dev", "ops"} {
				tr.add("ou="+ou+","+tr.people, "objectClass", "organizationalUnit")
				tr.add("uid=in-"+ou+",ou="+ou+","+tr.people, "objectClass", "inetOrgPerson", "cn", "x", "sn", "x")
			}
			tr.group("all", "uid=in-dev,ou=dev,"+tr.people, "uid=in-ops,ou=ops,"+tr.people)
			f := tr.follow(way)
			f.read()
			nextSecond()
			tr.rename("ou=dev,"+tr.people, "ou=engineering", "")
			f.read()
			f.expect("renamed")
			tr.rename("ou=ops,"+tr.people, "ou=ops", tr.base)
			f.read()
			f.expect("moved out")
			if len(f.whole) != 2 {
				t.Errorf("%d objects are left", len(f.whole))
			}
		})
	}
}

// Whatever happens in the directory, a reader of changes ends where a reader of
// everything does.
func TestRandomChanges(t *testing.T) {
	for way, seed := range map[string]uint64{"synchronization": 1, "automatic": 2, "time": 3} {
		t.Run(way, func(t *testing.T) {
			t.Parallel() // most of the time is spent in waiting for the clock
			tr := plant(t)
			random := rand.New(rand.NewPCG(seed, 7))
			people := []string{}
			for i := range 6 {
				dn, _ := tr.person(fmt.Sprintf("p%d", i))
				people = append(people, dn)
			}
			pick := func() int { return random.IntN(len(people)) }
			groups := []string{}
			for i := range 3 {
				dn, _ := tr.group(fmt.Sprintf("g%d", i), people[i])
				groups = append(groups, dn)
			}
			f := tr.follow(way)
			next := len(people)
			rounds := 25
			if way == "time" {
				rounds = 6
			}
			for round := range rounds {
				var done []string
				for range random.IntN(5) {
					switch what := random.IntN(6); what {
					case 0:
						dn, _ := tr.person(fmt.Sprintf("p%d", next), "manager", people[pick()])
						next++
						people = append(people, dn)
						done = append(done, "add "+dn)
					case 1:
						i := pick()
						tr.replace(people[i], "title", fmt.Sprint(random.IntN(100)))
						done = append(done, "modify "+people[i])
					case 2:
						i := pick()
						tr.replace(people[i], "manager", people[pick()])
						done = append(done, "manager of "+people[i])
					case 3:
						if len(people) > 3 {
							i := pick()
							tr.remove(people[i])
							done = append(done, "remove "+people[i])
							people = slices.Delete(people, i, i+1)
						}
					case 4:
						i := pick()
						rdn := fmt.Sprintf("uid=r%d", next)
						next++
						tr.rename(people[i], rdn, "")
						done = append(done, "rename "+people[i])
						people[i] = rdn + "," + tr.people
					case 5:
						group := groups[random.IntN(len(groups))]
						members := slices.Compact([]string{people[0], people[1+random.IntN(len(people)-1)], groups[0]})
						tr.replace(group, "member", members...)
						done = append(done, "members of "+group)
					}
					tr.settle()
				}
				if way == "time" {
					nextSecond()
				}
				f.read()
				f.expect(fmt.Sprintf("round %d: %q", round, done))
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestUnchangedCostsNoListing(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	f := tr.follow("synchronization")
	f.read()
	lines := searches(t, tr.base, func() {
		if g := f.read(); !g.result.Unchanged {
			t.Errorf("the result is %+v", g.result)
		}
	})
	asked := 0
	for _, line := range lines {
		if strings.Contains(line, "base=") {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("%d searches: %q", asked, lines)
	}
}

// An old cookie, one that is none, and a watermark of other settings or another
// directory lead to everything being read.
func TestWatermarksThatAreNoLongerGood(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	tr.person("alan")
	tr.group("all", "uid=ada,"+tr.people)
	f := tr.follow("synchronization")
	first := f.read()
	cookie := regexp.MustCompile(`"cookie":"[^"]*"`)
	for name, since := range map[string]string{
		"a cookie that is none": cookie.ReplaceAllString(string(first.result.Next), `"cookie":"bm9uc2Vuc2U="`),
		"a cookie of long ago":  cookie.ReplaceAllString(string(first.result.Next), `"cookie":"`+base64.StdEncoding.EncodeToString([]byte("rid=000,csn=20010101000000.000000Z#000000#000#000000"))+`"`),
		"epoch":                 strings.Replace(string(first.result.Next), suffix, "dc=other", 1),
		"settings":              strings.Replace(string(first.result.Next), `"settings":"`, `"settings":"0`, 1),
		"names":                 strings.Replace(string(first.result.Next), `"names":[`, `"names":[1`, 2),
		"version":               strings.Replace(string(first.result.Next), `"version":1`, `"version":99`, 1),
	} {
		tr.replace("uid=ada,"+tr.people, "title", name)
		g := mustRead(t, f.source, connector.Watermark(since))
		if len(g.whole) != 3 || g.result.Coverage[directory.User] != connector.Complete || g.result.Coverage[directory.Group] != connector.Complete {
			t.Errorf("%s: %d objects, %+v", name, len(g.whole), g.result.Coverage)
		}
	}
	other := mustRead(t, tr.source(map[string]any{"users": map[string]any{"base_dn": tr.people, "filter": "(uid=ada)"}}), first.result.Next)
	if len(other.whole) != 2 {
		t.Errorf("with another filter %d objects were read", len(other.whole))
	}
}

// Whoever changes while everything is read is there all the same: OpenLDAP leaves
// them out of a refresh, since their turn is the next one.
func TestChangesWhileAllIsRead(t *testing.T) {
	t.Parallel() // most of the time is spent in waiting for the server
	tr := plant(t)
	// More than is on its way while nobody reads.
	large := strings.Repeat("x", 1<<19)
	people := make([]string, 32)
	for i := range people {
		people[i], _ = tr.person(fmt.Sprintf("p%d", i), "description", large)
	}
	source := tr.source(map[string]any{"incremental": incrementalSyncrepl})
	changed, given := false, make(map[string]bool)
	result, err := source.Read(t.Context(), connector.ReadRequest{Types: []string{directory.User}}, func(change connector.Change) error {
		if change.Kind == connector.Whole {
			given[change.Object.Anchor] = true
		}
		if !changed {
			changed = true
			for _, dn := range people {
				tr.replace(dn, "title", "Lead")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(given) != len(people) || result.Coverage[directory.User] != connector.Complete {
		t.Errorf("%d of %d were given, and the rest is %v", len(given), len(people), result.Coverage[directory.User])
	}
}

// Where an account may no longer synchronize, changes go on by time.
func TestSynchronizationWithdrawn(t *testing.T) {
	tr := plant(t)
	ada, adaAnchor := tr.person("ada")
	tr.person("alan")
	nextSecond()
	f := tr.follow("automatic")
	f.read()
	nextSecond()
	tr.replace(ada, "title", "Lead")
	f.source = tr.source(map[string]any{"incremental": incrementalTimestamp})
	if g := f.read(); g.whole[adaAnchor] == nil {
		t.Errorf("the change was not read: %v", g.whole)
	}
	f.expect("by time")
	f.source = tr.source(map[string]any{"incremental": incrementalSyncrepl})
	f.read()
	f.expect("synchronized again")
}
