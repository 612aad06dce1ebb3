package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// FileSource reads users, groups and objects of other types from files.
type FileSource struct {
	Users   *FileSet            `json:"users,omitempty"`
	Groups  *FileSet            `json:"groups,omitempty"`
	Objects map[string]*FileSet `json:"objects,omitempty"` // by object type, such as Device
}

// set gives the file of an object type, nil when there is none.
func (f *FileSource) set(objectType string) *FileSet {
	switch objectType {
	case directory.User:
		return f.Users
	case directory.Group:
		return f.Groups
	}
	return f.Objects[objectType]
}

// FileSet is one file of objects of one type.
type FileSet struct {
	Path       string            `json:"path"`
	Format     string            `json:"format,omitempty"` // csv, json, jsonl; empty: by the ending
	IDColumn   string            `json:"id"`
	Members    string            `json:"members,omitempty"`    // column of the members' ids
	References map[string]string `json:"references,omitempty"` // attribute to column of ids
}

func (f *FileSource) references(objectType string) []string {
	set := f.set(objectType)
	if set == nil {
		return nil
	}
	names := slices.Collect(maps.Keys(set.References))
	if set.Members != "" {
		names = append(names, membersAttribute)
	}
	slices.Sort(names)
	return names
}

// aliases are none: columns are named by those who write the file.
func (f *FileSource) aliases(string) map[string]string { return nil }

func (f *FileSource) validate(problems *Problems, _ bool) {
	if f.Users == nil && f.Groups == nil && len(f.Objects) == 0 {
		problems.add([]string{"file"}, "Nothing to read", "Give users, groups or both.")
	}
	for _, objectType := range slices.Sorted(maps.Keys(f.Objects)) {
		f.validateObjects(problems, objectType)
	}
	if f.Users != nil {
		f.Users.validate(problems, "users")
		if f.Users.Members != "" {
			problems.add([]string{"file", "users", "members"}, "Users have no members", "Declare members under groups.")
		}
	}
	if f.Groups != nil {
		f.Groups.validate(problems, "groups")
	}
}

func (f *FileSource) validateObjects(problems *Problems, objectType string) {
	path := []string{"file", "objects", objectType}
	if objectType == directory.User || objectType == directory.Group {
		problems.add(path, "Not another type", "Declare objects of type %s under %ss.", objectType, strings.ToLower(objectType))
	}
	if _, err := directory.ParsePath(objectType); err != nil || strings.ContainsAny(objectType, ":.[") {
		problems.add(path, "Not an object type", "%q cannot be an object type; give one like Device: letters, digits, - and _.", objectType)
	}
	set := f.Objects[objectType]
	if set == nil {
		problems.add(path, "No file", "Say which file holds the objects of type %s.", objectType)
		return
	}
	set.validate(problems, "objects", objectType)
	if set.Members != "" {
		problems.add(append(path, "members"), "Only groups have members", "Declare what else refers to users or groups under references.")
	}
}

func (f *FileSet) validate(problems *Problems, block ...string) {
	path := func(field string) []string { return append(append([]string{"file"}, block...), field) }
	if f.Path == "" {
		problems.add(path("path"), "Missing path", "Give the path of the file.")
	}
	if f.IDColumn == "" {
		problems.add(path("id"), "Missing id", "Name the column whose value identifies a row for ever.")
	}
	switch f.Format {
	case "":
		if f.Path == "" {
			break
		}
		switch strings.ToLower(filepath.Ext(f.Path)) {
		case ".csv", ".json", ".jsonl", ".ndjson":
		default:
			problems.add(path("format"), "Unknown format", "The ending of %q tells no format; set format to csv, json or jsonl.", f.Path)
		}
	case "csv", "json", "jsonl":
	default:
		problems.add(path("format"), "Unknown format", "%q is not known; use csv, json or jsonl.", f.Format)
	}
	for _, name := range slices.Sorted(maps.Keys(f.References)) {
		if f.References[name] == "" {
			problems.add(append(path("references"), name), "Missing column", "Name the column that holds the ids of %s.", name)
		}
	}
}
