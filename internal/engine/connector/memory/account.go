package memory

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// account is one account. Its references may name accounts that are gone: they
// are left out when it is read, and an id is never given again.
type account struct {
	id      string
	version int
	visible int // number of the first search that sees it; negative: not before it is released
	values  map[directory.Path]directory.Value
	members map[directory.Path]map[string]bool // references of multi-valued attributes
}

func (a *account) etag() string { return fmt.Sprintf(`W/"%d"`, a.version) }

// claim is a value that an account holds, folded where case does not count.
type claim struct {
	path  directory.Path
	value string
}

// collection is all accounts of one type.
type collection struct {
	typ      directory.ObjectType
	naming   directory.Path // the attribute that ids are derived from
	accounts map[string]*account
	order    []string // ids by creation; those of deleted accounts stay
	holders  map[claim]map[string]bool
	named    map[string]int // how many accounts were made of each name
}

func newCollection(typ directory.ObjectType) *collection {
	c := &collection{typ: typ, accounts: map[string]*account{}, holders: map[claim]map[string]bool{}, named: map[string]int{}}
	for _, d := range typ.Attributes {
		if d.Required && d.Unique {
			c.naming = directory.MustPath(d.Name)
			break
		}
	}
	return c
}

// newID derives an id from the account's name and how many had it before: it
// is the same whatever the order in which concurrent writes arrive.
func (c *collection) newID(values map[directory.Path]directory.Value) string {
	name := directory.Fold(values[c.naming].String())
	c.named[name]++
	digest := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", c.typ.Name, name, c.named[name]))
	return fmt.Sprintf("%s-%x", strings.ToLower(c.typ.Name), digest[:6])
}

// claims gives what values hold for searches and uniqueness.
func (t *Target) claims(typ string, values map[directory.Path]directory.Value) []claim {
	var claims []claim
	for path, value := range values {
		for _, element := range elements(value) {
			claims = append(claims, t.claim(typ, path, element))
		}
	}
	return claims
}

func (t *Target) claim(typ string, path directory.Path, value directory.Value) claim {
	if t.definition(typ, path).CaseExact {
		return claim{path, value.String()}
	}
	return claim{path, directory.Fold(value.String())}
}

func elements(value directory.Value) []directory.Value {
	switch value.Kind() {
	case directory.KindNull:
		return nil
	case directory.KindList:
		return value.Values()
	}
	return []directory.Value{value}
}

// enter makes an account findable by its values; leave takes it back.
func (t *Target) enter(c *collection, a *account) {
	for _, claim := range t.claims(c.typ.Name, a.values) {
		if c.holders[claim] == nil {
			c.holders[claim] = map[string]bool{}
		}
		c.holders[claim][a.id] = true
	}
}

func (t *Target) leave(c *collection, a *account) {
	for _, claim := range t.claims(c.typ.Name, a.values) {
		delete(c.holders[claim], a.id)
		if len(c.holders[claim]) == 0 {
			delete(c.holders, claim)
		}
	}
}

// exists reports whether a reference leads to an account of one of the types;
// no types are all.
func (t *Target) exists(id string, types []string) bool {
	for name, c := range t.types {
		if len(types) > 0 && !slices.Contains(types, name) {
			continue
		}
		if _, ok := c.accounts[id]; ok {
			return true
		}
	}
	return false
}

// value gives what an account has at a path; no value is null.
func (t *Target) value(typ string, a *account, path directory.Path) directory.Value {
	d := t.definition(typ, path)
	if isMembers(d) {
		var ids []string
		for _, id := range slices.Sorted(maps.Keys(a.members[path])) {
			if t.exists(id, d.References) {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return directory.Null
		}
		return directory.Texts(ids...)
	}
	value := a.values[path]
	if d.Type == directory.TypeReference && !t.exists(value.String(), d.References) {
		return directory.Null
	}
	return value
}

// tell gives an account as the target tells it.
func (t *Target) tell(c *collection, a *account, want []directory.Path) connector.Account {
	out := connector.Account{Type: c.typ.Name, ID: a.id, Version: a.etag(), Values: make(map[string]directory.Value, len(want))}
	for _, path := range want {
		text := path.String()
		if slices.Contains(t.options.Unreadable[c.typ.Name], text) {
			if out.Unreadable == nil {
				out.Unreadable = map[string]bool{}
			}
			out.Unreadable[text] = true
			continue
		}
		if value := t.value(c.typ.Name, a, path); !value.IsNull() {
			out.Values[text] = value
		}
	}
	if path, ok := t.features.EnabledPath[c.typ.Name]; ok {
		if enabled, ok := a.values[path].AsBoolean(); ok {
			out.Enabled = &enabled
		}
	}
	return out
}
