package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Names of the agent's own authority in the data directory. The certificate is
// what callers are given to trust.
const (
	AuthorityName    = "tls-ca.pem"
	authorityKeyName = "tls-ca.key"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 30 * 24 * time.Hour
	// clockSkew is how far a caller's clock may be behind.
	clockSkew = time.Hour
)

// authority is a certificate authority of one agent, for those who have no
// other. It signs short-lived certificates for the agent alone, which are kept
// in memory: callers trust the authority, so that they notice no renewal.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	names       []string
	now         func() time.Time

	mu   sync.Mutex
	leaf *tls.Certificate
}

// openAuthority reads the authority of a data directory, and makes one where
// there is none.
func openAuthority(dir string, names []string, now func() time.Time) (*authority, error) {
	a := &authority{names: names, now: now}
	err := a.read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = a.create(dir); err == nil {
			err = a.read(dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the agent's own certificate authority: %w", err)
	}
	return a, nil
}

func (a *authority) read(dir string) error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, AuthorityName), filepath.Join(dir, authorityKeyName))
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return fmt.Errorf("%s is none; remove it and %s, and give callers the new one", filepath.Join(dir, AuthorityName), authorityKeyName)
	}
	a.certificate, a.key = pair.Leaf, key
	return nil
}

// create writes the key first: the certificate is there only when all is.
func (a *authority) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := a.now()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Provisioning agent " + a.names[0]},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	certificate, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeWhole(dir, authorityKeyName, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	return writeWhole(dir, AuthorityName, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

// get gives the agent's certificate for a handshake, another one when more than
// half of its life is over.
func (a *authority) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.leaf != nil && now.Before(a.leaf.Leaf.NotAfter.Add(-leafLife/2)) {
		return a.leaf, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: a.names[0]},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range a.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := sign(template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a.leaf = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return a.leaf, nil
}

// sign makes a certificate with a serial number of its own.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

// ownNames gives the names that this machine is reached by, as far as it knows
// them, when it listens on host.
func ownNames(host string) []string {
	var names []string
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		names = append(names, host)
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		names = append(names, name)
	}
	names = append(names, "localhost")
	addresses, _ := net.InterfaceAddrs() // without them, names are left
	for _, address := range addresses {
		if ip, ok := address.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
			names = append(names, ip.IP.String())
		}
	}
	return names
}
