package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// AppendBinary appends the value's stored form, which is also what content
// hashes are taken over: equal values have equal bytes. A value that nests too
// deep to be read back is an error.
func (v Value) AppendBinary(buf []byte) ([]byte, error) { return v.appendBinary(buf, 0) }

func (v Value) appendBinary(buf []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	buf = append(buf, byte(v.Kind()))
	switch v.Kind() {
	case KindNull:
	case KindText:
		buf = appendString(buf, v.text)
	case KindBoolean, KindInteger:
		buf = binary.AppendVarint(buf, v.number)
	case KindTime:
		buf = binary.AppendVarint(buf, v.number)
		buf = binary.AppendVarint(buf, int64(v.form.nanos))
	case KindList, KindComplex:
		buf = binary.AppendUvarint(buf, uint64(len(v.form.values)))
		for i, part := range v.form.values {
			if v.Kind() == KindComplex {
				buf = appendString(buf, v.form.names[i])
			}
			var err error
			if buf, err = part.appendBinary(buf, depth+1); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("value of unknown %v", v.Kind())
	}
	return buf, nil
}

// DecodeValue reads one value's stored form and gives what follows it.
func DecodeValue(data []byte) (Value, []byte, error) {
	d := newDecoder(data)
	v, err := d.value(0)
	if err != nil {
		return Null, nil, err
	}
	return v, d.data, nil
}

// maxDepth bounds how deep lists and complex values nest, so that neither
// damaged bytes nor a hostile document exhausts the stack.
const maxDepth = 64

var errDepth = fmt.Errorf("the value nests deeper than %d", maxDepth)

// decoder reads stored forms. All texts that it gives are parts of one, so that an
// object costs one allocation and not one for each of its names and values.
type decoder struct {
	data []byte // what is left
	text string // all of it
}

func newDecoder(data []byte) *decoder { return &decoder{data, string(data)} }

func (d *decoder) value(depth int) (Value, error) {
	if len(d.data) == 0 {
		return Null, errTruncated
	}
	if depth > maxDepth {
		return Null, errDepth
	}
	kind := Kind(d.data[0])
	d.data = d.data[1:]
	switch kind {
	case KindNull:
		return Null, nil
	case KindText:
		text, err := d.string()
		return Text(text), err
	case KindBoolean:
		number, err := d.varint()
		return Value{number: number, form: formOfBoolean}, err
	case KindInteger:
		number, err := d.varint()
		return Integer(number), err
	case KindTime:
		seconds, err := d.varint()
		if err != nil {
			return Null, err
		}
		nanos, err := d.varint()
		return timeOf(seconds, int32(nanos)), err
	case KindList, KindComplex:
		form, err := d.parts(kind, depth)
		return Value{form: form}, err
	}
	return Null, fmt.Errorf("stored value of unknown %v", kind)
}

func (d *decoder) parts(kind Kind, depth int) (*form, error) {
	count, err := d.count()
	if err != nil {
		return nil, err
	}
	named := kind == KindComplex
	p := &form{kind: kind, values: make([]Value, count)}
	if named {
		p.names = make([]string, count)
	}
	for i := range p.values {
		if named {
			if p.names[i], err = d.string(); err != nil {
				return nil, err
			}
			if i > 0 && p.names[i] <= p.names[i-1] {
				return nil, errors.New("the names of a stored value are not in order")
			}
		}
		if p.values[i], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// count reads how many parts follow, of at least a byte each.
func (d *decoder) count() (uint64, error) {
	count, size := binary.Uvarint(d.data)
	if size <= 0 || count > uint64(len(d.data)) {
		return 0, errTruncated
	}
	d.data = d.data[size:]
	return count, nil
}

func (d *decoder) string() (string, error) {
	length, size := binary.Uvarint(d.data)
	if size <= 0 || length > uint64(len(d.data)-size) {
		return "", errTruncated
	}
	at := len(d.text) - len(d.data) + size
	d.data = d.data[size+int(length):]
	return d.text[at : at+int(length)], nil
}

func (d *decoder) varint() (int64, error) {
	number, size := binary.Varint(d.data)
	if size <= 0 {
		return 0, errTruncated
	}
	d.data = d.data[size:]
	return number, nil
}

// AppendBinary appends the stored form of all attributes, in their order.
func (a Attributes) AppendBinary(buf []byte) ([]byte, error) {
	buf = binary.AppendUvarint(buf, uint64(len(a)))
	for _, attribute := range a {
		buf = appendString(buf, attribute.Name)
		var err error
		if buf, err = attribute.Value.AppendBinary(buf); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// DecodeAttributes reads the stored form of attributes and gives what follows.
func DecodeAttributes(data []byte) (Attributes, []byte, error) {
	d := newDecoder(data)
	count, err := d.count()
	if err != nil {
		return nil, nil, err
	}
	attributes := make(Attributes, count)
	for i := range attributes {
		if attributes[i].Name, err = d.string(); err != nil {
			return nil, nil, err
		}
		if attributes[i].Value, err = d.value(0); err != nil {
			return nil, nil, err
		}
	}
	return attributes, d.data, nil
}

func appendString(buf []byte, s string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}
