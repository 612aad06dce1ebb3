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
	buf = append(buf, byte(v.kind))
	switch v.kind {
	case KindNull:
	case KindText:
		buf = appendString(buf, v.text)
	case KindBoolean, KindInteger:
		buf = binary.AppendVarint(buf, v.number)
	case KindTime:
		buf = binary.AppendVarint(buf, v.number)
		buf = binary.AppendVarint(buf, int64(v.nanos))
	case KindList, KindComplex:
		buf = binary.AppendUvarint(buf, uint64(len(v.parts.values)))
		for i, part := range v.parts.values {
			if v.kind == KindComplex {
				buf = appendString(buf, v.parts.names[i])
			}
			var err error
			if buf, err = part.appendBinary(buf, depth+1); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("value of unknown %v", v.kind)
	}
	return buf, nil
}

// DecodeValue reads one value's stored form and gives what follows it.
func DecodeValue(data []byte) (Value, []byte, error) { return decodeValue(data, 0) }

// maxDepth bounds how deep lists and complex values nest, so that neither
// damaged bytes nor a hostile document exhausts the stack.
const maxDepth = 64

var errDepth = fmt.Errorf("the value nests deeper than %d", maxDepth)

func decodeValue(data []byte, depth int) (Value, []byte, error) {
	if len(data) == 0 {
		return Null, nil, errTruncated
	}
	if depth > maxDepth {
		return Null, nil, errDepth
	}
	v := Value{kind: Kind(data[0])}
	data = data[1:]
	var err error
	switch v.kind {
	case KindNull:
	case KindText:
		v.text, data, err = decodeString(data)
	case KindBoolean, KindInteger:
		v.number, data, err = decodeVarint(data)
	case KindTime:
		var nanos int64
		if v.number, data, err = decodeVarint(data); err == nil {
			nanos, data, err = decodeVarint(data)
			v.nanos = int32(nanos)
		}
	case KindList, KindComplex:
		count, size := binary.Uvarint(data)
		if size <= 0 || count > uint64(len(data)) {
			return Null, nil, errTruncated
		}
		data = data[size:]
		v.parts = &parts{values: make([]Value, count)}
		if v.kind == KindComplex {
			v.parts.names = make([]string, count)
		}
		for i := range v.parts.values {
			if v.kind == KindComplex {
				if v.parts.names[i], data, err = decodeString(data); err != nil {
					return Null, nil, err
				}
				if i > 0 && v.parts.names[i] <= v.parts.names[i-1] {
					return Null, nil, errors.New("the names of a stored value are not in order")
				}
			}
			if v.parts.values[i], data, err = decodeValue(data, depth+1); err != nil {
				return Null, nil, err
			}
		}
	default:
		err = fmt.Errorf("stored value of unknown %v", v.kind)
	}
	if err != nil {
		return Null, nil, err
	}
	return v, data, nil
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
	count, size := binary.Uvarint(data)
	if size <= 0 || count > uint64(len(data)) {
		return nil, nil, errTruncated
	}
	data = data[size:]
	attributes := make(Attributes, count)
	var err error
	for i := range attributes {
		if attributes[i].Name, data, err = decodeString(data); err != nil {
			return nil, nil, err
		}
		if attributes[i].Value, data, err = DecodeValue(data); err != nil {
			return nil, nil, err
		}
	}
	return attributes, data, nil
}

func appendString(buf []byte, s string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}

func decodeString(data []byte) (string, []byte, error) {
	length, size := binary.Uvarint(data)
	if size <= 0 || length > uint64(len(data)-size) {
		return "", nil, errTruncated
	}
	data = data[size:]
	return string(data[:length]), data[length:], nil
}

func decodeVarint(data []byte) (int64, []byte, error) {
	number, size := binary.Varint(data)
	if size <= 0 {
		return 0, nil, errTruncated
	}
	return number, data[size:], nil
}
