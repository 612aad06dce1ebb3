package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
)

// session is one connection, bound, for one call of the source. It is used from
// one goroutine.
type session struct {
	*source
	conn     *goldap.Conn
	raw      net.Conn
	frames   *frames
	password string // of the bind, to keep it out of what the server says
	silence  *time.Timer
	expired  atomic.Bool
	release  func() bool // ends the watch over the context
	root     rootDSE
}

// rootDSE is what a server says of itself (RFC 4512 section 5.1).
type rootDSE struct {
	contexts  []string
	subschema string
	syncrepl  bool
}

// connect dials, begins TLS, binds and reads the root DSE. The end of ctx ends
// the connection. The caller closes the session.
func (s *source) connect(ctx context.Context) (*session, error) {
	raw, err := network.NewDialer().DialContext(ctx, "tcp", s.address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed := &connector.Error{Class: connector.Transient, Code: codeUnavailable, Err: err,
			Detail: s.address + ": no connection: " + shorten(err.Error()),
			Advice: "see that url is right, and that the directory server runs and can be reached"}
		if address := new(network.AddressError); errors.As(err, &address) {
			failed.Class, failed.Code = connector.Fatal, codeSource // however often it is tried
		}
		return nil, failed
	}
	c := &session{source: s, raw: raw, frames: &frames{Conn: raw}}
	c.release = context.AfterFunc(ctx, func() { raw.Close() })
	c.silence = time.AfterFunc(s.patience, func() { c.expired.Store(true); raw.Close() })
	if err := c.open(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// open makes the connection ready for searches.
func (s *session) open(ctx context.Context) error {
	if s.startTLS {
		if err := s.requestTLS(); err != nil {
			return s.failed(ctx, "StartTLS", err)
		}
	}
	if s.tls != nil {
		secure := tls.Client(s.raw, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			if s.expired.Load() {
				return s.failed(ctx, "TLS", err)
			}
			return s.refused(ctx, err)
		}
		s.frames.Conn = secure
	}
	s.conn = goldap.NewConn(s.frames, s.tls != nil)
	s.conn.Start()
	if s.credential.Kind == "basic" {
		if err := s.bind(ctx); err != nil {
			return err
		}
	}
	return s.readRoot(ctx)
}

// requestTLS asks for StartTLS (RFC 4511 section 4.14). It reads the one answer
// to its last byte and no further, so that nothing that came in clear text is
// taken for protected.
func (s *session) requestTLS() error {
	const oid = "1.3.6.1.4.1.1466.20037"
	packet := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	packet.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationExtendedRequest, nil, "")
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, oid, ""))
	packet.AppendChild(request)
	if _, err := s.raw.Write(packet.Bytes()); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(io.LimitReader(s.raw, 4096))
	if err != nil {
		return err
	}
	if len(answer.Children) < 2 || answer.Children[1].Tag != goldap.ApplicationExtendedResponse {
		return errors.New("the answer is none to StartTLS")
	}
	return goldap.GetLDAPError(answer)
}

func (s *session) bind(ctx context.Context) error {
	dn, err := s.credential.Field(ctx, "username")
	if err != nil {
		return err
	}
	password, err := s.credential.Field(ctx, "password")
	if err != nil {
		return err
	}
	if dn == "" || password == "" {
		// A bind without a password succeeds as anonymous (RFC 4513 section 5.1.2).
		return &connector.Error{Class: connector.Denied, Code: codeDenied,
			Detail: s.address + ": the credential's username or password is empty",
			Advice: "give the bind DN and its password, or no credential at all to read anonymously"}
	}
	s.password = password
	if err := s.conn.Bind(dn, password); err != nil {
		return s.failed(ctx, "bind as "+dn, err)
	}
	return nil
}

func (s *session) readRoot(ctx context.Context) error {
	entry, err := s.entry(ctx, "", "(objectClass=*)", "namingContexts", "subschemaSubentry", "supportedControl")
	if err != nil || entry == nil {
		return err
	}
	s.root.contexts = entry.GetEqualFoldAttributeValues("namingContexts")
	s.root.subschema = entry.GetEqualFoldAttributeValue("subschemaSubentry")
	for _, control := range entry.GetEqualFoldAttributeValues("supportedControl") {
		s.root.syncrepl = s.root.syncrepl || control == goldap.ControlTypeSyncRequest
	}
	return nil
}

// close ends the connection. What is still under way ends with it.
func (s *session) close() {
	s.silence.Stop()
	s.release()
	s.raw.Close()
	if s.conn != nil {
		s.conn.Close()
	}
}
