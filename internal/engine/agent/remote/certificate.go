package remote

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// certificateFiles is a certificate and its key, in PEM files that others renew.
type certificateFiles struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	stamp   [2]stamp // of the files that were last tried
	current *tls.Certificate
	problem string // with the files that were last tried, as logged
}

// stamp tells two contents of a file apart.
type stamp struct {
	at   time.Time
	size int64
}

// openCertificateFiles reads the certificate. The error is an *api.Error.
func openCertificateFiles(certFile, keyFile string, now time.Time, logger *slog.Logger) (*certificateFiles, error) {
	c := &certificateFiles{certFile: certFile, keyFile: keyFile, logger: logger}
	refuse := func(format string, args ...any) error {
		return &api.Error{
			Code: api.CodeInvalid, Summary: "Cannot use the certificate " + certFile, Detail: fmt.Sprintf(format, args...),
			Advice: "Give the PEM files of a certificate, with those that lead to its authority, and of its key.",
		}
	}
	loaded, err := c.load()
	if err != nil {
		return nil, refuse("%v", err)
	}
	if leaf := loaded.Leaf; now.After(leaf.NotAfter) {
		return nil, refuse("it expired on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return c, nil
}

// get gives the certificate for a handshake, read anew when a file of it has
// changed. While the new files cannot be used, which they cannot when only one
// of them is there, the one before stays.
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unchanged() {
		return c.current, nil
	}
	switch loaded, err := c.loadLocked(); {
	case err == nil:
		c.problem = ""
		c.logger.Info("the certificate was renewed", "file", c.certFile, "expires", loaded.Leaf.NotAfter)
	case err.Error() != c.problem:
		c.problem = err.Error()
		c.logger.Error("the new certificate cannot be used; the one before stays", "file", c.certFile, "error", err)
	}
	return c.current, nil
}

func (c *certificateFiles) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loadLocked()
}

func (c *certificateFiles) loadLocked() (*tls.Certificate, error) {
	now, err := c.stamps()
	if err != nil {
		return nil, err
	}
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, err
	}
	c.stamp, c.current = now, &loaded
	return &loaded, nil
}

// unchanged reports whether the files are those that were read.
func (c *certificateFiles) unchanged() bool {
	now, err := c.stamps()
	return err == nil && now == c.stamp
}

func (c *certificateFiles) stamps() (stamps [2]stamp, err error) {
	for i, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

// Fingerprint gives the SHA-256 digest of a certificate, by which people compare
// two.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}
