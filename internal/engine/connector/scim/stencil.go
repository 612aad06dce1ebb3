package scim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// stencil is the body of a create with blanks for the values, and all else worked
// out. A mapping takes few of them: one for each set of attributes that accounts
// have values of.
type stencil struct {
	typ        string
	attributes []*attribute // of the modifications, in their order
	blanks     []blank
	end        string // what follows the last blank; empty: the body depends on the values
	url        *url.URL
	echoes     []*echo // what the app answered; guarded as the stencils are
}

// blank is the place of a modification's value, and what stands before it.
type blank struct {
	before string
	index  int
}

// What is kept of them is bounded; whatever fits none is put together, or looked into,
// anew.
const (
	maxStencils = 32
	maxEchoes   = 4 // of each
)

// creation is a create that is ready to be sent.
type creation struct {
	body     []byte
	stencil  *stencil // that was filled for it; nil for none
	expected expectation
}

// creation makes a create ready.
func (t *target) creation(o connector.Operation) (creation, error) {
	s, echoes := t.stencil(o)
	if s != nil {
		if body, ok := s.fill(o); ok {
			return creation{body, s, expectation{o.Modifications, s.attributes, echoes}}, nil
		}
	}
	c := t.known()
	w, err := t.prepare(o)
	if err != nil {
		return creation{}, err
	}
	if s == nil && o.Enabled == nil {
		t.cut(c, w)
	}
	return creation{body: t.newResource(w).AppendJSON(nil), expected: expectation{o.Modifications, t.wanted(w), nil}}, nil
}

// stencil gives that of an operation, nil for none, and its echoes.
func (t *target) stencil(o connector.Operation) (*stencil, []*echo) {
	if o.Enabled != nil {
		return nil, nil
	}
	t.discovery.mu.RLock()
	defer t.discovery.mu.RUnlock()
	for _, s := range t.discovery.stencils {
		if s.fits(o) {
			return s, s.echoes
		}
	}
	return nil, nil
}

// keep takes the answer up that an account was created with as it was sent, so that
// its like are known.
func (t *target) keep(c creation, answer response) {
	// A success that its text may belie is to be looked into each time.
	belied := slices.ContainsFunc(t.dialect.Throttled, func(s Symptom) bool { return s.Status < http.StatusMultipleChoices })
	have := len(c.expected.echoes)
	if c.stencil == nil || have == maxEchoes || len(answer.body) > maxScratch || belied {
		return
	}
	e := c.expected.echoOf(answer.body)
	t.discovery.mu.Lock()
	defer t.discovery.mu.Unlock()
	if e != nil && len(c.stencil.echoes) == have {
		c.stencil.echoes = append(c.stencil.echoes, e)
	}
}

func (s *stencil) fits(o connector.Operation) bool {
	return s.typ == o.Type && slices.EqualFunc(s.attributes, o.Modifications, func(a *attribute, m connector.Modification) bool { return a.path == m.Path })
}

// fill gives the body with an operation's values; ok is false where one of them
// does not go into a blank.
func (s *stencil) fill(o connector.Operation) (body []byte, ok bool) {
	if s.end == "" {
		return nil, false
	}
	room := len(s.end)
	for _, b := range s.blanks {
		text, _ := o.Modifications[b.index].Value.AsText()
		room += len(b.before) + len(text) + len(`"" `) // what is no text takes little more
	}
	body = make([]byte, 0, room)
	for _, b := range s.blanks {
		a, m := s.attributes[b.index], &o.Modifications[b.index]
		if !a.isPlain(m) {
			return nil, false
		}
		var err error
		if body, err = a.appendValue(append(body, b.before...), m.Value, a.refers(m)); err != nil {
			return nil, false
		}
	}
	return append(body, s.end...), true
}

// isPlain reports whether a modification puts one value at its path, where it does
// nothing to what is there besides.
func (a *attribute) isPlain(m *connector.Modification) bool {
	switch m.Value.Kind() {
	case directory.KindNull, directory.KindList, directory.KindComplex:
		return false
	}
	return m.Verb == connector.Set && !a.whole() && !(a.path.HasCondition() && a.refers(m))
}

// cut makes the stencil of a create, unless what is known of its attributes is not
// what was known before.
func (t *target) cut(known *catalog, w writing) {
	s := &stencil{typ: w.operation.Type, attributes: make([]*attribute, len(w.modifications)), url: t.url(request{endpoint: w.kind.endpoint})}
	for i, m := range w.modifications {
		s.attributes[i] = m.attribute
		if !m.isPlain(&w.operation.Modifications[i]) {
			return
		}
	}
	if !selectsByValue(w) {
		s.blanks, s.end = t.blanks(w)
	}
	d := &t.discovery
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known() == known && len(d.stencils) < maxStencils {
		d.stencils = append(d.stencils, s)
	}
}

// blanks writes the resource with blanks, and takes it apart there. They stand as
// what no JSON holds. Where one is missing or there twice, some values take the
// place of others: there is no stencil.
func (t *target) blanks(w writing) (blanks []blank, end string) {
	const mark = "\x00"
	w.modifications = slices.Clone(w.modifications)
	for i := range w.modifications {
		w.modifications[i].value = lazyjson.Raw(mark + strconv.Itoa(i) + mark)
	}
	parts := strings.Split(string(t.newResource(w).AppendJSON(nil)), mark)
	seen := map[int]bool{}
	for ; len(parts) > 1; parts = parts[2:] {
		index, err := strconv.Atoi(parts[1])
		if err != nil || seen[index] {
			return nil, ""
		}
		seen[index] = true
		blanks = append(blanks, blank{parts[0], index})
	}
	if len(blanks) < len(w.modifications) {
		return nil, ""
	}
	return blanks, parts[0]
}

// selectsByValue reports whether it may depend on a written value which element of
// a list a condition selects, be it that of primaryMail.
func selectsByValue(w writing) bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool {
		return strings.EqualFold(m.path.Sub(), "type") || slices.ContainsFunc(w.modifications, func(other modification) bool {
			where := other.path.Where().Attribute
			return where != "" && (strings.EqualFold(m.path.Sub(), where) || m.path.Sub() == "" && strings.EqualFold(where, "value"))
		})
	})
}
