// Package file is the source that reads users, groups and objects of other
// types from files, one a type: CSV (RFC 4180), JSON (one array of objects) and
// JSON Lines, all in UTF-8.
//
// Each row is one object. Its id column is the anchor, exact to the byte, and
// an attribute like the others. Columns that are declared as references, and
// the members column, become edges and are no attributes; they name objects by
// anchor.
//
// In CSV an empty cell is null, every other value is text, and the members
// column holds anchors with ";" between them. In JSON null, "" and a missing
// key are null, empty text and an absent attribute; texts, booleans, integers,
// lists and objects are what they are, other numbers their text. References
// are texts, integers, or lists of them; an empty one refers to nothing.
//
// A document is read twice, so that whatever is wrong with it as a whole, or
// two rows of one id, is known before the first object is given. What the first pass
// found is remembered for as long as the file has the same content.
package file

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Codes of what goes wrong here, as the provisioning log knows them.
const (
	codeRecord  = "InvalidSourceRecord" // one row
	codeSource  = "SourceUnreadable"    // a document as a whole
	codeChanged = "SourceChanged"       // a document changed while it was read
)

// Formats of documents.
const (
	formatCSV   = "csv"
	formatJSON  = "json"
	formatLines = "jsonl"
)

var formatOfEnding = map[string]string{
	".csv": formatCSV, ".json": formatJSON, ".jsonl": formatLines, ".ndjson": formatLines,
}

// membersAttribute is the attribute of the edges from a group to its members.
const membersAttribute = "members"

// connection is the file block as declared.
type connection struct {
	Users   *declaration            `json:"users"`
	Groups  *declaration            `json:"groups"`
	Objects map[string]*declaration `json:"objects,omitempty"` // by object type
}

type declaration struct {
	Path       string            `json:"path"`
	Format     string            `json:"format"`
	ID         string            `json:"id"`
	References map[string]string `json:"references"`
	Members    string            `json:"members"`
}

// source is a Source of one document a type. It keeps nothing between calls; what
// first passes found is remembered for all sources.
type source struct {
	documents []*document
	settings  string // digest of what is declared
	now       func() time.Time
}

var _ connector.Source = (*source)(nil)

// document is one declared file, which holds the objects of one type.
type document struct {
	typ        string
	block      string // its name in the configuration: "users"
	path       string
	format     string
	id         string
	references []reference // ascending by attribute
	declared   string      // digest of the above
}

// reference is a column that refers to other objects.
type reference struct {
	attribute, column string
	split             bool // in CSV: a list, with ";" between its values
}

// Open makes the source of a file block. Paths must be absolute. The error says
// what is wrong with the block; no file is opened.
func Open(options connector.Options) (connector.Source, error) {
	var declared connection
	if err := options.Decode(&declared); err != nil {
		return nil, misdeclared("file: %v", err)
	}
	s := &source{now: options.Now}
	if s.now == nil {
		s.now = time.Now
	}
	type part struct {
		typ, block string
		*declaration
	}
	parts := []part{{directory.User, "users", declared.Users}, {directory.Group, "groups", declared.Groups}}
	for _, typ := range slices.Sorted(maps.Keys(declared.Objects)) {
		if typ == "" || typ == directory.User || typ == directory.Group || strings.ContainsRune(typ, 0) {
			return nil, misdeclared("file: objects cannot be of type %q; users and groups have blocks of their own", typ)
		}
		parts = append(parts, part{typ, "objects[" + strconv.Quote(typ) + "]", declared.Objects[typ]})
	}
	for _, part := range parts {
		if part.declaration == nil {
			continue
		}
		d, err := newDocument(part.typ, part.block, *part.declaration)
		if err != nil {
			return nil, err
		}
		s.documents = append(s.documents, d)
	}
	if len(s.documents) == 0 {
		return nil, misdeclared("file: neither users nor groups nor other objects are declared; at least one of them names a file to read")
	}
	s.settings = digestOf(declared)
	return s, nil
}

