package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"unicode"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// Codes of what goes wrong here, as the provisioning log knows them.
const (
	codeRecord      = "InvalidSourceRecord"  // one entry
	codeSource      = "SourceUnreadable"     // the directory, or what is declared of it
	codeUnavailable = "SourceUnavailable"    // the directory cannot be reached, or was lost
	codeIncomplete  = "IncompleteSourceRead" // the directory did not give everything
	codeDenied      = "Unauthorized"
	codeRights      = "InsufficientRights"
)

func misdeclared(format string, arguments ...any) error {
	return &connector.Error{Class: connector.Fatal, Code: codeSource, Detail: "ldap: " + fmt.Sprintf(format, arguments...)}
}

// verdicts are what result codes (RFC 4511 appendix A) mean for a read. Any
// other code is fatal.
var verdicts = map[uint16]struct {
	class        connector.Class
	code, advice string
}{
	goldap.LDAPResultTimeLimitExceeded: {connector.Transient, codeIncomplete,
		"raise the server's time limit for this account, or index the attributes of the filter"},
	goldap.LDAPResultSizeLimitExceeded: {connector.Fatal, codeIncomplete,
		"raise the server's size limit for this account, or set page_size to no more than it allows in one page"},
	goldap.LDAPResultAdminLimitExceeded: {connector.Fatal, codeIncomplete,
		"raise the server's limit for this account, set a smaller page_size, or index the attributes of the filter and modifyTimestamp"},
	goldap.LDAPResultReferral: {connector.Fatal, codeIncomplete,
		"another server holds the base; name that server in url: referrals are not followed"},
	goldap.LDAPResultNoSuchObject: {connector.Fatal, codeSource,
		"correct base_dn, or let the account see that entry"},
	goldap.LDAPResultInvalidDNSyntax:             {connector.Fatal, codeSource, "correct base_dn"},
	goldap.LDAPResultInsufficientAccessRights:    {connector.Fatal, codeRights, "let the account search below base_dn"},
	goldap.LDAPResultConfidentialityRequired:     {connector.Fatal, codeSource, "set start_tls = true, or begin url with ldaps://"},
	goldap.LDAPResultStrongAuthRequired:          {connector.Fatal, codeSource, "set start_tls = true, or begin url with ldaps://"},
	goldap.LDAPResultInvalidCredentials:          {connector.Denied, codeDenied, "check the bind DN and password of the credential"},
	goldap.LDAPResultInappropriateAuthentication: {connector.Denied, codeDenied, "give the source a basic credential"},
	goldap.LDAPResultBusy:                        {connector.Transient, codeUnavailable, "the server is busy; the next cycle tries again"},
	goldap.LDAPResultUnavailable:                 {connector.Transient, codeUnavailable, "the server shuts down; the next cycle tries again"},
}

// failed classifies an error of the protocol or network that came up in doing
// something. An end of ctx wins.
func (s *session) failed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	out := &connector.Error{Class: connector.Transient, Code: codeUnavailable, Err: err,
		Advice: "see that the directory server runs and can be reached; the next cycle tries again"}
	var answer *goldap.Error
	switch malformed := s.frames.failed(); {
	case malformed != nil:
		out.Class, out.Code, out.Err = connector.Fatal, codeSource, malformed
		out.Detail = "what the server answers is not taken: " + malformed.Error()
		out.Advice = "see that url leads to a directory server"
	case s.expired.Load():
		out.Detail = fmt.Sprintf("the server gave no answer for %v", s.patience)
	case errors.As(err, &answer) && !goldap.IsErrorAnyOf(err, goldap.ErrorNetwork, goldap.ErrorUnexpectedMessage, goldap.ErrorUnexpectedResponse):
		verdict, known := verdicts[answer.ResultCode]
		if !known {
			verdict.class, verdict.code = connector.Fatal, codeSource
		}
		out.Class, out.Code, out.Advice = verdict.class, verdict.code, verdict.advice
		out.Detail = describe(answer.ResultCode)
		if text := s.foreign(answer.Err); text != "" {
			out.Detail += ": " + text
		}
	default:
		out.Detail = "the connection was lost: " + s.foreign(err)
	}
	out.Detail = s.address + ": " + doing + ": " + out.Detail
	return out
}

// describe names a result code.
func describe(code uint16) string {
	if name := goldap.LDAPResultCodeMap[code]; name != "" {
		return fmt.Sprintf("%s (%d)", name, code)
	}
	return fmt.Sprintf("result code %d", code)
}

// refused is the error of TLS that could not be begun.
func (s *source) refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	out := &connector.Error{Class: connector.Transient, Code: codeUnavailable, Err: err,
		Detail: s.address + ": TLS could not be begun: " + shorten(err.Error()),
		Advice: "see that the server speaks TLS 1.2 or later at that port"}
	var wrong *tls.CertificateVerificationError
	var name x509.HostnameError
	if errors.As(err, &wrong) || errors.As(err, &name) {
		out.Class, out.Code = connector.Fatal, codeSource
		out.Advice = "give the CA that signed the server's certificate in ca_certificate, and the name that the certificate is for in url"
	}
	return out
}

// resultCode gives the LDAP result in an error; ok is false for any other.
func resultCode(err error) (code uint16, ok bool) {
	var answer *goldap.Error
	if errors.As(err, &answer) {
		return answer.ResultCode, true
	}
	return 0, false
}

// foreign gives a text of the server's as it may stand in an error: short, in
// one line, without the password that it was told.
func (s *session) foreign(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if s.password != "" {
		text = strings.ReplaceAll(text, s.password, "[redacted]")
	}
	return shorten(text)
}

// shorten makes one line of at most 300 characters of a foreign text.
func shorten(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 8*most)], "?"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
