package command

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What the demo changes in the quickstart's files.
const (
	promoted = "2"
	newTitle = "Principal Engineer"
	leaver   = "3"
	team     = "Engineering" // where the leaver was, and the joiner comes
)

var joiner = map[string]string{
	"employee_id": "7", "email": "annie@example.com", "first_name": "Annie", "last_name": "Easley",
	"title": "Engineer", "department": "Engineering", "employee_type": "employee", "manager_id": "2",
}

const (
	peopleFile = "people.csv"
	groupsFile = "groups.json"
	idColumn   = "employee_id"
)

// showSource prints the people as a table.
func (d *demo) showSource() error {
	data, err := os.ReadFile(filepath.Join(d.folder, peopleFile))
	if err != nil {
		return err
	}
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return fmt.Errorf("read %s: %w", peopleFile, err)
	}
	var rows [][]text
	for i, record := range records {
		var row []text
		for _, value := range record {
			if i == 0 {
				row = append(row, text{dim, value})
			} else {
				row = append(row, text{plain, value})
			}
		}
		rows = append(rows, row)
	}
	d.out.table("   ", rows)
	return nil
}

// changeSource changes both files, and shows their lines that change.
func (d *demo) changeSource() error {
	for _, file := range []struct {
		name   string
		change func([]byte) ([]byte, error)
	}{{peopleFile, changePeople}, {groupsFile, changeGroups}} {
		path := filepath.Join(d.folder, file.name)
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, err := file.change(before)
		if err != nil {
			return fmt.Errorf("change %s: %w", file.name, err)
		}
		// In one step, as whoever exports people should: a reader never sees half.
		if err := os.WriteFile(path+".new", after, 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
		d.out.line(text{dim, "   " + file.name})
		d.showDifference(strings.Split(string(before), "\n"), strings.Split(string(after), "\n"))
	}
	return nil
}

// showDifference prints the lines that only one of two texts has.
func (d *demo) showDifference(before, after []string) {
	for _, line := range before {
		if !slices.Contains(after, line) {
			d.out.line(text{bad, "   - " + line})
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			d.out.line(text{good, "   + " + line})
		}
	}
}

// changePeople promotes one, removes one and adds one.
func changePeople(data []byte) ([]byte, error) {
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	header := records[0]
	id, title := slices.Index(header, idColumn), slices.Index(header, "title")
	if id < 0 || title < 0 {
		return nil, fmt.Errorf("the header %q has no %s or no title", header, idColumn)
	}
	who := func(anchor string) int {
		return slices.IndexFunc(records, func(r []string) bool { return r[id] == anchor })
	}
	if who(promoted) < 0 || who(leaver) < 0 {
		return nil, fmt.Errorf("there is nobody of id %s or %s", promoted, leaver)
	}
	records[who(promoted)][title] = newTitle
	records = slices.Delete(records, who(leaver), who(leaver)+1)
	joins := make([]string, len(header))
	for i, column := range header {
		joins[i] = joiner[column]
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(append(records, joins)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// changeGroups puts the joiner in the place of the leaver. It keeps the file's
// form, of a group a line.
func changeGroups(data []byte) ([]byte, error) {
	lines := strings.Split(string(data), "\n")
	at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, strconv.Quote(team)) })
	if at < 0 || !strings.Contains(lines[at], strconv.Quote(leaver)) {
		return nil, fmt.Errorf("there is no group %s with member %s in one line", team, leaver)
	}
	lines[at] = strings.Replace(lines[at], strconv.Quote(leaver), strconv.Quote(joiner[idColumn]), 1)
	return []byte(strings.Join(lines, "\n")), nil
}
