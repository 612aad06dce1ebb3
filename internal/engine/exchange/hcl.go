package exchange

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// HCL writes all that is declared of an app as resources with import blocks, as
// terraform fmt would: pasted into a configuration and applied, it brings what
// the engine has under that configuration and changes nothing. Where a mapping
// is the template's, there is no resource. No secret is written: a write-only
// one becomes a variable.
func HCL(d Declared) []byte {
	w := newHCLWriter()
	for _, c := range d.Credentials {
		w.credential(c)
	}
	if d.Source != nil {
		w.thing(d.Source, d.Source.Name, d.Source.Name)
	}
	w.thing(d.App, d.App.Name, d.App.Name)
	for _, objectType := range d.objectTypes() {
		if m, declared := d.mapping(objectType); declared {
			w.thing(m, d.App.Name+" "+objectType, d.App.Name+"/"+objectType)
		}
	}
	for _, objectType := range d.objectTypes() {
		for _, f := range d.filters(objectType) {
			w.thing(f, d.App.Name+" "+objectType+" "+f.Name, d.App.Name+"/"+f.Identity().Name)
		}
	}
	for _, a := range d.Assignments {
		w.thing(a, d.App.Name+" "+a.User+a.Group+" "+a.Role, d.App.Name+"/"+a.Identity().Name)
	}
	if d.Job != nil {
		w.thing(d.Job, d.App.Name, d.App.Name)
	}
	return hclwrite.Format(w.file.Bytes())
}

// HCL writes the mappings and filters as resources of the app whose resource
// has that name as its label.
func (i Imported) HCL(app string) []byte {
	w := newHCLWriter()
	const id = "app"
	w.addresses[id] = "provisioning_app." + w.label("provisioning_app", app)
	for _, m := range i.Mappings {
		declared := *m
		declared.AppID = id
		w.resource(&declared, app+" "+m.ObjectType)
	}
	for _, f := range i.Filters {
		declared := *f
		declared.AppID = id
		w.resource(&declared, app+" "+f.ObjectType+" "+f.Name)
	}
	return hclwrite.Format(w.file.Bytes())
}

// hclWriter writes resources that refer to each other by address.
type hclWriter struct {
	file      *hclwrite.File
	taken     map[string]bool   // addresses and variables
	addresses map[string]string // of things by id
	revisions map[string]string // addresses of things by revision
}

func newHCLWriter() *hclWriter {
	return &hclWriter{hclwrite.NewEmptyFile(), map[string]bool{}, map[string]string{}, map[string]string{}}
}

// label makes an identifier of a text, which no other of its kind has.
func (w *hclWriter) label(kind, text string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(text) {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			out.WriteRune(r)
		} else if s := out.String(); s != "" && !strings.HasSuffix(s, "_") {
			out.WriteByte('_')
		}
	}
	label := strings.TrimSuffix(out.String(), "_")
	if label == "" || unicode.IsDigit(rune(label[0])) {
		label = "_" + label
	}
	unique := label
	for n := 2; w.taken[kind+"."+unique]; n++ {
		unique = fmt.Sprintf("%s_%d", label, n)
	}
	w.taken[kind+"."+unique] = true
	return unique
}

// thing writes the import and the resource of a thing that the engine has.
// readable is the name under which it can be imported.
func (w *hclWriter) thing(thing config.Thing, label, readable string) {
	w.imports(w.resource(thing, label), readable)
}

func (w *hclWriter) imports(address, readable string) {
	w.file.Body().AppendNewline()
	block := w.file.Body().AppendNewBlock("import", nil).Body()
	block.SetAttributeTraversal("to", traversal(address))
	block.SetAttributeValue("id", cty.StringVal(readable))
}

