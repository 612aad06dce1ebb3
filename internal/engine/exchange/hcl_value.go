package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// node is a value on its way from JSON to HCL. It keeps the order of members,
// which for a struct is the order of the documentation.
type node struct {
	kind    nodeKind
	text    *string         // of a text
	tokens  hclwrite.Tokens // of a scalar
	members []member        // of an object; of a list without names
}

type nodeKind uint8

const (
	scalar nodeKind = iota
	object
	list
)

type member struct {
	name  string
	value node
}

// valueOf gives plain data as its JSON has it, without null members.
func valueOf(data any) node {
	text, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("exchange: a %T cannot be written: %v", data, err)) // plain data always can
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	read, _ := readNode(decoder)
	return read
}

// readNode reads one value of what was just written; false for null.
func readNode(decoder *json.Decoder) (node, bool) {
	token, err := decoder.Token()
	if err != nil {
		panic(fmt.Sprintf("exchange: %v", err)) // it was written by json.Marshal
	}
	switch token := token.(type) {
	case json.Delim:
		n := node{kind: object}
		if token == '[' {
			n.kind = list
		}
		for decoder.More() {
			var name string
			if n.kind == object {
				key, _ := decoder.Token()
				name, _ = key.(string)
			}
			if value, ok := readNode(decoder); ok {
				n.members = append(n.members, member{name, value})
			}
		}
		_, _ = decoder.Token() // the closing delimiter
		return n, true
	case string:
		return node{text: &token, tokens: hclwrite.TokensForValue(cty.StringVal(token))}, true
	case json.Number:
		return node{tokens: hclwrite.Tokens{{Type: hclsyntax.TokenNumberLit, Bytes: []byte(token.String())}}}, true
	case bool:
		return node{tokens: hclwrite.TokensForValue(cty.BoolVal(token))}, true
	}
	return node{}, false
}

// text gives the text of a node, empty when it is none.
func text(n node) string {
	if n.text == nil {
		return ""
	}
	return *n.text
}

// lineWidth is how wide a value in one line may be.
const lineWidth = 140

// tokens writes a node: in one line where that is short and nests no object,
// else a member a line. level is how deep it stands.
func tokens(n node, level int) hclwrite.Tokens {
	if n.kind == scalar {
		return n.tokens
	}
	line := inOneLine(n)
	nested := slices.ContainsFunc(n.members, func(m member) bool { return m.value.kind == object })
	if !nested && (len(n.members) < 2 || len(line.Bytes())+2*level <= lineWidth) {
		return line
	}
	out := hclwrite.Tokens{n.open(), newToken(hclsyntax.TokenNewline, "\n")}
	for _, m := range n.members {
		out = append(append(out, n.key(m)...), tokens(m.value, level+1)...)
		if n.kind == list {
			out = append(out, newToken(hclsyntax.TokenComma, ","))
		}
		out = append(out, newToken(hclsyntax.TokenNewline, "\n"))
	}
	return append(out, n.closed())
}

func inOneLine(n node) hclwrite.Tokens {
	if n.kind == scalar {
		return n.tokens
	}
	out := hclwrite.Tokens{n.open()}
	for i, m := range n.members {
		if i > 0 {
			out = append(out, newToken(hclsyntax.TokenComma, ","))
		}
		out = append(append(out, n.key(m)...), inOneLine(m.value)...)
	}
	return append(out, n.closed())
}

func (n node) open() *hclwrite.Token {
	if n.kind == list {
		return newToken(hclsyntax.TokenOBrack, "[")
	}
	return newToken(hclsyntax.TokenOBrace, "{")
}

func (n node) closed() *hclwrite.Token {
	if n.kind == list {
		return newToken(hclsyntax.TokenCBrack, "]")
	}
	return newToken(hclsyntax.TokenCBrace, "}")
}

// key writes the name of an object's member: bare, unless one of the object's
// names has to be quoted.
func (n node) key(m member) hclwrite.Tokens {
	if n.kind == list {
		return nil
	}
	key := hclwrite.TokensForIdentifier(m.name)
	if slices.ContainsFunc(n.members, func(m member) bool { return !isBare(m.name) }) {
		key = hclwrite.TokensForValue(cty.StringVal(m.name))
	}
	return append(key, newToken(hclsyntax.TokenEqual, "="))
}

func newToken(kind hclsyntax.TokenType, text string) *hclwrite.Token {
	return &hclwrite.Token{Type: kind, Bytes: []byte(text)}
}

// isBare reports whether a key of an object may stand without quotes. Words of
// the language are not taken for keys.
func isBare(name string) bool {
	switch name {
	case "for", "true", "false", "null":
		return false
	}
	return hclsyntax.ValidIdentifier(name)
}
