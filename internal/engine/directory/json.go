package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// MarshalJSON writes text, booleans, numbers, arrays and objects as themselves
// and a time as RFC 3339 text.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil) }

func (v Value) appendJSON(out []byte) (_ []byte, err error) {
	switch v.Kind() {
	case KindNull:
		return append(out, "null"...), nil
	case KindText:
		return appendQuoted(out, v.text)
	case KindBoolean:
		return strconv.AppendBool(out, v.number != 0), nil
	case KindInteger:
		return strconv.AppendInt(out, v.number, 10), nil
	case KindTime:
		t, _ := v.AsTime()
		return append(t.AppendFormat(append(out, '"'), time.RFC3339Nano), '"'), nil
	case KindList:
		out = append(out, '[')
		for i, element := range v.form.values {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = element.appendJSON(out); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case KindComplex:
		out = append(out, '{')
		for i, name := range v.form.names {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendQuoted(out, name); err != nil {
				return nil, err
			}
			if out, err = v.form.values[i].appendJSON(append(out, ':')); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	}
	return nil, fmt.Errorf("value of unknown %v", v.Kind())
}

// appendQuoted appends a text as encoding/json writes it, without regard to HTML.
func appendQuoted(out []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			encoded := bytes.NewBuffer(out)
			encoder := json.NewEncoder(encoded)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(s); err != nil {
				return nil, err
			}
			return bytes.TrimSuffix(encoded.Bytes(), []byte{'\n'}), nil
		}
	}
	return append(append(append(out, '"'), s...), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, but for times, which come back
// as text. A number that is no 64-bit integer becomes its text.
func (v *Value) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var any interface{}
	if err := decoder.Decode(&any); err != nil {
		return err
	}
	value, err := FromJSON(any)
	if err != nil {
		return err
	}
	*v = value
	return nil
}

// JSONNestsDeeper reports whether arrays and objects of a JSON text nest deeper
// than limit, before anything is built of it.
func JSONNestsDeeper(data []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// FromJSON makes a value of what encoding/json decodes into an interface,
// with numbers as json.Number or float64. What nests too deep is an error.
func FromJSON(any interface{}) (Value, error) { return fromJSON(any, 0) }

func fromJSON(any interface{}, depth int) (Value, error) {
	if depth > maxDepth {
		return Null, errDepth
	}
	switch x := any.(type) {
	case nil:
		return Null, nil
	case string:
		return Text(x), nil
	case bool:
		return Boolean(x), nil
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return Integer(n), nil
		}
		return Text(x.String()), nil
	case float64:
		if x >= math.MinInt64 && x < math.MaxInt64 && x == math.Trunc(x) {
			return Integer(int64(x)), nil
		}
		return Text(strconv.FormatFloat(x, 'g', -1, 64)), nil
	case []interface{}:
		values := make([]Value, len(x))
		for i, element := range x {
			value, err := fromJSON(element, depth+1)
			if err != nil {
				return Null, err
			}
			values[i] = value
		}
		return List(values...), nil
	case map[string]interface{}:
		members := make([]Member, 0, len(x))
		for name, element := range x {
			value, err := fromJSON(element, depth+1)
			if err != nil {
				return Null, err
			}
			members = append(members, Member{name, value})
		}
		return Complex(members...), nil
	}
	return Null, fmt.Errorf("a JSON value cannot hold %T", any)
}
