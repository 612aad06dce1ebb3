package ldap

import (
	"fmt"
	"net"
	"sync/atomic"
)

// Bounds of one message. A decoded element takes about a kilobyte of memory, so
// they bound what a server can make this process hold.
const (
	maxMessage  = 128 << 20
	maxValue    = 16 << 20
	maxElements = 1 << 20 // a group of about a million members
)

// frames is a connection whose incoming bytes must be a sequence of LDAP
// messages (RFC 4511 section 5.1: BER with definite lengths only) within
// bounds. Read fails at the first byte that is not, for ever.
type frames struct {
	net.Conn
	scanner scanner
	wrong   atomic.Pointer[error]
}

func (f *frames) Read(p []byte) (int, error) {
	if err := f.failed(); err != nil {
		return 0, err
	}
	n, err := f.Conn.Read(p)
	if wrong := f.scanner.scan(p[:n]); wrong != nil {
		f.wrong.Store(&wrong)
		return 0, wrong
	}
	return n, err
}

// failed gives what was wrong with the bytes, nil for nothing.
func (f *frames) failed() error {
	if wrong := f.wrong.Load(); wrong != nil {
		return *wrong
	}
	return nil
}

// scanner follows the elements of messages, however the bytes are cut.
type scanner struct {
	left     int64  // bytes of the message to come; 0 before a message
	skip     int64  // bytes of a primitive's content to come
	elements int    // of the message
	header   []byte // of the element that begins
}

func (s *scanner) scan(p []byte) error {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip, s.left, p = s.skip-n, s.left-n, p[n:]
			continue
		}
		s.header, p = append(s.header, p[0]), p[1:]
		if err := s.begin(); err != nil {
			return err
		}
	}
	return nil
}

// begin takes the header of an element when it is there.
func (s *scanner) begin() error {
	const constructed, highTag, long = 0x20, 0x1f, 0x80
	if s.header[0]&highTag == highTag {
		return fmt.Errorf("it is no LDAP message: a tag of several bytes")
	}
	if len(s.header) == 1 {
		if s.left == 0 && s.header[0] != 0x30 {
			return fmt.Errorf("it is no LDAP message: it begins with the byte %#02x", s.header[0])
		}
		return nil
	}
	length := int64(s.header[1])
	if length >= long {
		octets := length - long
		if octets == 0 || octets > 4 {
			return fmt.Errorf("it is no LDAP message: a length of %d bytes", octets)
		}
		if int64(len(s.header)) < 2+octets {
			return nil
		}
		length = 0
		for _, octet := range s.header[2:] {
			length = length<<8 | int64(octet)
		}
	}
	size, primitive := int64(len(s.header)), s.header[0]&constructed == 0
	s.header = s.header[:0]
	if s.left == 0 {
		if length > maxMessage {
			return fmt.Errorf("a message of %d bytes; at most %d are taken", length, maxMessage)
		}
		s.left, s.elements = length, 0
		return nil
	}
	if s.left -= size; length > s.left || s.left < 0 {
		return fmt.Errorf("it is no LDAP message: an element is longer than what holds it")
	}
	if s.elements++; s.elements > maxElements {
		return fmt.Errorf("an entry of more than %d values", maxElements)
	}
	if primitive {
		if length > maxValue {
			return fmt.Errorf("a value of %d bytes; at most %d are taken", length, maxValue)
		}
		s.skip = length
	}
	return nil
}
