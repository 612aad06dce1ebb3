// Package remote is what an agent needs to serve callers over the network: the
// tokens that they are known by, its certificate, and the check of each request.
package remote

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Options say how an agent is reached over the network.
type Options struct {
	Address string // host:port; without a host: on all of the machine's addresses
	// CertFile and KeyFile are PEM files. They are read again when they change.
	CertFile, KeyFile string
	// SelfSigned takes, in their place, a certificate of an authority of the
	// agent's own.
	SelfSigned bool
}

// Check tells what is wrong with the options themselves, as an *api.Error.
func (o Options) Check() error {
	refuse := func(detail, advice string) error {
		return &api.Error{Code: api.CodeInvalid, Summary: "Cannot listen on the network", Detail: detail, Advice: advice}
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return refuse(err.Error(), `Give host and port, as in "0.0.0.0:8443".`)
	}
	files := o.CertFile != "" || o.KeyFile != ""
	switch {
	case files && o.SelfSigned:
		return refuse("both files of a certificate and a self-signed one are asked for", "Keep one of them.")
	case files && (o.CertFile == "" || o.KeyFile == ""):
		return refuse("a certificate and its key belong together", "Give both files.")
	case !files && !o.SelfSigned:
		return refuse("nothing is served without TLS: the token would be seen by all in between",
			"Give --tls-cert and --tls-key, or --tls-self-signed for a certificate of the agent's own.")
	}
	return nil
}

// Listen begins to listen, for the agent of a data directory. It refuses where no
// token was ever made: nobody could come in. Those that were made may all be
// revoked or expired: the jobs of an agent that starts again must not wait for
// somebody to make another. The error is an *api.Error.
func Listen(ctx context.Context, dir string, o Options, logger *slog.Logger, now func() time.Time) (net.Listener, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	refuse := func(err error, advice string) error {
		return &api.Error{Code: api.CodeUnavailable, Summary: "Cannot listen on " + o.Address, Detail: err.Error(), Advice: advice}
	}
	tokens, err := TokensOf(dir).List()
	if err != nil {
		return nil, refuse(err, "Nothing was started.")
	}
	if len(tokens) == 0 {
		return nil, &api.Error{
			Code: api.CodeConflict, Summary: "Cannot listen on " + o.Address, Detail: "there is no token that anybody could come in with",
			Advice: fmt.Sprintf("Make one first with `token create NAME --data-dir %s`.", dir),
		}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if o.SelfSigned {
		host, _, _ := net.SplitHostPort(o.Address) // Check has done so
		own, err := openAuthority(dir, ownNames(host), now)
		if err != nil {
			return nil, refuse(err, "Nothing was started.")
		}
		logger.Info("callers must trust the agent's own authority", "ca_certificate", filepath.Join(dir, AuthorityName),
			"sha256", Fingerprint(own.certificate), "names", own.names)
		config.GetCertificate = own.get
	} else {
		files, err := openCertificateFiles(o.CertFile, o.KeyFile, now(), logger)
		if err != nil {
			return nil, err
		}
		config.GetCertificate = files.get
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, refuse(err, "Give --listen an address of this machine, and a port that nobody has and this user may take.")
	}
	return tls.NewListener(listener, config), nil
}
