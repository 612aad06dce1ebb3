package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
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
		buf = AppendText(buf, v.text)
	case KindBoolean, KindInteger:
		buf = binary.AppendVarint(buf, v.number)
	case KindTime:
		buf = binary.AppendVarint(buf, v.number)
		buf = binary.AppendVarint(buf, int64(v.form.nanos))
	case KindList, KindComplex:
		buf = binary.AppendUvarint(buf, uint64(len(v.form.values)))
		for i, part := range v.form.values {
			if v.Kind() == KindComplex {
				buf = AppendText(buf, v.form.names[i])
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
	d := NewDecoder(data)
	v := d.value(0)
	return v, d.data, d.err
}

// maxDepth bounds how deep lists and complex values nest, so that neither
// damaged bytes nor a hostile document exhausts the stack.
const maxDepth = 64

var errDepth = fmt.Errorf("the value nests deeper than %d", maxDepth)

// Decoder reads stored forms, one behind the other. All texts that it gives are
// parts of one, so that an object costs one allocation and not one for each of its
// names and values. Behind the first error everything that it gives is zero.
type Decoder struct {
	data []byte // what is left
	text string // all of it
	err  error
}

// NewDecoder gives a decoder of data, of which it keeps nothing.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data, text: string(data)} }

// Err says why something could not be read; nil while everything could.
func (d *Decoder) Err() error { return d.err }

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.data = nil
}

func (d *Decoder) value(depth int) (v Value) {
	switch {
	case len(d.data) == 0:
		d.fail(errTruncated)
		return Null
	case depth > maxDepth:
		d.fail(errDepth)
		return Null
	}
	kind := Kind(d.data[0])
	d.data = d.data[1:]
	switch kind {
	case KindNull:
		return Null
	case KindText:
		v = Text(d.Text())
	case KindBoolean:
		v = Value{number: d.Integer(), form: formOfBoolean}
	case KindInteger:
		v = Integer(d.Integer())
	case KindTime:
		seconds := d.Integer()
		v = timeOf(seconds, int32(d.Integer()))
	case KindList, KindComplex:
		v = Value{form: d.parts(kind, depth)}
	default:
		d.fail(fmt.Errorf("stored value of unknown %v", kind))
	}
	if d.err != nil {
		return Null
	}
	return v
}

func (d *Decoder) parts(kind Kind, depth int) *form {
	count := d.Count()
	named := kind == KindComplex
	p := &form{kind: kind, values: make([]Value, count)}
	if named {
		p.names = make([]string, count)
	}
	for i := range p.values {
		if named {
			p.names[i] = d.Text()
			if i > 0 && p.names[i] <= p.names[i-1] {
				d.fail(errors.New("the names of a stored value are not in order"))
			}
		}
		p.values[i] = d.value(depth + 1)
		if d.err != nil {
			return nil
		}
	}
	return p
}

// Count reads how many parts follow, of at least a byte each.
func (d *Decoder) Count() int {
	count, size := binary.Uvarint(d.data)
	if size <= 0 || count > uint64(len(d.data)) {
		d.fail(errTruncated)
		return 0
	}
	d.data = d.data[size:]
	return int(count)
}

// Text reads what AppendText wrote.
func (d *Decoder) Text() string {
	length := len(d.bytes())
	end := len(d.text) - len(d.data)
	return d.text[end-length : end]
}

// bytes is Text as it stands in the data.
func (d *Decoder) bytes() []byte {
	length, size := binary.Uvarint(d.data)
	if size <= 0 || length > uint64(len(d.data)-size) {
		d.fail(errTruncated)
		return nil
	}
	text := d.data[size : size+int(length)]
	d.data = d.data[size+int(length):]
	return text
}

// Integer reads what binary.AppendVarint wrote.
func (d *Decoder) Integer() int64 {
	number, size := binary.Varint(d.data)
	if size <= 0 {
		d.fail(errTruncated)
		return 0
	}
	d.data = d.data[size:]
	return number
}

// Time reads what AppendTime wrote.
func (d *Decoder) Time() time.Time {
	return time.Unix(d.Integer(), d.Integer()).UTC()
}

// Value reads what Value.AppendBinary wrote.
func (d *Decoder) Value() Value { return d.value(0) }

// Attributes reads what Attributes.AppendBinary wrote.
func (d *Decoder) Attributes() Attributes {
	attributes := make(Attributes, d.Count())
	for i := range attributes {
		attributes[i] = Attribute{d.Text(), d.value(0)}
		if d.err != nil {
			return nil
		}
	}
	return attributes
}

// AppendBinary appends the stored form of all attributes, in their order.
func (a Attributes) AppendBinary(buf []byte) ([]byte, error) {
	buf = binary.AppendUvarint(buf, uint64(len(a)))
	for _, attribute := range a {
		buf = AppendText(buf, attribute.Name)
		var err error
		if buf, err = attribute.Value.AppendBinary(buf); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// DecodeAttributes reads the stored form of attributes and gives what follows.
func DecodeAttributes(data []byte) (Attributes, []byte, error) {
	d := NewDecoder(data)
	attributes := d.Attributes()
	return attributes, d.data, d.err
}

// DecodeSome reads those of the stored attributes whose names are given, with no
// memory for the others.
func DecodeSome(data []byte, names []string) (Attributes, error) {
	var some Attributes
	d := Decoder{data: data}
	for range d.Count() {
		name := d.bytes()
		value := d.data
		if d.skip(0); d.err != nil {
			return nil, d.err
		}
		at := slices.IndexFunc(names, func(wanted string) bool { return wanted == string(name) })
		if at < 0 {
			continue
		}
		if some == nil {
			some = make(Attributes, 0, len(names))
		}
		one := NewDecoder(value[:len(value)-len(d.data)])
		some = append(some, Attribute{names[at], one.value(0)})
		if one.err != nil {
			return nil, one.err
		}
	}
	return some, d.err
}

// skip passes over a value.
func (d *Decoder) skip(depth int) {
	switch {
	case len(d.data) == 0:
		d.fail(errTruncated)
		return
	case depth > maxDepth:
		d.fail(errDepth)
		return
	}
	kind := Kind(d.data[0])
	d.data = d.data[1:]
	switch kind {
	case KindNull:
	case KindText:
		d.bytes()
	case KindBoolean, KindInteger:
		d.Integer()
	case KindTime:
		d.Integer()
		d.Integer()
	case KindList, KindComplex:
		for n := d.Count(); n > 0 && d.err == nil; n-- {
			if kind == KindComplex {
				d.bytes()
			}
			d.skip(depth + 1)
		}
	default:
		d.fail(fmt.Errorf("stored value of unknown %v", kind))
	}
}

// AppendText appends a text and its length.
func AppendText(buf []byte, s string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}

// AppendTime appends a point in time.
func AppendTime(buf []byte, t time.Time) []byte {
	buf = binary.AppendVarint(buf, t.Unix())
	return binary.AppendVarint(buf, int64(t.Nanosecond()))
}
