package ldap

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// The index of the snapshot resolves DNs to objects, through renames, and one
// who is gone is absent.
func TestNamesResolveInTheSnapshot(t *testing.T) {
	for _, way := range []string{"synchronization", "time"} {
		t.Run(way, func(t *testing.T) {
			tr := plant(t)
			boss, bossAnchor := tr.person("boss")
			odd := `cn=O'Brien\2C Pat \22PB\22,` + tr.people
			tr.add(odd, "objectClass", "inetOrgPerson", "cn", `O'Brien, Pat "PB"`, "sn", "x", "manager", strings.ToUpper(boss))
			pat := tr.anchor(odd)
			inner, innerAnchor := tr.group("inner", odd, boss)
			_, outerAnchor := tr.group("outer", inner)
			nextSecond()

			s := snapshot.Open(store.Memory(), "directory", snapshot.Options{Now: time.Now})
			source := tr.follow(way).source
			read := func() snapshot.Report {
				t.Helper()
				tr.settle()
				report, err := s.Import(t.Context(), source, both, nil)
				if err != nil {
					t.Fatal(err)
				}
				return report
			}
			members := func(typ, anchor, attribute string) string {
				t.Helper()
				edges, err := s.Edges(directory.Key{Type: typ, Anchor: anchor}, attribute, directory.Ref{}, 10)
				if err != nil {
					t.Fatal(err)
				}
				var to []string
				for _, edge := range edges {
					key, found, err := s.Resolve(edge.To, directory.User, directory.Group)
					if err != nil {
						t.Fatal(err)
					}
					if found {
						to = append(to, key.Anchor)
					}
				}
				slices.Sort(to)
				return fmt.Sprint(to)
			}
			sorted := func(anchors ...string) string { slices.Sort(anchors); return fmt.Sprint(anchors) }

			read()
			if got := members(directory.User, pat, "manager"); got != sorted(bossAnchor) {
				t.Errorf("the manager is %s", got)
			}
			if got := members(directory.Group, innerAnchor, membersAttribute); got != sorted(pat, bossAnchor) {
				t.Errorf("the members are %s", got)
			}
			if got := members(directory.Group, outerAnchor, membersAttribute); got != sorted(innerAnchor) {
				t.Errorf("the members of the outer group are %s", got)
			}

			tr.rename(boss, "uid=chief", "")
			read()
			if got := members(directory.User, pat, "manager"); got != sorted(bossAnchor) {
				t.Errorf("after a rename the manager is %s", got)
			}
			if got := members(directory.Group, innerAnchor, membersAttribute); got != sorted(pat, bossAnchor) {
				t.Errorf("after a rename the members are %s", got)
			}

			tr.replace("cn=inner,"+tr.groups, "member", odd)
			if way == "time" {
				nextSecond()
			}
			read()
			if got := members(directory.Group, innerAnchor, membersAttribute); got != sorted(pat) {
				t.Errorf("less one the members are %s", got)
			}

			tr.remove(odd)
			report := read()
			record, found, err := s.Object(directory.Key{Type: directory.User, Anchor: pat})
			if err != nil || !found || record.State != snapshot.Absent || report.Types[directory.User].Absent != 1 {
				t.Errorf("one who is gone is %v, %v: %+v", record.State, err, report)
			}
		})
	}
}
