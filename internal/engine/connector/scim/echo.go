package scim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
)

// echo is the answer to a create that was carried out as it was asked for, as most
// are, with blanks for the texts in it. An answer of the same form that holds the
// values of its own create was, too: what stands in the other blanks nobody looks at.
type echo struct {
	form   lazyjson.Form
	blanks []int // by blank: the index of the modification whose value it holds, or one of those below
	sent   []sent
}

const (
	anyText = -1
	idText  = -2
)

// sent is what isAsSent expects of a modification.
type sent uint8

const (
	sentUnusual sent = iota // it may expect anything
	sentUnread              // nothing
	sentTrue
	sentFalse
	sentText // the text
)

func sentBy(a *attribute, m *connector.Modification) sent {
	boolean, isBoolean := m.Value.AsBoolean()
	_, isText := m.Value.AsText()
	switch {
	case m.Verb != connector.Set:
		return sentUnusual
	case a.unreadable || m.Reference:
		return sentUnread
	case isBoolean && boolean:
		return sentTrue
	case isBoolean:
		return sentFalse
	case isText:
		return sentText
	}
	return sentUnusual
}

// expectation is what the answer to a create is held against.
type expectation struct {
	modifications []connector.Modification
	written       []*attribute // by modification, where there are echoes
	echoes        []*echo
}

// idIn gives the id of the account that an answer tells of: "" where it is none of the
// echoes.
func (x expectation) idIn(answer []byte) (id string) {
	for _, e := range x.echoes {
		if id = e.read(answer, x.modifications, x.written); id != "" {
			break
		}
	}
	return id
}

// echoOf makes one of an answer of which isAsSent holds; nil where a blank would stand
// for more than one value.
func (x expectation) echoOf(answer string) *echo {
	const mark = "\x00"
	if strings.Contains(answer, `\u0000`) {
		return nil // it might hold a mark
	}
	e := &echo{sent: make([]sent, len(x.written))}
	// The texts by which conditions select elements are no blanks, so that an answer of
	// this form has each value in the same place.
	e.form = lazyjson.FormOf(answer, func(name string) bool {
		return slices.ContainsFunc(x.written, func(a *attribute) bool { return strings.EqualFold(a.path.Where().Attribute, name) })
	})
	e.blanks = slices.Repeat([]int{anyText}, e.form.Blanks())
	marked, err := decodeResource(e.form.Fill(func(blank int) string { return mark + strconv.Itoa(blank) }))
	if err != nil {
		return nil
	}
	holds := func(value lazyjson.Value, what int) bool {
		text, _ := value.AsText()
		number, isMark := strings.CutPrefix(text, mark)
		blank, err := strconv.Atoi(number)
		if !isMark || err != nil || e.blanks[blank] != anyText {
			return false
		}
		e.blanks[blank] = what
		return true
	}
	if _, id, _ := marked.Lookup("id"); !holds(id, idText) {
		return nil
	}
	for i, a := range x.written {
		if e.sent[i] = sentBy(a, &x.modifications[i]); e.sent[i] == sentUnusual {
			return nil
		}
		if e.sent[i] != sentText {
			continue
		}
		if raw, ok := marked.raw(a.path); !ok || !holds(raw, i) {
			return nil
		}
	}
	return e
}

// read is idIn for one echo.
func (e *echo) read(answer []byte, modifications []connector.Modification, written []*attribute) (id string) {
	for i, a := range written {
		if sentBy(a, &modifications[i]) != e.sent[i] {
			return ""
		}
	}
	ok := e.form.Read(answer, func(blank int, quoted []byte) bool {
		switch what := e.blanks[blank]; what {
		case anyText:
			return true
		case idText:
			id = lazyjson.Unquote(quoted)
			return usableID(id)
		default:
			text, _ := modifications[what].Value.AsText()
			return lazyjson.IsText(quoted, text)
		}
	})
	if !ok {
		return ""
	}
	return id
}
