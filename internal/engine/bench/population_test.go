package bench

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// rows reads the population's users by id, and its groups' members.
func rows(t *testing.T, p *population) (users map[string][]string, groups map[string][]string) {
	t.Helper()
	if _, err := p.write(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(p.usersPath())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	users = make(map[string][]string)
	for _, row := range read[1:] {
		users[row[0]] = row
	}
	data, err := os.ReadFile(p.groupsPath())
	if err != nil {
		t.Fatal(err)
	}
	groups = make(map[string][]string)
	for line := range strings.Lines(string(data)) {
		var g struct {
			ID      string   `json:"id"`
			Members []string `json:"members"`
		}
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatal(err)
		}
		groups[g.ID] = g.Members
	}
	return users, groups
}

func TestPopulation(t *testing.T) {
	p := newPopulation(t.TempDir(), 1000)
	before, groups := rows(t, p)
	if len(before) != 1000 || len(groups) != p.groups() || p.groups() != 11 || p.bad() != 10 {
		t.Fatalf("%d users, %d groups of %d, %d bad", len(before), len(groups), p.groups(), p.bad())
	}
	if n := len(groups["half"]); n != 500 {
		t.Errorf("the large group has %d members", n)
	}
	bytes := 0
	for _, row := range before {
		bytes += len(strings.Join(row, ","))
	}
	if each := bytes / len(before); each < 750 || each > 850 {
		t.Errorf("a user has %d bytes", each)
	}
	for name, change := range map[string]struct {
		set  func(p *population)
		want int // rows that differ
	}{
		"reversed": {func(p *population) { p.reversed = true }, 0},
		"retitled": {func(p *population) { p.retitled = true }, 10},
		"left":     {func(p *population) { p.left = true }, 100},
		"joined":   {func(p *population) { p.joined = true }, 0},
	} {
		p := newPopulation(t.TempDir(), 1000)
		change.set(p)
		after, groups := rows(t, p)
		differ := 0
		for id, row := range after {
			if strings.Join(row, ",") != strings.Join(before[id], ",") {
				differ++
			}
		}
		if differ != change.want || len(after) != len(before) {
			t.Errorf("%s: %d of %d rows differ, want %d", name, differ, len(after), change.want)
		}
		if want := map[bool]int{false: 500, true: 501}[p.joined]; len(groups["half"]) != want {
			t.Errorf("%s: the large group has %d members", name, len(groups["half"]))
		}
	}
}