// resource writes a thing by its JSON form, whose names are those of the HCL
// attributes, and gives its address.
func (w *hclWriter) resource(thing config.Thing, label string) (address string) {
	kind := "provisioning_" + string(thing.Identity().Kind)
	body, address := w.begin(kind, label)
	for _, m := range valueOf(thing).members {
		switch {
		case slices.Contains(kept, m.name):
		case m.name == "revisions":
			body.SetAttributeRaw(m.name, w.listed(m.value))
		case strings.HasSuffix(m.name, "_id") && w.addresses[text(m.value)] != "":
			body.SetAttributeTraversal(m.name, traversal(w.addresses[text(m.value)]+".id"))
		default:
			body.SetAttributeRaw(m.name, tokens(m.value, 0))
		}
	}
	if thing.GetID() != "" {
		w.addresses[thing.GetID()] = address
	}
	if revision := thing.Revision(); revision != "" {
		w.revisions[revision] = address
	}
	return address
}

// kept are the fields that the engine keeps for itself.
var kept = []string{"id", "template_revision", "object", "created_at", "met_revisions", "awaited_cycle"}

func (w *hclWriter) begin(kind, label string) (*hclwrite.Body, string) {
	if len(w.file.Body().Blocks()) > 0 {
		w.file.Body().AppendNewline()
	}
	label = w.label(kind, label)
	return w.file.Body().AppendNewBlock("resource", []string{kind, label}).Body(), kind + "." + label
}

// listed writes the revisions that a job lists: of a thing that is written too
// by its address.
func (w *hclWriter) listed(value node) hclwrite.Tokens {
	out := node{kind: list}
	for _, element := range value.members {
		if address, ok := w.revisions[text(element.value)]; ok {
			element.value = node{kind: scalar, tokens: hclwrite.TokensForTraversal(traversal(address + ".revision"))}
		}
		out.members = append(out.members, element)
	}
	return tokens(out, 0)
}

// credential writes a credential, whose secrets are references or variables.
func (w *hclWriter) credential(c *config.Credential) {
	var block []member
	variables := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		switch field := c.Fields[name]; {
		case field.Reference != "":
			block = append(block, member{name + "_ref", valueOf(field.Reference)})
		case field.Version != nil:
			variable := w.label("var", c.Name+" "+name)
			variables[variable] = fmt.Sprintf("The %s of credential %q.", name, c.Name)
			reference := node{kind: scalar, tokens: hclwrite.TokensForTraversal(traversal("var." + variable))}
			version := node{kind: scalar, tokens: hclwrite.TokensForValue(cty.NumberIntVal(*field.Version))}
			block = append(block, member{name + "_wo", reference}, member{name + "_wo_version", version})
		case field.Values != nil:
			block = append(block, member{name, valueOf(field.Values)})
		case field.Parameters != nil:
			block = append(block, member{name, valueOf(field.Parameters)})
		default:
			block = append(block, member{name, valueOf(field.Value)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if len(w.file.Body().Blocks()) > 0 {
			w.file.Body().AppendNewline()
		}
		body := w.file.Body().AppendNewBlock("variable", []string{name}).Body()
		body.SetAttributeTraversal("type", traversal("string"))
		body.SetAttributeValue("description", cty.StringVal(variables[name]))
		body.SetAttributeValue("ephemeral", cty.True)
		body.SetAttributeValue("sensitive", cty.True)
	}
	body, address := w.begin("provisioning_credential", c.Name)
	body.SetAttributeValue("name", cty.StringVal(c.Name))
	body.SetAttributeRaw(c.Method, tokens(node{kind: object, members: block}, 0))
	w.addresses[c.ID] = address
	w.imports(address, c.Name)
}

// traversal gives a reference such as provisioning_app.chat.id.
func traversal(address string) hcl.Traversal {
	var t hcl.Traversal
	for i, step := range strings.Split(address, ".") {
		if i == 0 {
			t = append(t, hcl.TraverseRoot{Name: step})
		} else {
			t = append(t, hcl.TraverseAttr{Name: step})
		}
	}
	return t
}
