package expression

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var identityFunctions = []definition{
	{
		Function: Function{
			Name: "DefaultDomain", Result: TypeText,
			Summary: "Gives the default domain of the source.",
			Null:    "It takes nothing. It gives what `default_domain` of the source says; a mapping of a source without one is refused.",
			Example: Example{`Join("@", [mailNickname], DefaultDomain())`, source("mailNickname", "jd"), "jd@contoso.com", false},
		},
		impure: true,
		evaluate: func(in invocation) (directory.Value, error) {
			if in.env.DefaultDomain == "" {
				return directory.Null, in.fault(-1, "the source has no default domain")
			}
			return directory.Text(in.env.DefaultDomain), nil
		},
	},
	{
		Function: Function{
			Name: "DNComponent", Result: TypeText, Parameters: []Parameter{text("dn"), integer("number")},
			Summary: "Gives the value of one component of a distinguished name, the leftmost being 1.",
			Null:    "A null name gives null, a number beyond the last component the empty text; a number below 1 is an error.",
			Example: Example{`DNComponent([dn], 1)`, source("dn", `cn=Doe\, John,ou=People,dc=contoso,dc=com`), "Doe, John", false},
		},
		evaluate: dnComponent,
	},
	{
		Function: Function{
			Name: "StringFromSid", Result: TypeText, Parameters: []Parameter{text("sid")},
			Summary: "Gives the text (S-1-…) of a security identifier whose bytes are in base64.",
			Null:    "A null source gives null; a text that is one already stays.",
			Example: Example{`StringFromSid([objectSid])`, source("objectSid", "AQIAAAAAAAUgAAAAIAIAAA=="), "S-1-5-32-544", false},
		},
		evaluate: converted(stringFromSID),
	},
}

func dnComponent(in invocation) (directory.Value, error) {
	dn, null, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	number, err := in.integer(1)
	if err == nil && number < 1 {
		err = in.faultOf(1, directory.Integer(number), "the first component is 1")
	}
	if err != nil || null {
		return directory.Null, err
	}
	for ; number > 1 && dn != ""; number-- {
		_, dn = cutComponent(dn)
	}
	component, _ := cutComponent(dn)
	return directory.Text(componentValue(component)), nil
}

func dnComponentRev(in invocation) (directory.Value, error) {
	dn, null, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	number, err := in.integer(1)
	if err == nil && number < 1 {
		err = in.faultOf(1, directory.Integer(number), "the last component is 1")
	}
	if err != nil || null {
		return directory.Null, err
	}
	withoutDomain := false
	if in.has(2) {
		if _, err := in.choice(2); err != nil {
			return directory.Null, err
		}
		withoutDomain = true
	}
	var components []string
	for dn != "" {
		var component string
		component, dn = cutComponent(dn)
		name, _, _ := strings.Cut(component, "=")
		if !withoutDomain || !strings.EqualFold(strings.TrimSpace(name), "dc") {
			components = append(components, component)
		}
	}
	if number > int64(len(components)) {
		return directory.Text(""), nil
	}
	return directory.Text(componentValue(components[len(components)-int(number)])), nil
}

// escapeComponent escapes what follows the first equals sign, or the whole
// text when there is none (RFC 4514 section 2.4).
func escapeComponent(component string) string {
	name, value, named := strings.Cut(component, "=")
	if !named {
		name, value = "", component
	}
	var out strings.Builder
	if named {
		out.WriteString(name + "=")
	}
	for i, r := range value {
		switch {
		case strings.ContainsRune(`",+;<>\`, r), r == '#' && i == 0, r == ' ' && (i == 0 || i == len(value)-1):
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == 0:
			out.WriteString(`\00`)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// cutComponent gives what stands before the first comma or semicolon that is
// neither escaped nor quoted, and what follows it (RFC 4514 section 3, RFC 2253
// section 4).
func cutComponent(dn string) (component, rest string) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', ';':
			if !quoted {
				return dn[:i], dn[i+1:]
			}
		}
	}
	return dn, ""
}

// componentValue gives the value of an attribute and value, of the first when
// several are joined with a plus.
func componentValue(component string) string {
	_, value, _ := strings.Cut(component, "=")
	value = strings.TrimLeft(value, " ")
	var out []byte
	quoted, kept := false, 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '"':
			quoted = !quoted
			kept = len(out)
			continue
		case c == '+' && !quoted:
			return string(out[:kept])
		case c == '\\' && i+2 < len(value) && isHexPair(value[i+1:i+3]):
			pair, _ := hex.DecodeString(value[i+1 : i+3])
			c = pair[0]
			i += 2
			kept = len(out) + 1
		case c == '\\' && i+1 < len(value):
			i++
			c = value[i]
			kept = len(out) + 1
		}
		out = append(out, c)
		if c != ' ' || quoted {
			kept = len(out)
		}
	}
	return strings.ToValidUTF8(string(out[:kept]), "\uFFFD")
}

func isHexPair(s string) bool {
	_, err := strconv.ParseUint(s, 16, 8)
	return err == nil && s[0] != '+' && s[0] != '-'
}

// stringFromSID reads the bytes of [MS-DTYP] section 2.4.2.2: revision, number
// of sub-authorities, a big-endian authority of 48 bits, and little-endian
// sub-authorities.
func stringFromSID(source string) (result, problem string) {
	if strings.HasPrefix(source, "S-1-") {
		return source, ""
	}
	sid, err := base64.StdEncoding.DecodeString(source)
	if err != nil {
		return "", "it is not base64"
	}
	if len(sid) < 8 || sid[0] != 1 || sid[1] > 15 || len(sid) != 8+4*int(sid[1]) {
		return "", "its bytes are no security identifier"
	}
	var authority [8]byte
	copy(authority[2:], sid[2:8])
	text := []byte("S-1-")
	if n := binary.BigEndian.Uint64(authority[:]); n < 1<<32 {
		text = strconv.AppendUint(text, n, 10)
	} else {
		text = append(append(text, "0x"...), hex.EncodeToString(sid[2:8])...)
	}
	for rest := sid[8:]; len(rest) > 0; rest = rest[4:] {
		text = append(text, '-')
		text = strconv.AppendUint(text, uint64(binary.LittleEndian.Uint32(rest)), 10)
	}
	return string(text), ""
}