func newDocument(typ, block string, declared declaration) (*document, error) {
	d := &document{
		typ: typ, block: block, path: declared.Path, format: declared.Format, id: declared.ID,
		declared: digestOf(map[string]any{typ: declared}),
	}
	switch {
	case d.path == "":
		return nil, misdeclared("file: %s.path is missing", block)
	case !filepath.IsAbs(d.path):
		return nil, misdeclared("file: %s.path %q is relative; it must be absolute where the file is read", block, d.path)
	case d.id == "":
		return nil, misdeclared("file: %s.id is missing; it names the column whose value identifies a row for ever", block)
	}
	switch d.format {
	case formatCSV, formatJSON, formatLines:
	case "":
		ending := filepath.Ext(d.path)
		if d.format = formatOfEnding[strings.ToLower(ending)]; d.format == "" {
			return nil, misdeclared("file: the ending %q of %s tells no format; set %s.format to csv, json or jsonl", ending, d.path, block)
		}
	default:
		return nil, misdeclared("file: %s.format %q is none of csv, json, jsonl", block, d.format)
	}
	for _, attribute := range slices.Sorted(maps.Keys(declared.References)) {
		d.references = append(d.references, reference{attribute: attribute, column: declared.References[attribute]})
	}
	if declared.Members != "" {
		if typ != directory.Group {
			return nil, misdeclared("file: %s.members is not known; only groups have members", block)
		}
		if _, twice := declared.References[membersAttribute]; twice {
			return nil, misdeclared("file: %s.members and %s.references both declare members", block, block)
		}
		d.references = append(d.references, reference{membersAttribute, declared.Members, true})
		slices.SortFunc(d.references, func(a, b reference) int { return strings.Compare(a.attribute, b.attribute) })
	}
	columns := map[string]string{d.id: "id"}
	for _, r := range d.references {
		if r.attribute == "" || r.column == "" || strings.ContainsRune(r.attribute, 0) {
			return nil, misdeclared("file: %s.references holds an empty name", block)
		}
		if other, taken := columns[r.column]; taken {
			return nil, misdeclared("file: the column %q of %s is declared as %s and as %s", r.column, block, other, r.attribute)
		}
		columns[r.column] = r.attribute
	}
	return d, nil
}

// isReference reports whether a column is none of the attributes: it holds
// references, or bears the name under which another column's references go.
func (d *document) isReference(column string) bool {
	return slices.ContainsFunc(d.references, func(r reference) bool {
		return r.column == column || r.attribute == column && column != d.id
	})
}

// wanted gives the documents of the types that are asked for.
func (s *source) wanted(types []string) []*document {
	var documents []*document
	for _, d := range s.documents {
		if slices.Contains(types, d.typ) {
			documents = append(documents, d)
		}
	}
	return documents
}

// epoch names what an anchor is here.
func (s *source) epoch() string {
	var out strings.Builder
	out.WriteString("file")
	for _, d := range s.documents {
		fmt.Fprintf(&out, " %s=%q", d.typ, d.id)
	}
	return out.String()
}

func misdeclared(format string, arguments ...any) error {
	return &connector.Error{Class: connector.Fatal, Code: codeSource, Detail: fmt.Sprintf(format, arguments...)}
}

// unreadable is the error of a document as a whole.
func (d *document) unreadable(line int, advice, format string, arguments ...any) error {
	where := d.path
	if line > 0 {
		where = fmt.Sprintf("%s line %d", d.path, line)
	}
	return &connector.Error{
		Class:  connector.Fatal,
		Code:   codeSource,
		Detail: where + ": " + fmt.Sprintf(format, arguments...),
		Advice: advice,
	}
}

// place names a line as it stands in messages about single rows.
func (d *document) place(line int) string {
	return fmt.Sprintf("%s line %d", filepath.Base(d.path), line)
}

// rows gives the rows of one document, in order.
type rows interface {
	// next gives the next row, io.EOF after the last. Any other error concerns
	// the document as a whole.
	next() (row, error)
	// columns gives the header's names; nil where rows name their own.
	columns() []string
}

// row is one row. A row with a problem has no attributes and no edges; those of
// any other are in memory that the next row may come in.
type row struct {
	line       int
	anchor     string // empty when it cannot be told
	problem    string // what is wrong with it; empty for nothing
	doubtful   bool   // the document may be cut off here, or other rows be hidden in this one
	attributes directory.Attributes
	edges      []directory.Edge
}

// open begins to read a document. When build is false, the rows come without
// attributes and edges. The closer is never nil when there is no error.
func (d *document) open(build bool) (rows, *text, io.Closer, error) {
	file, err := d.openFile()
	if err != nil {
		return nil, nil, nil, err
	}
	t, err := newText(d, file)
	if err != nil {
		file.Close()
		return nil, nil, nil, err
	}
	var in rows
	switch d.format {
	case formatCSV:
		in, err = newCSV(d, t, build)
	case formatJSON:
		in, err = newJSON(d, t)
	default:
		in = newLines(d, t)
	}
	if err != nil {
		file.Close()
		return nil, nil, nil, err
	}
	return in, t, file, nil
}
